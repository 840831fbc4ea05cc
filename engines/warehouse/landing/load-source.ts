import { MillraceError } from '../../../schemas/errors.js';
import type { Batch, BronzeSchema } from '../../../schemas/lake.js';
import { contentKey } from '../../lake/content.js';
import { currentBatches } from '../../lake/current-batches.js';
import { currentSchema } from '../../lake/contract.js';
import { duckType, parseType } from '../../lake/types.js';
import {
  quoteIdent,
  quoteStored,
  quoteText,
  stored,
  type Dialect,
  type RelationName,
  type Warehouse,
} from '../port.js';
import { withLineage, type LocalFile } from './rows.js';
import type { BoundStream } from './streams.js';

/** in which the loads are noted, each in the transaction that brings its rows */
const LOADS: RelationName = { schema: 'millrace_landing', name: 'loads' };

/**
 * Brings a stream's batches into a table of a warehouse that cannot read the lake in place: batches that are new are
 * loaded, those that no longer count go, each in one transaction with its note, so a repetition changes nothing.
 *
 * @throws MillraceError Unsupported for streams that are merged by keys or replicated
 */
export async function loadStream(
  warehouse: Warehouse,
  stream: BoundStream,
  all: readonly Batch[],
  localFile: LocalFile,
  signal?: AbortSignal,
): Promise<void> {
  if (stream.keyed || stream.follows)
    throw new MillraceError('Unsupported', {
      what: `${stream.source}.${stream.stream}: on ${warehouse.dialect} only streams whose rows are added or replaced are loaded`,
      where: { path: `sources.${stream.source}.streams.${stream.stream}` },
      fix: 'Say disposition: append and merge by keys in a model, or use DuckDB as the warehouse',
    });
  const batches = currentBatches(all);
  const schema = currentSchema(batches);
  if (!schema) return;
  const { dialect } = warehouse;
  const table: RelationName = { schema: stream.source, name: stream.stream };
  await prepare(warehouse, table, schema);
  const name = quoteStored(dialect, table);
  const here = `source = ${quoteText(stream.source)} and stream = ${quoteText(stream.stream)}`;
  const noted = await warehouse.query<{ batch: string }>(
    `select batch from ${quoteStored(dialect, LOADS)} where ${here}`,
    { signal },
  );
  const loaded = new Set(noted.map(({ batch }) => batch));
  const wanted = new Set(batches.map(({ key }) => key));
  const gone = [...loaded].filter((key) => !wanted.has(key));
  if (gone.length > 0)
    await warehouse.transaction(
      async (session) => {
        const keys = gone.map(quoteText).join(', ');
        await session.run(`delete from ${name} where _batch in (${keys})`);
        await session.run(`delete from ${quoteStored(dialect, LOADS)} where ${here} and batch in (${keys})`);
      },
      { signal },
    );
  for (const batch of batches) {
    if (loaded.has(batch.key)) continue;
    const columns = withLineage(batch.schema).map(({ name: column, type }) => ({
      name: column,
      bronze: type,
      type: typeOn(dialect, type),
    }));
    const files = await Promise.all(batch.parts.map(({ uri }) => localFile(uri)));
    const note = `insert into ${quoteStored(dialect, LOADS)} (source, stream, batch, loaded) values (${[stream.source, stream.stream, batch.key].map(quoteText).join(', ')}, ${batch.loaded})`;
    if (files.length === 0) await warehouse.run(note, { signal });
    else
      await warehouse
        .load?.({ table, columns, files }, async (session) => void (await session.run(note)), { signal })
        .catch((cause: unknown) => {
          if (!alreadyNoted(cause)) throw cause;
        });
  }
}

/** What {@link loadStream} has brought into a warehouse, by `source.stream`. */
export async function loadedSources(
  warehouse: Warehouse,
): Promise<Record<string, { relation: RelationName; key: string }>> {
  if (!(await warehouse.describe(LOADS))) return {};
  const rows = await warehouse.query<{ source: string; stream: string; batch: string }>(
    `select source, stream, batch from ${quoteStored(warehouse.dialect, LOADS)} order by source, stream, batch`,
  );
  const batches = new Map<string, string[]>();
  const sources: Record<string, { relation: RelationName; key: string }> = {};
  for (const { source, stream, batch } of rows) {
    const id = `${source}.${stream}`;
    const keys = batches.get(id) ?? [];
    batches.set(id, [...keys, batch]);
    sources[id] = { relation: { schema: source, name: stream }, key: '' };
  }
  for (const [id, keys] of batches) (sources[id] as { key: string }).key = contentKey(id, keys);
  return sources;
}

/** Another run has loaded the same batch a moment before: its rows are there. */
const alreadyNoted = (cause: unknown): boolean =>
  cause instanceof MillraceError && /duplicate key[^]*loads/i.test(cause.what);

async function prepare(warehouse: Warehouse, table: RelationName, schema: BronzeSchema): Promise<void> {
  const { dialect } = warehouse;
  const columns = withLineage(schema).map(({ name, type }) => ({
    name: quoteIdent(stored(dialect, name)),
    plain: name.toLowerCase(),
    type: typeOn(dialect, type),
  }));
  const there = await warehouse.describe(table);
  if (!there) {
    await warehouse.run(`create schema if not exists ${quoteIdent(stored(dialect, table.schema))}`);
    await warehouse.run(
      `create table if not exists ${quoteStored(dialect, table)} (${columns.map(({ name, type }) => `${name} ${type}`).join(', ')})`,
    );
  }
  const has = new Set(
    (there?.columns ?? columns).map((column) => column.name.replaceAll('"', '').toLowerCase()),
  );
  for (const { name, plain, type } of columns)
    if (!has.has(plain))
      await warehouse.run(`alter table ${quoteStored(dialect, table)} add column ${name} ${type}`);
  await warehouse.run(`create schema if not exists ${quoteIdent(stored(dialect, LOADS.schema))}`);
  await warehouse.run(
    `create table if not exists ${quoteStored(dialect, LOADS)} (source varchar(255), stream varchar(255), batch varchar(255), loaded bigint, primary key (source, stream, batch))`,
  );
}

const TYPES: Record<'snowflake' | 'postgres', Record<string, string>> = {
  postgres: {
    DOUBLE: 'double precision',
    BLOB: 'bytea',
    VARCHAR: 'text',
    TINYINT: 'smallint',
    UBIGINT: 'numeric(20)',
  },
  snowflake: {
    ...{ DOUBLE: 'float', BLOB: 'binary', TIMESTAMP: 'timestamp_ntz', BIGINT: 'number(38,0)' },
    ...{ 'TIMESTAMP WITH TIME ZONE': 'timestamp_tz', TIMESTAMPTZ: 'timestamp_tz' },
  },
};

/** A bronze type as the warehouse writes it; what is nested is JSON. */
function typeOn(dialect: Dialect, bronze: string): string {
  const { kind } = parseType(bronze);
  const duck = duckType(bronze);
  if (dialect === 'duckdb') return duck;
  if (kind !== 'scalar' && kind !== 'decimal') return dialect === 'postgres' ? 'jsonb' : 'variant';
  return TYPES[dialect][duck.toUpperCase()] ?? duck;
}
