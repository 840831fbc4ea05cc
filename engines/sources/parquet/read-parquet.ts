import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { MillraceError } from '../../../schemas/errors.js';
import { duckType, parseType, printType, sameType } from '../../lake/types.js';
import { quoteIdent, quoteText } from '../../warehouse/port.js';
import { castValue } from '../cast.js';
import { assertNames, columnMissing, declaredColumns, undeclared } from '../declared.js';
import type { ReadInput, ReadResult } from '../file-reader.js';
import { sourceEmpty } from '../open-text.js';
import { parquetOptions } from '../parquet-options.js';
import { lineageColumns } from '../text/load-segments.js';
import { planCasting, type Casting, type FileColumn, type TypedColumn } from '../typed-columns.js';

/** Row groups of one part: large files become several. */
const GROUPS_PER_PART = 16;

interface ParquetColumn extends FileColumn {
  /** as DuckDB reads it */
  source: string;
  /** in the file */
  from: string;
}

/**
 * Reads a Parquet file row group by row group; its types are taken as they are, and cast only where the stream has
 * others. A position is the row's number.
 * @throws MillraceError SourceUnreadable, SourceEmpty, FormatMismatch, ColumnMissing, SchemaMismatch
 */
export async function readParquet(input: ReadInput): Promise<ReadResult> {
  const { path, sessions, before, rejects, name: file } = input;
  const session = sessions[0] as DuckDBConnection;
  await assertParquet(path);
  return readable(path, async () => {
    const columns = await columnsOf(session, input);
    const casting = planCasting(columns, input, { file: path });
    const counted = await session.runAndReadAll(
      `SELECT sum(num_rows) FROM parquet_file_metadata(${quoteText(path)})`,
    );
    const read = Number(counted.getRowsJson()[0]?.[0] ?? 0);
    if (read === 0) throw sourceEmpty(path, 'The file holds no row');
    const rows = castRows(casting, columns, path, before);
    const parts = await copyParts(session, input, casting, rows);
    const { discarded } = rows;
    const left =
      discarded && (await session.runAndReadAll(`SELECT ${discarded} FROM ${rows.from} WHERE ${rows.fits}`));
    return {
      ...{ casting, read, parts, discarded: left ? Number(left.getRowsJson()[0]?.[0] ?? 0) : 0 },
      inferred: !input.frozen && !input.spec.columns,
      rejectMisfits: async (limit) => {
        if (parts.reduce((sum, part) => sum + part.rows, 0) === read) return;
        const result = await session.stream(
          `SELECT record, ${rows.reason}, ${rows.json} FROM ${rows.from} WHERE NOT coalesce(${rows.fits}, false)
           ORDER BY record ${limit === undefined ? '' : `LIMIT ${limit}`}`,
        );
        for await (const misfits of result.yieldRows()) {
          for (const [record, reason, json] of misfits) {
            const place = { record: Number(record), line: 0, byte: 0 };
            rejects.add({ ...place, file, reason: String(reason), raw: Buffer.from(String(json)) });
          }
          await rejects.flush();
        }
      },
    };
  });
}

async function columnsOf(session: DuckDBConnection, { path, spec }: ReadInput): Promise<ParquetColumn[]> {
  const described = await session.runAndReadAll(
    `DESCRIBE SELECT * FROM read_parquet(${quoteText(path)}, hive_partitioning = false)`,
  );
  const declared = declaredColumns(spec.columns);
  const byFrom = new Map(declared?.map((column) => [column.from, column]));
  const found = (described.getRowsJson() as [string, string][]).map(([from, source]) => ({ from, source }));
  const names = found.map(({ from }) => from);
  if (declared && spec.contract.columns === 'freeze') {
    const wanted = [...byFrom.keys()];
    if (wanted.some((name) => !names.includes(name))) throw columnMissing(wanted, names, { file: path });
    const extra = names.filter((name) => !byFrom.has(name));
    if (extra.length > 0) throw undeclared(extra, { file: path });
  }
  const columns = found.map(({ from, source }, field): ParquetColumn => {
    const { name = from, formats, required } = byFrom.get(from) ?? {};
    return { name, formats, required, field, from, source, type: bronzeType(source) };
  });
  assertNames(
    columns.map(({ name }) => name),
    { file: path },
  );
  return columns;
}

