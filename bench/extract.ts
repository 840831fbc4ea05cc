import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createWriteStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { extractFile } from '../engines/sources/extract-file.js';
import { listStreamFiles } from '../engines/sources/list-files.js';
import { LocalPlace } from '../engines/sources/places/local.js';
import { openDuckDb } from '../engines/warehouse/duckdb.js';
import { FileStream } from '../schemas/source.js';
import { figure, median } from './figure.js';
import type { Bench } from './figure.js';

const interval = { start: '2025-11-03T00:00:00Z', end: '2025-11-10T00:00:00Z' };
const COLUMNS = 20;

/** CSV to typed, positioned, quarantined Parquet, beside DuckDB's own COPY of the same file with the same types. */
export const extract: Bench = async function* ({ quick }) {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  const rows = quick ? 200_000 : 1_000_000;
  try {
    await generate(join(folder, 'rows.csv'), rows);
    const { size } = await stat(join(folder, 'rows.csv'));
    const types = Array.from(
      { length: COLUMNS },
      (_, i) => (['int64', 'double', 'text', 'date'] as const)[i % 4] ?? 'text',
    );
    const spec = FileStream.parse({
      path: 'rows.csv',
      columns: Object.fromEntries(types.map((type, i) => [`c${i}`, type])),
    });
    const place = new LocalPlace(folder);
    const [listed] = await listStreamFiles({ place, path: spec.path, interval });
    if (!listed) throw new Error('the generated file is not there');
    const file = await place.fetch(listed);
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < (quick ? 2 : 3); round++) {
      ours.push(
        await timed(async () => {
          const workDir = await mkdtemp(join(folder, 'work-'));
          const run = { extractedAt: interval.end, run: 'bench' };
          await extractFile({
            ...{ source: 'bench', stream: 'rows', spec, file, interval, workDir },
            ...run,
          });
        }),
      );
      const duck = types.map(
        (type, i) =>
          `'c${i}': '${{ int64: 'BIGINT', double: 'DOUBLE', text: 'VARCHAR', date: 'DATE' }[type]}'`,
      );
      const warehouse = await openDuckDb({ path: ':memory:', memoryLimit: '1GB' });
      theirs.push(
        await timed(() =>
          warehouse.run(
            `copy (select * from read_csv('${file.path}', header = true, columns = {${duck.join(', ')}})) to '${join(folder, 'copy.parquet')}' (format parquet, compression zstd)`,
          ),
        ),
      );
      await warehouse.close();
    }
    const seconds = median(ours) / 1000;
    yield figure({ name: 'CSV to bronze', value: size / 1e6 / seconds, unit: 'MB/s' });
    yield figure({
      name: `CSV to bronze, ${rows.toLocaleString('en')} rows`,
      value: median(ours),
      unit: 'ms',
      against: { name: 'DuckDB COPY ms', value: median(theirs) },
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

async function generate(path: string, rows: number): Promise<void> {
  const out = createWriteStream(path);
  out.write(`${Array.from({ length: COLUMNS }, (_, i) => `c${i}`).join(',')}\n`);
  let text = '';
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < COLUMNS; column += 4) {
      const n = (row * 7_919 + column * 104_729) % 1_000_003;
      text += `${n},${n / 1000},name ${n % 977},20${String(10 + (n % 15))}-0${1 + (n % 9)}-1${n % 10}${column + 4 < COLUMNS ? ',' : '\n'}`;
    }
    if (text.length > 1 << 20) {
      if (!out.write(text)) await new Promise((resolve) => void out.once('drain', () => resolve(undefined)));
      text = '';
    }
  }
  out.end(text);
  await finished(out);
}
