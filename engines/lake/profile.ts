import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { ObjectRef } from '../../schemas/common.js';
import type { BronzeSchema } from '../../schemas/lake.js';
import { Profile, type ColumnProfile } from '../../schemas/profile.js';
import { quoteIdent, quoteText } from '../warehouse/port.js';
import { sha256 } from './content.js';
import type { ObjectStore } from './store.js';

/** Values looked at for means, lengths and distinct counts: with more columns fewer rows, so that it stays cheap. */
const SAMPLED_VALUES = 100_000;
const LEAST_ROWS = 1_000;
/** Columns looked at by one statement: every aggregate has buffers of its own, and those of hundreds fill the memory. */
const TOGETHER = 16;
/** Rows that stand together are taken together. */
const RUN_ROWS = 128;

/**
 * What finished Parquet parts hold. Small batches are read whole. Of large ones the counts of nulls and the ranges are
 * taken from Parquet's own statistics, which are exact, and the rest from rows of the first row group and one in the
 * middle: whatever is read of a row group, it is unpacked whole.
 * @param paths local files of one batch
 * @param schema its columns with their bronze types, without those of lineage
 * @param known number of rows, where it is known
 */
export async function profileParts(
  session: DuckDBConnection,
  paths: string[],
  schema: BronzeSchema,
  known?: number,
): Promise<Profile> {
  const rows = known ?? (await countRows(session, paths));
  if (rows === 0) return { rows, sampled: 0, columns: [] };
  const budget = Math.max(LEAST_ROWS, Math.floor(SAMPLED_VALUES / Math.max(1, schema.length)));
  if (rows <= budget) {
    const all = `read_parquet(${listOf(paths)})`;
    return { rows, sampled: rows, columns: await aggregate(session, all, schema, true) };
  }
  const { groups, chunks } = await readStatistics(session, paths);
  const chosen = groups.length > 2 ? [groups[0], groups[groups.length >> 1]] : groups;
  const looked = chosen.filter((group) => group !== undefined);
  const every = Math.ceil(looked.reduce((sum, group) => sum + group.rows, 0) / budget);
  const sample = `(${looked.map((group) => sampleOf(group, every)).join(' UNION ALL ')})`;
  const columns = await aggregate(session, sample, schema, false);
  return {
    rows,
    sampled: looked.reduce((sum, group) => sum + sampledRows(group, every), 0),
    columns: columns.map((column) => ({ ...column, ...totalOf(chunks.get(column.name), column.type) })),
  };
}

/**
 * Profiles a batch into a local file, to be committed with it.
 * @param folder where the file is written
 * @returns what goes into `Batch.profile` and `StagedBatch.files`
 */
export async function stageProfile(options: {
  session: DuckDBConnection;
  folder: string;
  paths: string[];
  schema: BronzeSchema;
  source: string;
  stream: string;
  /** the batch's */
  key: string;
  /** in all parts */
  rows?: number;
}): Promise<{ ref: ObjectRef; path: string }> {
  const { session, folder, paths, schema, source, stream, key, rows } = options;
  const body = JSON.stringify(await profileParts(session, paths, schema, rows));
  const hash = sha256(body);
  const path = join(folder, `profile-${key}.json`);
  await writeFile(path, body);
  const uri = `bronze/${source}/${stream}/_profile/${key}-${hash.slice(0, 12)}.json`;
  return { path, ref: { uri, sha256: hash, bytes: Buffer.byteLength(body) } };
}

/** @throws MillraceError ObjectMissing */
export async function readProfile(store: ObjectStore, { uri }: ObjectRef): Promise<Profile> {
  return Profile.parse(JSON.parse((await store.get(uri)).toString('utf8')));
}

/** Rows of a Parquet file that lie together. */
interface RowGroup {
  path: string;
  /** its first row in the file, from 0 */
  from: number;
  rows: number;
}

/** What Parquet says of one column in one row group. */
interface Chunk {
  nulls: number | null;
  values: number;
  min: string | null;
  max: string | null;
}

async function countRows(session: DuckDBConnection, paths: string[]): Promise<number> {
  if (paths.length === 0) return 0;
  const reader = await session.runAndReadAll(
    `SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata(${listOf(paths)})`,
  );
  return Number((reader.getRowsJson() as Cell[][])[0]?.[0]);
}

async function readStatistics(
  session: DuckDBConnection,
  paths: string[],
): Promise<{ groups: RowGroup[]; chunks: Map<string, Chunk[]> }> {
  const reader = await session.runAndReadAll(
    `SELECT file_name, row_group_id, row_group_num_rows, path_in_schema, stats_null_count, num_values,
       stats_min_value, stats_max_value FROM parquet_metadata(${listOf(paths)})`,
  );
  const groups: RowGroup[] = [];
  const chunks = new Map<string, Chunk[]>();
  let known = '';
  for (const row of reader.getRowsJson() as (string | null)[][]) {
    const [path = '', id, rows, column, nulls, values, min = null, max = null] = row;
    if (known !== `${path}\0${id}`) {
      const last = groups.at(-1);
      const from = last && last.path === path ? last.from + last.rows : 0;
      groups.push({ path: path ?? '', from, rows: Number(rows) });
      known = `${path}\0${id}`;
    }
    const chunk = { nulls: nulls === null ? null : Number(nulls), values: Number(values), min, max };
    const others = chunks.get(column ?? '');
    if (others) others.push(chunk);
    else chunks.set(column ?? '', [chunk]);
  }
  return { groups, chunks };
}

