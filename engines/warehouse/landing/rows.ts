import type { Batch, BronzeSchema } from '../../../schemas/lake.js';
import { LINEAGE } from '../../lake/bronze.js';
import { duckType, parseType } from '../../lake/types.js';
import { quoteIdent, quoteText } from '../port.js';

/** Gives the local path of an object of the lake, fetched when needed. */
export type LocalFile = (uri: string) => Promise<string>;

/** A stream's columns and, after them, those of every row of bronze. */
export const withLineage = (schema: BronzeSchema): BronzeSchema => [...schema, ...LINEAGE];

/**
 * A query over the files of batches with the columns of `schema`, whatever shape the stream had when they were read:
 * a column that a batch lacks is null, one that has been widened since is cast.
 *
 * @param ordinal adds `_mr_batch`, the batch's place in `batches`
 */
export async function rowsQuery(
  batches: readonly Batch[],
  schema: BronzeSchema,
  localFile: LocalFile,
  ordinal = false,
): Promise<string> {
  const queries: string[] = [];
  for (const group of groups(batches)) {
    const files: { path: string; ordinal: number }[] = [];
    for (const { batch, ordinal: of } of group) {
      for (const { uri } of batch.parts) files.push({ path: await localFile(uri), ordinal: of });
    }
    if (files.length === 0) continue;
    const columns = castColumns(group[0]?.batch.schema ?? [], schema);
    queries.push(
      ordinal ? ordered(files, columns) : `select ${columns.join(', ')} from ${readParquet(files)}`,
    );
  }
  return queries.length > 0 ? queries.join(' union all ') : emptyQuery(schema, ordinal);
}

/** Batches of the same shape that follow each other are read at once: DuckDB then opens one file to know them all. */
function groups(batches: readonly Batch[]): { batch: Batch; ordinal: number }[][] {
  const found: { shape: string; members: { batch: Batch; ordinal: number }[] }[] = [];
  batches.forEach((batch, index) => {
    const shape = JSON.stringify(batch.schema);
    const last = found.at(-1);
    if (last?.shape === shape) last.members.push({ batch, ordinal: index });
    else found.push({ shape, members: [{ batch, ordinal: index }] });
  });
  return found.map(({ members }) => members);
}

const readParquet = (files: { path: string }[], options = ''): string =>
  `read_parquet([${files.map(({ path }) => quoteText(path)).join(', ')}], hive_partitioning = false${options})`;

function ordered(files: { path: string; ordinal: number }[], columns: string[]): string {
  const [first] = files;
  if (files.every(({ ordinal }) => ordinal === first?.ordinal))
    return `select ${columns.join(', ')}, ${first?.ordinal ?? 0}::bigint as _mr_batch from ${readParquet(files)}`;
  const values = files.map(({ path, ordinal }) => `(${quoteText(path)}, ${ordinal}::bigint)`);
  return `select ${columns.join(', ')}, _mr_batch from ${readParquet(files, ", filename = '_mr_file'")}
    join (values ${values.join(', ')}) _mr_files (_mr_path, _mr_batch) on _mr_file = _mr_path`;
}

function castColumns(has: BronzeSchema, schema: BronzeSchema): string[] {
  const types = new Map(withLineage(has).map((column) => [column.name.toLowerCase(), column]));
  return withLineage(schema).map(({ name, type }) => {
    const mine = types.get(name.toLowerCase());
    return `${mine ? castTo(quoteIdent(mine.name), mine.type, type) : `null::${duckType(type)}`} as ${quoteIdent(name)}`;
  });
}

/** @returns an expression for a value of bronze type `from` as `to`; what is nested becomes JSON where `to` is text */
export function castTo(value: string, from: string, to: string): string {
  const [is, target] = [parseType(from), duckType(to)];
  if (duckType(from) === target) return value;
  const nested = is.kind !== 'scalar' && is.kind !== 'decimal';
  return nested && target === 'VARCHAR' ? `to_json(${value})::VARCHAR` : `cast(${value} as ${target})`;
}

/** No rows of those columns. */
export function emptyQuery(schema: BronzeSchema, ordinal = false): string {
  const columns = withLineage(schema).map(
    ({ name, type }) => `null::${duckType(type)} as ${quoteIdent(name)}`,
  );
  return `select ${[...columns, ...(ordinal ? ['null::bigint as _mr_batch'] : [])].join(', ')} where false`;
}
