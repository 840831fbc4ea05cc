import { closeSync, openSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { columnarDecoder } from '../engines/copybook/columns/columnar-decoder.js';
import { recordRange, recordSource } from '../engines/copybook/columns/record-source.js';
import { compileCopybook } from '../engines/copybook/compile.js';
import { extractCopybookFile } from '../engines/sources/copybook/extract-copybook.js';
import { copybook } from '../schemas/format.js';
import { FileStream } from '../schemas/source.js';
import { COPYBOOK, COPYBOOK_OPTIONS, RECORD_BYTES, writeRecords } from './copybook-file.js';
import { figure } from './figure.js';
import type { Bench } from './figure.js';

const interval = { start: '2025-11-03T00:00:00Z', end: '2025-11-10T00:00:00Z' };

/** What Cobrix publishes for this layout on Spark: 38,366 MB in 6,111 s on one core. */
const COBRIX = { name: 'Cobrix, published, MB/s', value: 6.3 };

/** An EBCDIC file of 167 mixed columns to typed Parquet. */
export const copybookFiles: Bench = async function* ({ quick }) {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  try {
    const path = join(folder, 'records.dat');
    await writeRecords(path, Math.ceil(((quick ? 256 : 1024) * 1e6) / RECORD_BYTES));
    const { size, mtimeMs } = await stat(path);
    yield figure({
      ...{ name: 'EBCDIC to columns', value: size / 1e6 / bareDecode(path, size), unit: 'MB/s' },
      goal: { atLeast: 300, of: 'value' },
    });
    const format = { ...copybook('records.cpy', COPYBOOK_OPTIONS), texts: { 'records.cpy': COPYBOOK } };
    const spec = FileStream.parse({ path: 'records.dat', format });
    let alone = 0;
    for (const threads of [1, 2]) {
      const peak = watchMemory();
      const started = performance.now();
      const workDir = await mkdtemp(join(folder, 'work-'));
      await extractCopybookFile(
        {
          ...{ source: 'bench', stream: 'records', spec, interval, workDir },
          ...{
            file: { file: 'records.dat', path, bytes: size, mtimeMs },
            extractedAt: interval.end,
            run: 'bench',
          },
        },
        // a short file is cut all the same, so that both threads have something to do
        { threads, ...(quick && { rangeBytes: 64 << 20 }) },
      );
      const seconds = (performance.now() - started) / 1000;
      await rm(workDir, { recursive: true });
      yield figure({
        ...{ name: `EBCDIC to bronze, ${threads} thread${threads > 1 ? 's' : ''}`, unit: 'MB/s' },
        ...{
          value: size / 1e6 / seconds,
          against: threads === 1 ? COBRIX : { name: 'one thread MB/s', value: alone },
          ...(threads === 1 && { goal: { atLeast: 80, of: 'value' as const } }),
        },
      });
      alone = size / 1e6 / seconds;
      yield figure({
        ...{ name: `  peak memory, ${threads} thread${threads > 1 ? 's' : ''}`, unit: 'MB' },
        ...{ value: peak(), goal: { atMost: 500, of: 'value' } },
      });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** @returns seconds to decode every record of the file into column buffers, reading included */
function bareDecode(path: string, size: number): number {
  const { layout, settings } = compileCopybook({
    copybooks: [{ name: 'records.cpy', text: COPYBOOK }],
    options: COPYBOOK_OPTIONS,
  });
  const decoder = columnarDecoder(layout, settings);
  if ('because' in decoder) throw new Error(decoder.because);
  const descriptor = openSync(path, 'r');
  try {
    const range = recordRange(settings, layout, size);
    const source = recordSource({ descriptor, file: path, range, settings, layout, rows: decoder.rows });
    const started = performance.now();
    for (let batch = source.next(); batch; batch = source.next()) decoder.decode(batch);
    return (performance.now() - started) / 1000;
  } finally {
    closeSync(descriptor);
  }
}

/** @returns a function that stops watching and tells the greatest resident size of this process since, in MB */
function watchMemory(): () => number {
  let most = 0;
  const look = (): void => void (most = Math.max(most, process.memoryUsage.rss()));
  const timer = setInterval(look, 20);
  return () => {
    clearInterval(timer);
    look();
    return most / 1e6;
  };
}