/** What bronze has no type for is text or the next wider number. */
function bronzeType(source: string): string {
  if (source.startsWith('ENUM(') || source === 'INTERVAL') return 'text';
  if (source === 'HUGEINT' || source === 'UHUGEINT') return 'decimal(38,0)';
  return printType(parseType(source));
}

interface CastRows {
  from: string;
  fits: string;
  values: string[];
  reason: string;
  json: string;
  discarded: string | undefined;
}

/** Casts that lose nothing: what was cast reads back as it was. */
function castRows(casting: Casting, columns: ParquetColumn[], path: string, before: number): CastRows {
  const byField = new Map(columns.map((column) => [column.field, column]));
  const source = ({ field }: { field: number | null }): ParquetColumn | undefined =>
    field === null ? undefined : byField.get(field);
  const casts = casting.columns.flatMap((column) => {
    const from = source(column);
    return from && column.variantOf === undefined ? [{ column, from, cast: castOf(column, from) }] : [];
  });
  const fields = columns.map(({ from, field }) => `${quoteIdent(from)} AS f${field}`);
  const inner = `(SELECT file_row_number + ${before + 1} AS record, ${fields.join(', ')}
    FROM read_parquet(${quoteText(path)}, hive_partitioning = false, file_row_number = true))`;
  const from = `(SELECT *, ${casts.map(({ column, cast }) => `${cast} AS c${column.field}`).join(', ') || 'NULL'} FROM ${inner})`;
  const misfit = (field: number | null): string => `(c${field} IS NULL AND f${field} IS NOT NULL)`;
  const reject = casts.filter(({ column }) => column.misfit === 'reject').map(({ column }) => column);
  const required = casting.columns.filter((column) => column.required);
  const leftOut = casting.leftOut.filter(({ then }) => then === 'reject');
  const fits = [
    ...reject.map(({ field }) => `NOT ${misfit(field)}`),
    ...required.map(({ field }) => (field === null ? 'false' : `f${field} IS NOT NULL`)),
    ...leftOut.map(({ field }) => `f${field} IS NULL`),
    ...(casting.rejectAll === null ? [] : ['false']),
  ];
  const label = (name: string): string => `column ${quoteIdent(name)}: `;
  const reasons = [
    ...reject.map(
      ({ name, field, type }) =>
        `CASE WHEN ${misfit(field)} THEN ${quoteText(`${label(name)}'`)} || left(f${field}::VARCHAR, 60) || ${quoteText(`' is not ${type}`)} END`,
    ),
    ...required.map(
      ({ name, field }) =>
        `CASE WHEN ${field === null ? 'true' : `f${field} IS NULL`} THEN ${quoteText(`${label(name)}a value is required`)} END`,
    ),
    ...leftOut.map(
      ({ name, field }) =>
        `CASE WHEN f${field} IS NOT NULL THEN ${quoteText(`column ${quoteIdent(name)} is not one of the stream's`)} END`,
    ),
    ...(casting.rejectAll === null ? [] : [quoteText(casting.rejectAll)]),
  ];
  const discarded = [
    ...casts
      .filter(({ column }) => column.misfit === 'discard')
      .map(({ column }) => `count(*) FILTER (WHERE ${misfit(column.field)})`),
    ...casting.leftOut.filter(({ then }) => then === 'discard').map(({ field }) => `count(f${field})`),
  ];
  return {
    ...{ from, fits: fits.join(' AND ') || 'true' },
    values: casting.columns.map((column) => {
      const { field, name, type, variantOf } = column;
      const value =
        field === null
          ? `NULL::${duckType(type)}`
          : variantOf === undefined
            ? `c${field}`
            : `CASE WHEN ${misfit(field)} THEN ${textOf(`f${field}`, source(column)?.source ?? '')} END`;
      return `${value} AS ${quoteIdent(name)}`;
    }),
    reason: `concat_ws('; ', ${reasons.join(', ') || "''"})`,
    json: `to_json({${columns.map(({ from: name, field }) => `${quoteText(name)}: f${field}`).join(', ')}})::VARCHAR`,
    discarded: discarded.length > 0 ? discarded.join(' + ') : undefined,
  };
}

