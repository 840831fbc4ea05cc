import type { FixedFormat } from '../../../schemas/format.js';
import { declaredColumns, undeclared } from '../declared.js';
import type { ReadInput, ReadResult } from '../file-reader.js';
import type { OpenedText } from '../open-text.js';
import { LineScanner, type ScannedLine } from '../text/line-scanner.js';
import { rawText } from '../text/raw-text.js';
import { readText } from '../text/read-text.js';
import type { FileColumn } from '../typed-columns.js';

/**
 * Reads lines whose fields have fixed places, counted in characters. A line may end early, which leaves its last
 * fields without a value, but not within a field.
 */
export function readFixed(input: ReadInput, format: FixedFormat, text: OpenedText): Promise<ReadResult> {
  const { path, rejects, before, name: file, signal, onProgress } = input;
  const { encoding } = text;
  rejects.describe({ encoding: encoding.name });
  const { trim, skipLines } = format;
  const fields = Object.values(format.fields).map(({ start, length }) => ({
    start: start - 1,
    end: start - 1 + length,
  }));
  let bytes = 0;
  return readText(input, {
    layout: { delimiter: ',', quote: '"', nulls: format.nulls },
    raw: () => rawText(text),
    stage: async (writer, onColumns) => {
      onColumns(fixedColumns(format, input));
      writer.width = fields.length;
      const take = (line: ScannedLine): void => {
        const place = { ...line, record: line.record + before };
        const values: (Buffer | null)[] = [];
        let reason =
          line.fault ?? (encoding.valid(line.bytes) ? undefined : `it is not valid ${encoding.name}`);
        if (reason === undefined) {
          const content = encoding.toUtf8(line.bytes).toString();
          // of ASCII alone, characters are what strings count
          const characters = isAsciiOnly(content) ? content : [...content];
          for (const { start, end } of fields) {
            if (characters.length > start && characters.length < end)
              reason ??= `it ends at character ${characters.length}, within the field of characters ${start + 1} to ${end}`;
            const slice = characters.slice(start, end);
            const value = typeof slice === 'string' ? slice : slice.join('');
            values.push(value.trim() === '' ? null : Buffer.from(trim ? value.trim() : value));
          }
        }
        if (reason === undefined) writer.fields(place, values);
        else rejects.add({ ...place, file, reason, raw: encoding.toSource(Buffer.from(line.bytes)) });
      };
      const scanner = new LineScanner({ onLine: take, firstByte: encoding.bom, skipLines });
      try {
        for await (const chunk of text.read((count) => (bytes = count))) {
          signal?.throwIfAborted();
          scanner.push(chunk);
          await writer.flush();
          await rejects.flush();
          onProgress({ bytes, records: scanner.records });
        }
        scanner.end();
        await rejects.flush();
        await writer.finish();
      } finally {
        await writer.close();
      }
      return scanner.records;
    },
  });

  function fixedColumns(format: FixedFormat, { spec }: ReadInput): FileColumn[] {
    const declared = declaredColumns(spec.columns);
    const byFrom = new Map(declared?.map((column) => [column.from, column]));
    const names = Object.keys(format.fields);
    const extra = declared ? names.filter((name) => !byFrom.has(name)) : [];
    if (extra.length > 0 && spec.contract.columns === 'freeze') throw undeclared(extra, { file: path });
    return names.map((from, field) => {
      const { name = from, formats, required } = byFrom.get(from) ?? {};
      return { name, from, formats, required, field };
    });
  }
}

const isAsciiOnly = (text: string): boolean => Buffer.byteLength(text) === text.length;
