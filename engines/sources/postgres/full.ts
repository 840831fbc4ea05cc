import type { PostgresSource, PostgresStream } from '../../../schemas/postgres.js';
import { MillraceError } from '../../../schemas/errors.js';
import type { StagedBatch } from '../../lake/bronze.js';
import { contentKey } from '../../lake/content.js';
import { currentSchema } from '../../lake/contract.js';
import { FULL } from '../../lake/current-batches.js';
import { quoteIdent } from '../../warehouse/port.js';
import type { LoadContext } from '../connector.js';
import { describeTable, keyOf, selectedColumns, type SourceColumn, type Table } from './catalog.js';
import { withPostgres } from './connect.js';
import { copySegments } from './copy-out.js';
import { planRowColumns, type RowColumns } from './row-columns.js';
import { stageRows } from './stage-rows.js';
import { serverText } from './text-values.js';

export interface TableLoad {
  source: PostgresSource;
  stream: PostgresStream;
  table: string;
  context: LoadContext;
}

/**
 * The whole table as of one moment: `COPY` in a read-only transaction of one snapshot, whose row count is the server's.
 * Each run brings it anew; a retry of a run that is in brings nothing.
 */
export async function* loadFull({
  source,
  stream,
  table: name,
  context,
}: TableLoad): AsyncGenerator<StagedBatch[]> {
  const { interval, run, batches, signal, workDir, extractedAt } = context;
  const key = contentKey(context.source, context.stream, stream, interval, run);
  if (batches.some((batch) => batch.key === key)) return;
  const url = await context.secret(source.url);
  const staged = await withPostgres({ url, signal }, async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    const table = await describeTable(client, name);
    const columns = selectedColumns(table, stream.select);
    const rowKey = keyOf(table, stream.key);
    const limit = context.sample === undefined ? '' : ` LIMIT ${context.sample}`;
    let sent = 0;
    const result = await stageRows(
      {
        ...{ source: context.source, stream: context.stream, key, table: table.label },
        ...{ interval, extractedAt, run, workDir, signal },
        ...{ contract: stream.contract, tolerance: stream.tolerance, profiled: true },
        columns: columnsOf(context, stream, table, columns),
        onRows: (rows) =>
          context.onProgress({ table: table.label, rows, of: Math.max(table.estimatedRows, rows) }),
      },
      (folder) =>
        copySegments(
          client,
          `${selectRows(table, columns, stream.where)}${limit}`,
          folder,
          ({ rows }) => (sent = rows),
        ),
    );
    assertComplete(table.label, sent, result.rows);
    const { batch } = result.staged;
    return {
      ...result.staged,
      batch: {
        ...batch,
        scope: FULL,
        expected: { rows: sent },
        ...(rowKey.length > 0 && { rowKey }),
      },
    };
  });
  yield [staged];
}

/** The server's count and what came in; a difference would mean that rows were lost on the way. */
export function assertComplete(table: string, sent: number, received: number): void {
  if (sent === received) return;
  throw new MillraceError('Unavailable', {
    what: `The server sent ${sent} rows and ${received} arrived`,
    where: { path: table },
    fix: 'It is tried again; if it repeats, look at what stands between worker and server',
  });
}

/** @throws MillraceError SchemaMismatch */
export const columnsOf = (
  { source, stream: name, batches }: Pick<LoadContext, 'source' | 'stream' | 'batches'>,
  stream: PostgresStream,
  table: Table,
  columns: SourceColumn[],
): RowColumns =>
  planRowColumns({
    ...{ current: currentSchema(batches), contract: stream.contract, declared: stream.columns },
    incoming: columns.map((column) => ({ name: column.name, type: column.type })),
    ...{ stream: `${source}.${name}`, table: table.label },
  });

/** A query that gives columns as the texts that {@link planRowColumns} expects. */
export function selectRows(
  table: Table,
  columns: SourceColumn[],
  ...conditions: (string | undefined)[]
): string {
  const given = conditions.filter((one) => one !== undefined).map((one) => `(${one})`);
  const list = columns.map(({ name, type }) => serverText(quoteIdent(name), type)).join(', ');
  return `SELECT ${list} FROM ${table.sql}${given.length > 0 ? ` WHERE ${given.join(' AND ')}` : ''}`;
}
