import type pg from 'pg';
import { milliseconds } from '../../../schemas/duration.js';
import type { PostgresStream } from '../../../schemas/postgres.js';
import { MillraceError } from '../../../schemas/errors.js';
import type { StagedBatch } from '../../lake/bronze.js';
import { contentKey } from '../../lake/content.js';
import { quoteIdent, quoteText } from '../../warehouse/port.js';
import type { LoadContext } from '../connector.js';
import { columnOf, describeTable, keyOf, selectedColumns, type SourceColumn, type Table } from './catalog.js';
import { addressOf, openPostgres } from './connect.js';
import { copySegments } from './copy-out.js';
import { parseCsvRow } from './csv-row.js';
import { assertComplete, columnsOf, selectRows, type TableLoad } from './full.js';
import { withoutKnown } from './known-rows.js';
import type { RowSegment } from './row-file.js';
import { asSourceError } from './source-errors.js';
import { stageRows, type StagedRows } from './stage-rows.js';

export type IncrementalLoad = Exclude<PostgresStream['load'], string>;

/** Rows of a page, which is one batch: after a crash the load goes on from there. */
const PAGE_ROWS = 250_000;

interface Increment {
  client: pg.Client;
  stream: PostgresStream;
  load: IncrementalLoad;
  context: LoadContext;
  table: Table;
  columns: SourceColumn[];
  cursor: SourceColumn;
  /** tells where a page ends among equal cursors; empty: a page ends after them */
  key: string[];
  pageRows: number;
  /** rows that were read before, among which late ones are looked for */
  late?: boolean;
}

/** Values of cursor and key, as the server writes them. */
type Place = string[];

/**
 * What is new of a table since its cursor: pages in the order of cursor and key, up to the highest cursor at the start
 * of the load. Before them come rows that were committed late: those up to `lag` behind the end of the last load, and all
 * with its very cursor, are read again, and what bronze does not hold of them is a batch of its own. A row that is
 * committed later than that stays out.
 */
export async function* loadIncrement(
  { source, stream, table: name, context }: TableLoad,
  load: IncrementalLoad,
): AsyncGenerator<StagedBatch[]> {
  const { signal, sample } = context;
  const url = await context.secret(source.url);
  const client = await openPostgres({ url, signal });
  try {
    const table = await describeTable(client, name);
    const cursor = columnOf(table, load.cursor, 'load.cursor');
    const nullable = new Set(table.columns.filter((column) => column.nullable).map((column) => column.name));
    const key = keyOf(table, stream.key);
    yield* pages({
      ...{ client, stream, load, context, table, cursor },
      columns: withColumns(table, selectedColumns(table, stream.select), [load.cursor, ...key]),
      key: key.some((column) => nullable.has(column)) ? [] : key.filter((column) => column !== load.cursor),
      pageRows: sample ?? PAGE_ROWS,
    });
  } catch (error) {
    signal.throwIfAborted();
    throw asSourceError(error, addressOf(url));
  } finally {
    await client.end().catch(() => undefined); // it may have gone already
  }
}

/** Cursor and key must be among what is read. */
function withColumns(table: Table, selected: SourceColumn[], needed: string[]): SourceColumn[] {
  const names = new Set([...selected.map(({ name }) => name), ...needed]);
  return table.columns.filter(({ name }) => names.has(name));
}

async function* pages(increment: Increment): AsyncGenerator<StagedBatch[]> {
  const { context, pageRows } = increment;
  const last = context.batches.findLast((batch) => batch.cursor)?.cursor?.to;
  const from = typeof last === 'string' ? placeOf(last) : undefined;
  await reportWithoutCursor(increment);
  const upper = await highestCursor(increment);
  if (from) yield* lateRows(increment, from);
  for (let place = from; upper !== undefined;) {
    const page = await loadPage(increment, place, upper);
    if (!page) return;
    yield [page.staged];
    if (page.rows < pageRows || context.sample !== undefined) return;
    place = page.end;
  }
}

function placeOf(text: string): Place {
  const parsed: unknown = text.startsWith('[') ? JSON.parse(text) : undefined;
  if (Array.isArray(parsed) && parsed.every((value) => typeof value === 'string')) return parsed;
  throw new MillraceError('ObjectCorrupt', {
    what: `The stream's cursor is no place in a table: ${text}`,
    fix: 'It was written by another kind of source; declare a new stream',
  });
}

async function loadPage(
  increment: Increment,
  from: Place | undefined,
  upper: string,
): Promise<(StagedRows & { end: Place }) | undefined> {
  const { columns, cursor, key, pageRows, load } = increment;
  const order = [cursor.name, ...key].map(quoteIdent);
  const after =
    from === undefined
      ? load.from === undefined
        ? undefined
        : `${quoteIdent(cursor.name)} >= ${quoteText(String(load.from))}`
      : `(${order.join(', ')}) > (${from.slice(0, order.length).map(quoteText).join(', ')})`;
  const limit = key.length > 0 ? `LIMIT ${pageRows}` : `FETCH FIRST ${pageRows} ROWS WITH TIES`;
  const query =
    selectRows(increment.table, columns, ...conditions(increment), after, atMost(cursor, upper)) +
    ` ORDER BY ${order.join(', ')} ${limit}`;
  const start = from === undefined ? null : JSON.stringify(from);
  let end: Place | undefined;
  const page = await stage(increment, query, contentKey(increment.stream.load, start, upper), (segment) => {
    const values = parseCsvRow(segment.last);
    end = [cursor.name, ...key].map(
      (name) => values[columns.findIndex((column) => column.name === name)] ?? '',
    );
  });
  if (!end) return undefined;
  return { ...page, end, staged: withCursor(page.staged, start, JSON.stringify(end)) };
}

