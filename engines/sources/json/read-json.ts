import { MillraceError } from '../../../schemas/errors.js';
import type { JsonFormat } from '../../../schemas/format.js';
import type { ReadInput, ReadResult } from '../file-reader.js';
import { parseType, type BronzeType } from '../../lake/types.js';
import type { OpenedText } from '../open-text.js';
import { LineScanner, type ScannedLine } from '../text/line-scanner.js';
import { rawText } from '../text/raw-text.js';
import { readText } from '../text/read-text.js';
import type { SegmentWriter, TextLayout } from '../text/segment.js';
import { isNested, type Casting } from '../typed-columns.js';
import { jsonColumns, type JsonColumn } from './columns.js';
import { DocumentFault, DocumentScanner } from './document-scanner.js';
import { JsonCursor, JsonFault } from './json-cursor.js';
import { nestedValue } from './nested-value.js';
import { addValue, emptyShape, type Shape } from './shape.js';

const LAYOUT: TextLayout = { delimiter: ',', quote: '"', nulls: [] };

/**
 * Reads JSON or JSON Lines. The file is walked over twice: for the shape of its records, so that no member is left out
 * because it comes late, and for their values. Numbers keep every digit.
 * @throws MillraceError SourceEmpty, SourceUnreadable, FormatMismatch, ColumnMissing, SchemaMismatch
 */
export function readJson(input: ReadInput, format: JsonFormat, text: OpenedText): Promise<ReadResult> {
  return readText(input, {
    layout: LAYOUT,
    sparse: true,
    raw: () => rawText(text),
    stage: async (writer, onColumns) => {
      const root = await shapeOf(input, format, text);
      const columns = jsonColumns(root, format, input, { file: input.path });
      writer.width = columns.length;
      const casting = onColumns(columns, 'known');
      return stageValues(input, format, text, columns, casting, writer);
    },
  });
}

/** The shape of all records that are JSON objects. */
async function shapeOf(input: ReadInput, format: JsonFormat, text: OpenedText): Promise<Shape> {
  const root = emptyShape();
  let broken: JsonFault | undefined;
  await eachRecord(input, format, text, {
    onRecord: ({ bytes, fault }) => {
      if (fault !== undefined) return;
      try {
        // the whole of it must be JSON before anything of it counts
        new JsonCursor(bytes, 0, bytes.length).skip();
        const cursor = new JsonCursor(bytes, 0, bytes.length);
        if (cursor.kind() === 'object') addValue(cursor, root);
      } catch (error) {
        if (!(error instanceof JsonFault)) throw error;
        broken ??= error;
      }
    },
    flush: () => Promise.resolve(),
  });
  if (!root.object && broken) throw notJson(input, format, broken);
  return root;
}

interface Slot {
  field: number | undefined;
  /** type of a column that is cast from JSON */
  nested: BronzeType | undefined;
  /** members that its type lacks are left out, not the whole value */
  spare: boolean;
  members: Map<string, Slot> | undefined;
}

async function stageValues(
  input: ReadInput,
  format: JsonFormat,
  text: OpenedText,
  columns: JsonColumn[],
  casting: Casting | undefined,
  writer: SegmentWriter,
): Promise<number> {
  const { rejects, name: file, before, onProgress } = input;
  const { encoding } = text;
  rejects.describe({ encoding: encoding.name });
  const root = slots(columns, casting);
  const values = new Array<Buffer | null>(columns.length);
  let bytesRead = 0;
  const read = await eachRecord(input, format, text, {
    onBytes: (bytes) => (bytesRead = bytes),
    onRecord: (record) => {
      const place = { ...record, record: record.record + before };
      let reason = record.fault;
      if (reason === undefined) {
        try {
          values.fill(null);
          const cursor = new JsonCursor(record.bytes, 0, record.bytes.length);
          if (cursor.kind() === 'object') takeObject(cursor, root, values);
          else {
            reason = `it is ${cursor.kind() === 'array' ? 'an array' : `a ${cursor.kind()}`} where an object is expected`;
            cursor.skip();
          }
          cursor.finish();
        } catch (error) {
          if (!(error instanceof JsonFault)) throw error;
          reason = `it is not JSON: at character ${error.offset + 1}, ${error.message}`;
        }
      }
      if (reason === undefined) writer.fields(place, values);
      else rejects.add({ ...place, file, reason, raw: encoding.toSource(Buffer.from(record.bytes)) });
    },
    flush: async (records) => {
      await writer.flush();
      await rejects.flush();
      onProgress({ bytes: bytesRead, records });
    },
  })
    .then(async (count) => {
      await writer.finish();
      return count;
    })
    .finally(() => writer.close());
  return read;
}

/** Where the members of a record go. */
function slots(columns: JsonColumn[], casting: Casting | undefined): Map<string, Slot> {
  const planned = new Map(
    casting?.columns.flatMap((column) => (column.variantOf === undefined ? [[column.field, column]] : [])),
  );
  const root = new Map<string, Slot>();
  for (const { path, field } of columns) {
    let members = root;
    for (const [depth, key] of path.entries()) {
      let slot = members.get(key);
      if (!slot)
        members.set(key, (slot = { field: undefined, nested: undefined, spare: false, members: undefined }));
      if (depth < path.length - 1) members = slot.members ??= new Map<string, Slot>();
      else {
        const { type = 'text', misfit } = planned.get(field) ?? {};
        slot.field = field;
        slot.spare = misfit === 'discard';
        if (type === 'json' || isNested(type)) slot.nested = parseType(type);
      }
    }
  }
  return root;
}