const textOf = (value: string, source: string): string =>
  /^(STRUCT|MAP)\(|\]$/.test(source) ? `to_json(${value})::VARCHAR` : `${value}::VARCHAR`;

function castOf({ type, field, formats }: TypedColumn, { source }: ParquetColumn): string {
  const value = `f${field}`;
  if (sameType(type, source)) return value;
  if (type === 'text') return textOf(value, source);
  if (source === 'VARCHAR' && !/[(\]]/.test(type.replace(/^decimal\(.*\)$/, ''))) {
    const closer = castValue(type, `trim(${value})`, formats);
    return `CASE WHEN ${value} IS NOT NULL THEN ${closer} END`;
  }
  const cast = `TRY_CAST(${value} AS ${duckType(type)})`;
  return `CASE WHEN TRY_CAST(${cast} AS ${source}) IS NOT DISTINCT FROM ${value} THEN ${cast} END`;
}

async function copyParts(
  session: DuckDBConnection,
  { folder, name: file, batch, extractedAt, metadata }: ReadInput,
  casting: Casting,
  rows: CastRows,
): Promise<ReadResult['parts']> {
  const target = join(folder, 'rows');
  const values = [...rows.values, ...lineageColumns({ file, batch: await batch, extractedAt })].join(', ');
  await session.run(
    `COPY (SELECT ${values} FROM ${rows.from} WHERE ${rows.fits}) TO ${quoteText(target)}
     (${parquetOptions(metadata(casting))}, ROW_GROUPS_PER_FILE ${GROUPS_PER_PART})`,
  );
  const number = (name: string): number => Number(/\d+/.exec(name)?.[0] ?? 0);
  const names = (await readdir(target)).sort((a, b) => number(a) - number(b));
  const parts: ReadResult['parts'] = [];
  for (const name of names) {
    const path = join(target, name);
    const counted = await session.runAndReadAll(
      `SELECT num_rows FROM parquet_file_metadata(${quoteText(path)})`,
    );
    parts.push({ path, rows: Number(counted.getRowsJson()[0]?.[0] ?? 0) });
  }
  return parts;
}

const MAGIC = 'PAR1';

/** Parquet begins and ends with the same four bytes, so a file that was cut off is known before it is read. */
async function assertParquet(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const head = Buffer.alloc(Math.min(size, 80));
    await handle.read(head, 0, head.length, 0);
    const tail = Buffer.alloc(4);
    if (size >= 4) await handle.read(tail, 0, 4, size - 4);
    const starts = head.toString('latin1', 0, 4);
    if (starts === 'PARE') {
      throw new MillraceError('SourceUnreadable', {
        what: 'The Parquet file is encrypted',
        where: { file: path },
        fix: 'Have it delivered without encryption of its own',
      });
    }
    if (starts !== MAGIC) {
      throw new MillraceError('FormatMismatch', {
        what: `The file is no Parquet: it begins with ${JSON.stringify(head.toString())}`,
        where: { file: path, byte: 0 },
        fix: 'Declare the format that it has: csv(), json(), jsonl() …',
      });
    }
    if (tail.toString('latin1') !== MAGIC || size < 12) throw cutOff(path, size, 'it lacks its footer');
  } finally {
    await handle.close();
  }
}

const cutOff = (path: string, byte: number, why: string, cause?: unknown): MillraceError =>
  new MillraceError('SourceUnreadable', {
    what: `The Parquet file is cut off or damaged: ${why}`,
    where: { file: path, byte },
    fix: 'It was probably cut off on its way: deliver it again. Nothing of it was loaded',
    cause,
  });

/** What DuckDB says of damaged pages and footers. */
const DAMAGED =
  /parquet|thrift|snappy|zstd|gzip|decompress|out of buffer|corrupt|deserializ|page header|Invalid (Input|data)/i;

async function readable<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MillraceError || !(error instanceof Error)) throw error;
    if (!DAMAGED.test(error.message) || /interrupt|out of memory/i.test(error.message)) throw error;
    throw cutOff(path, 0, error.message.split('\n')[0] ?? '', error);
  }
}