/** Rows in the window behind the last load's end that were committed after it was read. */
async function* lateRows(increment: Increment, place: Place): AsyncGenerator<StagedBatch[]> {
  const { context, columns, cursor, key, load, table } = increment;
  const lag = load.lag === undefined ? 0 : milliseconds(load.lag);
  const name = quoteIdent(cursor.name);
  const lowest = await increment.client.query<{ lowest: string }>(
    `SELECT ${lag > 0 ? `(x::${cursorType(cursor)} - interval '${lag} milliseconds')::${cursorType(cursor)}` : 'x'}::text AS lowest
     FROM (SELECT ${quoteText(place[0] ?? '')} AS x) given`,
  );
  const from = lowest.rows[0]?.lowest ?? '';
  const order = [cursor.name, ...key].map(quoteIdent);
  const upTo = `(${order.join(', ')}) <= (${place.slice(0, order.length).map(quoteText).join(', ')})`;
  const query = selectRows(table, columns, ...conditions(increment), `${name} >= ${quoteText(from)}`, upTo);
  const at = JSON.stringify(place);
  // most of them are in, those set aside among them: the tolerance is not about them
  const read = await stage({ ...increment, late: true }, query, contentKey(context.run, 'late', at));
  const late = await withoutKnown(read.staged, { context, cursor: cursor.name, from });
  if (late) yield [withCursor(late, at, at)];
}

const withCursor = (staged: StagedBatch, from: string | null, to: string): StagedBatch => ({
  ...staged,
  batch: { ...staged.batch, cursor: { from, to } },
});

async function stage(
  { client, stream, context, table, columns, late = false }: Increment,
  query: string,
  key: string,
  onSegment: (segment: RowSegment) => void = () => undefined,
): Promise<StagedRows> {
  const { source, interval, extractedAt, run, workDir, signal, onProgress } = context;
  let sent = 0;
  async function* segments(folder: string): AsyncGenerator<RowSegment> {
    for await (const segment of copySegments(client, query, folder, ({ rows }) => (sent = rows))) {
      onSegment(segment);
      yield segment;
    }
  }
  const result = await stageRows(
    {
      ...{
        source,
        stream: context.stream,
        key,
        table: table.label,
        interval,
        extractedAt,
        run,
        workDir,
        signal,
      },
      ...{ contract: stream.contract, tolerance: stream.tolerance, lenient: late, profiled: !late },
      columns: columnsOf(context, stream, table, columns),
      onRows: (rows) => onProgress({ table: table.label, rows }),
    },
    segments,
  );
  assertComplete(table.label, sent, result.rows);
  const rowKey = keyOf(table, stream.key);
  const batch = { ...result.staged.batch, expected: { rows: sent }, ...(rowKey.length > 0 && { rowKey }) };
  return { ...result, staged: { ...result.staged, batch } };
}

/** A time at infinity would be the highest cursor for ever. */
const conditions = ({ cursor, stream }: Increment): (string | undefined)[] => [
  ...(/^(date|timestamp)/.test(cursor.type) ? [`isfinite(${quoteIdent(cursor.name)})`] : []),
  stream.where,
];

const atMost = ({ name }: SourceColumn, upper: string): string =>
  `${quoteIdent(name)} <= ${quoteText(upper)}`;

/** @throws MillraceError ProjectInvalid when there is no time to go back in */
function cursorType({ name, type }: SourceColumn): string {
  if (/^(date|timestamp|timestamptz)$/.test(type)) return type;
  throw new MillraceError('ProjectInvalid', {
    what: `load.lag is a length of time, and the cursor '${name}' is ${type}`,
    fix: 'Use a column with the time of the change as cursor, or leave lag out',
  });
}

async function highestCursor(increment: Increment): Promise<string | undefined> {
  const { client, table, cursor } = increment;
  const given = conditions(increment).filter((one) => one !== undefined);
  const { rows } = await client.query<{ highest: string | null }>(
    `SELECT max(${quoteIdent(cursor.name)})::text AS highest FROM ${table.sql}${given.length > 0 ? ` WHERE (${given.join(') AND (')})` : ''}`,
  );
  return rows[0]?.highest ?? undefined;
}

/** Rows without a cursor are never read; somebody should know. */
async function reportWithoutCursor({ client, table, cursor, context }: Increment): Promise<void> {
  if (!cursor.nullable) return;
  const { rows } = await client.query<{ count: number }>(
    `SELECT count(*)::float8 AS count FROM ${table.sql} WHERE ${quoteIdent(cursor.name)} IS NULL`,
  );
  if (rows[0] && rows[0].count > 0) context.onProgress({ table: table.label, withoutCursor: rows[0].count });
}
