import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { ROW_GROUP } from '../parquet-options.js';
import { ByteSink } from './byte-sink.js';

/** Two row groups: small enough to be cast while the reader is at the next one. */
const SEGMENT_RECORDS = 2 * ROW_GROUP;

/** How staged text is written: RFC 4180 with these characters. */
export interface TextLayout {
  delimiter: string;
  quote: string;
  /** field texts that mean null, beside the empty unquoted field */
  nulls: string[];
}

/** Where a record lies in its file. */
export interface RecordPlace {
  /** 1-based record number */
  record: number;
  /** 1-based line at which it begins */
  line: number;
  /** 0-based offset of its first byte in the decompressed file */
  byte: number;
  /** bytes of it */
  length: number;
}

/** Consecutive records that are one line each and need no rewriting: copied as they lie in the file. */
export interface PlainText {
  path: string;
  records: number;
  crlf: boolean;
  /** each value surely is one of its column's type */
  sure: boolean;
  /** of the first record */
  first: Omit<RecordPlace, 'length'>;
}

/** Consecutive good records for DuckDB: first those of `plain`, then each once in `lines` or in `multiline`. */
export interface Segment {
  plain: PlainText | undefined;
  /** canonical delimited text in UTF-8, one record a line: `record, line, byte, length`, then the fields */
  lines: string[];
  /** the same for records that hold line ends */
  multiline: string[];
  /** fields of a record */
  width: number;
  /** records in all of them */
  staged: number;
  /** bytes of the longest record that is not plain */
  longest: number;
}

interface OpenSegment {
  plain: (PlainText & { file: FileHandle }) | undefined;
  lines: ByteSink | undefined;
  multiline: ByteSink | undefined;
  staged: number;
  longest: number;
}

export interface SegmentWriterOptions {
  folder: string;
  layout: TextLayout;
  /** of its files, so that several writers may use one folder */
  name?: string;
  /** of a segment; a few more get in, since it ends with a chunk */
  records?: number;
  /** a finished segment; it may be read at once */
  onSegment: (segment: Segment) => void;
  /** what is staged to UTF-8 */
  toUtf8?: (bytes: Buffer) => Buffer;
  /** the layout's delimiter as it is staged, when that is not UTF-8 */
  delimiterBytes?: Buffer;
}

const LF = 0x0a;
const CR = 0x0d;

/** Writes good records where DuckDB finds them, segment by segment; constant memory whatever the file's size. */
export class SegmentWriter {
  width = 0;
  private segment: OpenSegment = emptySegment();
  private count = 0;
  readonly delimiter: Buffer;
  readonly quote: number;

  constructor(private readonly options: SegmentWriterOptions) {
    this.delimiter = options.delimiterBytes ?? Buffer.from(options.layout.delimiter);
    this.quote = options.layout.quote.charCodeAt(0);
  }

  /** Copies a record that is canonical already. */
  copy(place: RecordPlace, bytes: Buffer, start: number, end: number, multiline: boolean): void {
    const sink = this.begin(place, multiline);
    sink.bytes(bytes, start, end);
    sink.byte(LF);
  }

  /** Writes fields the way RFC 4180 does, so that no reader has to guess what was meant; null is an empty unquoted field. */
  fields(place: RecordPlace, fields: readonly (Buffer | null)[], quoted?: readonly boolean[]): void {
    const multiline = fields.some((field) => field !== null && (field.includes(LF) || field.includes(CR)));
    const sink = this.begin(place, multiline);
    const { delimiter, quote } = this;
    for (let index = 0; index < fields.length; index++) {
      const field = fields[index];
      if (index > 0) sink.bytes(delimiter, 0, delimiter.length);
      if (!field) continue;
      if (quoted && !quoted[index] && !field.includes(quote)) {
        sink.bytes(field, 0, field.length);
        continue;
      }
      sink.byte(quote);
      if (!field.includes(quote)) sink.bytes(field, 0, field.length);
      else {
        for (const byte of field) {
          if (byte === quote) sink.byte(quote);
          sink.byte(byte);
        }
      }
      sink.byte(quote);
    }
    sink.byte(LF);
  }

  /** Whether plain records may still be added: they come before all others of their segment. */
  takesPlain(crlf: boolean): boolean {
    const { plain, staged } = this.segment;
    return plain ? plain.crlf === crlf && staged === plain.records : staged === 0;
  }

  async plain(
    bytes: Buffer,
    { records, crlf, sure }: Pick<PlainText, 'records' | 'crlf' | 'sure'>,
    first: PlainText['first'],
  ): Promise<void> {
    const { segment } = this;
    if (!segment.plain) {
      const path = this.path('plain');
      segment.plain = { path, records: 0, crlf, sure, first, file: await open(path, 'w') };
    }
    await segment.plain.file.writeFile(bytes);
    segment.plain.records += records;
    segment.plain.sure &&= sure;
    segment.staged += records;
  }

  /** Writes out what is waiting, and closes a segment that is large enough. */
  async flush(): Promise<void> {
    await this.segment.lines?.flush();
    await this.segment.multiline?.flush();
    if (this.segment.staged >= (this.options.records ?? SEGMENT_RECORDS)) await this.finish();
  }

  /** Closes the last segment. */
  async finish(): Promise<void> {
    const { plain, lines, multiline, staged, longest } = this.segment;
    await lines?.flush();
    await multiline?.flush();
    const used = (sink: ByteSink | undefined): string[] => (sink && sink.written > 0 ? [sink.path] : []);
    await this.close();
    this.count++;
    this.segment = emptySegment();
    if (staged === 0) return;
    this.options.onSegment({
      plain: plain && withoutFile(plain),
      ...{ lines: used(lines), multiline: used(multiline) },
      ...{ width: this.width, staged, longest },
    });
  }

  async close(): Promise<void> {
    const { plain, lines, multiline } = this.segment;
    Object.assign(this.segment, emptySegment());
    for (const one of [plain?.file, lines, multiline]) await one?.close();
  }

  private begin({ record, line, byte, length }: RecordPlace, multiline: boolean): ByteSink {
    const { segment, delimiter } = this;
    const kind = multiline ? 'multiline' : 'lines';
    const sink = (segment[kind] ??= this.sink(kind));
    for (const number of [record, line, byte, length]) {
      sink.digits(number);
      sink.bytes(delimiter, 0, delimiter.length);
    }
    segment.staged++;
    if (length > segment.longest) segment.longest = length;
    return sink;
  }

  private path(kind: string): string {
    const { folder, name = 'records' } = this.options;
    return join(folder, `${name}-${this.count}-${kind}.csv`);
  }

  private sink(name: string): ByteSink {
    return new ByteSink(this.path(name), this.options.toUtf8 ?? ((bytes) => bytes));
  }
}

const withoutFile = ({ path, records, crlf, sure, first }: PlainText): PlainText => ({
  ...{ path, records, crlf, sure, first },
});

const emptySegment = (): OpenSegment => ({
  ...{ plain: undefined, lines: undefined, multiline: undefined, staged: 0, longest: 0 },
});

/** The files of segments, to be removed. */
export const segmentFiles = ({ plain, lines, multiline }: Segment): string[] => [
  ...(plain ? [plain.path] : []),
  ...lines,
  ...multiline,
];
