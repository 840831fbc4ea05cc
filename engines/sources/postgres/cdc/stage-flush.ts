import type { CursorValue } from '../../../../schemas/lake.js';
import type { StagedBatch } from '../../../lake/bronze.js';
import { contentKey } from '../../../lake/content.js';
import type { RowSegment } from '../row-file.js';
import { stageRows } from '../stage-rows.js';
import { CHANGE_COLUMNS } from './change-rows.js';
import type { FlushSpool } from './flush-spool.js';
import { isoOf } from './lsn.js';

export interface FlushPlace {
  source: string;
  from: CursorValue;
  to: string;
  run: string;
  workDir: string;
  signal?: AbortSignal | undefined;
}

/** The Parquet of a flush: one batch for each table, and one more where a table changed its shape. */
export async function stageFlush(spool: FlushSpool, place: FlushPlace): Promise<StagedBatch[]> {
  const { source, from, to, run, workDir, signal } = place;
  // of the transactions, not of the clock, so that an attempt that comes again writes the same rows
  const extractedAt = isoOf(spool.lastAt);
  const interval = { start: isoOf(spool.firstAt), end: isoOf(spool.lastAt + 1_000n) };
  const staged: StagedBatch[] = [];
  for (const [n, { shape, segments }] of spool.tables.entries()) {
    const { table, columns, recopy } = shape;
    const { contract } = table.stream;
    const key = contentKey(source, table.name, from, to, n);
    const result = await stageRows(
      {
        ...{ source, stream: table.name, key, table: table.label, columns, contract },
        ...{ interval, extractedAt, run, workDir, signal, tolerance: 0, trailing: CHANGE_COLUMNS },
      },
      () => inOrder(segments),
    );
    const batch = {
      ...result.staged.batch,
      ...{ stream: table.name, cursor: { from, to } },
      ...(table.key.length > 0 && { rowKey: table.key }),
      ...(recopy && { recopy }),
    };
    shape.recopy = false; // once it is said
    staged.push({ ...result.staged, batch });
  }
  spool.discard();
  return staged;
}

async function* inOrder(segments: RowSegment[]): AsyncGenerator<RowSegment> {
  yield* segments;
}
