import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { columnarDecoder } from '../../../engines/copybook/columns/columnar-decoder.js';
import { compileCopybook } from '../../../engines/copybook/compile.js';
import type { Row } from '../../../engines/copybook/decode/runtime.js';
import { columnValue, rowValue } from './column-values.js';

const pack = join(import.meta.dirname, '../../../../shared/conformance/copybook');
const cases = existsSync(pack)
  ? readdirSync(pack).filter((name) => existsSync(join(pack, name, 'case.json')))
  : [];

interface Case {
  options: Record<string, string>;
  copybooks: string[];
  data: string[];
}

describe.skipIf(cases.length === 0)(
  'columns hold what the row decoder says, for each case of the pack',
  () => {
    test.each(cases)('%s', async (name) => {
      const folder = join(pack, name);
      const { options, copybooks, data } = JSON.parse(
        readFileSync(join(folder, 'case.json'), 'utf8'),
      ) as Case;
      const texts = copybooks.map((file) => ({ name: file, text: readFileSync(join(folder, file), 'utf8') }));
      const compiled = compileCopybook({ copybooks: texts, options });
      for (const file of data) {
        const decoder = columnarDecoder(compiled.layout, compiled.settings);
        if ('because' in decoder) return expect(decoder.because).toMatch(/\w/);
        const raw = readFileSync(join(folder, file));
        if (file.endsWith('.bz2')) continue;
        await compareFile(file.endsWith('.gz') ? gunzipSync(raw) : raw, compiled, decoder);
      }
    });
  },
);

type Decoder = Exclude<ReturnType<typeof columnarDecoder>, { because: string }>;

async function compareFile(
  bytes: Buffer,
  compiled: ReturnType<typeof compileCopybook>,
  decoder: Decoder,
): Promise<void> {
  const records: Buffer[] = [];
  for await (const record of compiled.frame(bytes, { onProblem: () => undefined })) {
    records.push(Buffer.from(record.bytes));
  }
  const expected = new Map<number, Row>();
  for await (const { record, index } of compiled.readRecords(bytes, { onProblem: () => undefined })) {
    expected.set(index, record);
  }
  let rows = 0;
  let left = 0;
  for (let first = 0; first < records.length; first += decoder.rows) {
    const some = records.slice(first, first + decoder.rows);
    let end = 0;
    const ends = Int32Array.from(some, ({ length }) => (end += length));
    const starts = ends.map((at, n) => at - (some[n] as Buffer).length);
    const offsets = starts.map((start) => start + compiled.settings.record_start_offset);
    const batch = { bytes: Buffer.concat(some), count: some.length, offsets, ends, firstRecord: first + 1 };
    const decoded = decoder.decode(batch);
    rows += decoded.rows;
    left += decoded.bad.length;
    for (let row = 0; row < decoded.rows; row++) {
      const values = expected.get(first + (decoded.records[row] as number)) ?? {};
      for (const column of decoder.columns) {
        expect(columnValue(column, row), column.name).toEqual(rowValue(values[column.name], column));
      }
    }
  }
  expect(rows + left).toBe(expected.size);
}
