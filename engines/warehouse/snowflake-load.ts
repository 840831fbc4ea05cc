import { contentKey } from '../lake/content.js';
import {
  quoteIdent,
  quoteStored,
  quoteText,
  stored,
  type LoadFiles,
  type RelationName,
  type Session,
} from './port.js';

/** Beside the table: a name that only this load has, so that two loads never meet. */
const aside = ({ table, files }: LoadFiles): RelationName => ({
  ...table,
  name: `${table.name}__load_${contentKey(...files).slice(0, 8)}`,
});

/**
 * Brings the files into a table of their own: PUT to a stage of the schema, COPY from there. Both may be repeated; DDL
 * ends transactions, so all of it comes before the rows are inserted.
 */
export async function stageFiles(session: Session, files: LoadFiles): Promise<void> {
  const { columns } = files;
  const staging = quoteStored('snowflake', aside(files));
  const defined = columns.map(({ name, type }) => `${columnName(name)} ${type}`).join(', ');
  await session.run(`create or replace transient table ${staging} (${defined})`);
  await session.run(`create or replace stage ${staging}`);
  for (const file of files.files)
    await session.run(`put ${quoteText(`file://${file}`)} @${staging} auto_compress=false overwrite=true`);
  const values = columns.map(({ name, type }) => `$1:${quoteIdent(name)}::${type}`).join(', ');
  await session.run(
    `copy into ${staging} from (select ${values} from @${staging}) file_format = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE BINARY_AS_TEXT = FALSE) force = true`,
  );
}

/** The rows that {@link stageFiles} has brought; part of the transaction. What was only on the way goes afterwards. */
export async function insertStaged(session: Session, files: LoadFiles): Promise<void> {
  const names = files.columns.map(({ name }) => columnName(name)).join(', ');
  const staging = quoteStored('snowflake', aside(files));
  await session.run(
    `insert into ${quoteStored('snowflake', files.table)} (${names}) select ${names} from ${staging}`,
  );
  // the first of them commits the rows
  await session.run(`drop table ${staging}; drop stage ${staging}`);
}

const columnName = (name: string): string => quoteIdent(stored('snowflake', name));