function takeObject(cursor: JsonCursor, members: Map<string, Slot>, values: (Buffer | null)[]): void {
  cursor.object((key) => {
    const slot = members.get(key);
    const kind = cursor.kind();
    if (slot?.members && kind === 'object') return takeObject(cursor, slot.members, values);
    if (slot?.field === undefined || kind === 'null') return cursor.skip();
    if (kind === 'string' && !slot.nested) {
      values[slot.field] = cursor.stringBytes();
      return;
    }
    if (slot.nested) {
      values[slot.field] = nestedValue(cursor, slot.nested, slot.spare);
      return;
    }
    const start = cursor.at;
    cursor.skip();
    values[slot.field] = cursor.bytes.subarray(start, cursor.at);
  });
}

interface RecordSink {
  onRecord: (record: ScannedLine) => void;
  /** between two chunks */
  flush: (records: number) => Promise<void>;
  onBytes?: ((bytes: number) => void) | undefined;
}

/** Finds the records of the file: lines, or the elements of an array. @returns how many there are */
async function eachRecord(
  { path, signal }: ReadInput,
  format: JsonFormat,
  text: OpenedText,
  { onRecord, flush, onBytes }: RecordSink,
): Promise<number> {
  const { encoding } = text;
  const records = format.records?.split('.') ?? [];
  // positions are those of the file, whatever the encoding is
  const recoded = encoding.kind === 'bytes';
  let count = 0;
  const take = (record: ScannedLine): void => {
    const fault =
      record.fault ?? (encoding.valid(record.bytes) ? undefined : `it is not valid ${encoding.name}`);
    const bytes = recoded && fault === undefined ? encoding.toUtf8(record.bytes) : record.bytes;
    onRecord({ ...record, record: ++count, bytes, fault });
  };
  const lines = format.kind === 'jsonl';
  const scanner = lines
    ? new LineScanner({
        firstByte: encoding.bom,
        onLine: (line) => (records.length > 0 ? elementsOf(line, records, take) : take(line)),
      })
    : new DocumentScanner(records, encoding.bom, take);
  let first = true;
  await flush(count);
  try {
    for await (const chunk of text.read(onBytes)) {
      signal?.throwIfAborted();
      if (first && lines) assertNoMarkup(chunk, path, encoding.bom);
      first = false;
      scanner.push(chunk);
      await flush(count);
    }
    if (scanner instanceof LineScanner) scanner.end();
    else assertWhole(scanner, records, path);
  } catch (error) {
    throw error instanceof DocumentFault ? wrongDocument(error, path) : error;
  }
  await flush(count);
  return count;
}

/** The records inside a line that is a document of its own: a page of an API. */
function elementsOf(line: ScannedLine, path: string[], take: (record: ScannedLine) => void): void {
  if (line.fault !== undefined) return take(line);
  const scanner = new DocumentScanner(path, line.byte, (record) => take({ ...record, line: line.line }));
  try {
    scanner.push(line.bytes);
  } catch (error) {
    if (!(error instanceof DocumentFault)) throw error;
  }
  // a page may be empty, but it must be one
  if (!scanner.whole) take({ ...line, fault: `it has no array at '${path.join('.')}', or is cut off` });
}

function assertNoMarkup(chunk: Buffer, file: string, byte: number): void {
  const start = chunk.subarray(0, 512).toString().trimStart();
  if (start.startsWith('<')) throw markup(start, { file, line: 1, byte });
}

function markup(start: string, where: { file: string; line: number; byte: number }): MillraceError {
  const kind = /^<(!doctype\s+html|html)/i.test(start) ? 'an HTML page' : 'XML or HTML';
  return new MillraceError('FormatMismatch', {
    what: `The file is ${kind}, not JSON. It begins with ${JSON.stringify(start.slice(0, 80))}`,
    where,
    fix: 'It is probably an error page or a login page that was saved as data: look at what it says, and fetch the file again',
  });
}

function wrongDocument(fault: DocumentFault, file: string): MillraceError {
  const where = { file, line: fault.line, byte: fault.byte };
  if (fault.reason === 'rest') {
    return new MillraceError('FormatMismatch', {
      what: 'There is more text after the end of the JSON document',
      where,
      fix: 'Where each line is a document of its own, declare jsonl()',
    });
  }
  return markup(fault.text, where);
}

function assertWhole(scanner: DocumentScanner, path: string[], file: string): void {
  if (scanner.whole) return;
  const where = { file, line: scanner.line, byte: scanner.byte };
  if (scanner.state === 'start' || !scanner.closed) {
    throw new MillraceError('SourceUnreadable', {
      what: 'The JSON document ends before it is complete',
      where,
      fix: 'It was probably cut off on its way: deliver it again. Nothing of it was loaded',
    });
  }
  const keys = [...new Set(scanner.keys)].map((key) => `'${key}'`).join(', ');
  throw new MillraceError('FormatMismatch', {
    what: `There is no array at '${path.join('.')}'; on the way are ${keys || 'no keys'}`,
    where: { file },
    fix: "Correct the path to the records: json({ records: 'data.items' })",
  });
}

function notJson(input: ReadInput, format: JsonFormat, fault: JsonFault): MillraceError {
  return new MillraceError('FormatMismatch', {
    what: `No record of the file is a JSON object; in the first broken one, at character ${fault.offset + 1}, ${fault.message}`,
    where: { file: input.path },
    fix:
      format.kind === 'jsonl'
        ? 'Where the file is one document over several lines, declare json()'
        : 'Look at the first lines of the file',
  });
}