const sampleOf = ({ path, from, rows }: RowGroup, every: number): string =>
  `SELECT * FROM read_parquet(${quoteText(path)}, file_row_number = true)
   WHERE file_row_number BETWEEN ${from} AND ${from + rows - 1}
     AND ((file_row_number - ${from}) // ${RUN_ROWS}) % ${every} = 0`;

/** How many rows {@link sampleOf} gives. */
function sampledRows({ rows }: RowGroup, every: number): number {
  const runs = Math.ceil(rows / RUN_ROWS);
  const taken = Math.ceil(runs / every);
  const lastIsTaken = (runs - 1) % every === 0;
  return taken * RUN_ROWS - (lastIsTaken ? runs * RUN_ROWS - rows : 0);
}

const listOf = (paths: string[]): string => `[${paths.map(quoteText).join(', ')}]`;

/** A value of a result as DuckDB gives it in JSON: 64-bit numbers are texts. */
type Cell = string | number | boolean | null | undefined;

/** Nothing for null, NaN and infinity. */
const numberOf = (value: Cell): number | undefined =>
  value === null || !Number.isFinite(Number(value)) ? undefined : Number(value);

type Kind = 'number' | 'ordered' | 'text' | 'plain' | 'nested';

function kindOf(type: string): Kind {
  if (/^(int32|int64|double|decimal\(.*\)|U?(TINY|SMALL|BIG|HUGE)INT|UINTEGER|FLOAT)$/.test(type))
    return 'number';
  if (/^(date|time|timestamp|timestamptz)$/.test(type)) return 'ordered';
  if (/^(text|json|binary)$/.test(type)) return 'text';
  return /^(STRUCT|MAP|UNION)\b|\]$/.test(type) ? 'nested' : 'plain';
}

/** Looks at the rows of a relation, some columns at once. */
async function aggregate(
  session: DuckDBConnection,
  relation: string,
  schema: BronzeSchema,
  exact: boolean,
): Promise<ColumnProfile[]> {
  const profiles: ColumnProfile[] = [];
  for (let at = 0; at < schema.length; at += TOGETHER) {
    const columns = schema.slice(at, at + TOGETHER);
    const reader = await session.runAndReadAll(
      `SELECT ${columns.flatMap(aggregates).join(', ')} FROM ${relation}`,
    );
    const [values = []] = reader.getRowsJson() as Cell[][];
    for (const [index, { name, type }] of columns.entries()) {
      const [nulls, min, max, mean, ...counts] = values.slice(7 * index, 7 * index + 7);
      const [shortest, longest, distinct] = counts.map(numberOf);
      profiles.push({
        ...{ name, type, nulls: Number(nulls), exact },
        ...(typeof min === 'string' && typeof max === 'string' && { min, max }),
        ...(numberOf(mean) !== undefined && { mean: Number(mean) }),
        ...(shortest !== undefined && longest !== undefined && { shortest, longest }),
        ...(distinct !== undefined && { distinct }),
      });
    }
  }
  return profiles;
}

/** Seven expressions: nulls, min, max, mean, shortest, longest, distinct. */
function aggregates({ name, type }: BronzeSchema[number]): string[] {
  const column = quoteIdent(name);
  const kind = kindOf(type);
  const when = (condition: boolean, expression: string): string => (condition ? expression : 'NULL');
  const length = type === 'binary' ? `octet_length(${column})` : `length(${column}::VARCHAR)`;
  const ordered = kind === 'number' || kind === 'ordered';
  return [
    `(count(*) - count(${column}))::BIGINT`,
    when(ordered, `min(${column})::VARCHAR`),
    when(ordered, `max(${column})::VARCHAR`),
    when(kind === 'number', `avg(${column}::DOUBLE)`),
    when(kind === 'text', `min(${length})`),
    when(kind === 'text', `max(${length})`),
    when(kind !== 'nested', `count(DISTINCT ${column})`),
  ];
}

/** Nulls and range of all rows; nothing where a row group lacks its statistics. */
function totalOf(
  chunks: Chunk[] | undefined,
  type: string,
): Partial<Pick<ColumnProfile, 'nulls' | 'min' | 'max' | 'exact'>> {
  const kind = kindOf(type);
  if (!chunks || kind === 'nested') return {};
  let nulls = 0;
  for (const chunk of chunks) {
    if (chunk.nulls === null) return {};
    nulls += chunk.nulls;
  }
  if (kind !== 'number' && kind !== 'ordered') return { nulls, exact: true };
  const full = chunks.filter((chunk) => chunk.nulls !== chunk.values);
  const order = orderOf(type);
  let range: { min: string; max: string } | undefined;
  for (const { min, max } of full) {
    if (min === null || max === null) return {};
    range = {
      min: range && order(range.min) <= order(min) ? range.min : min,
      max: range && order(range.max) >= order(max) ? range.max : max,
    };
  }
  return { nulls, exact: true, ...range };
}

/** What values of a type that are written as text are compared by. Decimals of a column have equally many places. */
function orderOf(type: string): (value: string) => number | bigint | string {
  if (/^(double|FLOAT)$/.test(type)) return Number;
  return kindOf(type) === 'number' ? (value) => BigInt(value.replace('.', '')) : (value) => value;
}
