const LF = 0x0a;
const CR = 0x0d;

/** Delimited text as bytes. A delimiter may be several bytes long, quote and escape are one. */
export interface Dialect {
  delimiter: Buffer;
  quote: number;
  /** equal to `quote` where a quote is doubled, as in RFC 4180 */
  escape: number;
}

/** One record as it lies in the file. The scanner reuses the object: copy what must outlive the call. */
export interface ScannedRecord {
  bytes: Buffer;
  /** the record is `bytes[start, end)`, without its line end */
  start: number;
  end: number;
  /** 1-based among all records, the header too */
  number: number;
  /** 1-based */
  line: number;
  /** 0-based offset in the file */
  byte: number;
  fields: number;
  /** a quoted field holds a line end */
  multiline: boolean;
  /** not as RFC 4180 writes it (a quote inside an unquoted field, an escape that is not a doubled quote) */
  irregular: boolean;
  /** why it is no record of this table */
  fault: string | undefined;
}

export interface ScannerOptions {
  dialect: Dialect;
  onRecord: (record: ScannedRecord) => void;
  /** whether bytes are text of the file's encoding */
  valid: (bytes: Buffer) => boolean;
  encodingName: string;
  /** offset of the first scanned byte in the file */
  firstByte?: number;
  /** lines to pass over at the start */
  skipLines?: number;
  /** a longer record is a fault, which also bounds how far an unclosed quote is followed */
  maxRecordBytes?: number;
}

/** What is kept of a line that is longer than a record may be. */
const KEPT_OF_OVERLONG = 65_536;

/**
 * Cuts chunks of bytes into records by RFC 4180, with LF, CRLF or CR as line end.
 *
 * A quote that is never closed, text after a closing quote, or a wrong number of fields in a record of several lines
 * usually comes from one stray quote. So such a record is taken to be its first line only, and scanning resumes at the
 * second: a stray quote costs one line, not the rest of the file. Empty lines are no records, except in a table of one
 * column, where they are empty values.
 */
export class RecordScanner {
  /** fields that a record must have; unknown until the header was read */
  width: number | undefined;
  /** records so far */
  records = 0;
  /** 1-based, of what comes next */
  line = 1;
  /** offset of `pending` in the file */
  private base: number;
  private pending: Buffer = Buffer.alloc(0);
  private toSkip: number;
  private overlong = false;
  private suspect = false;
  private readonly max: number;
  /** 1 for bytes at which an unquoted field must be looked at */
  private readonly special = new Uint8Array(256);
  private readonly record: ScannedRecord;

  constructor(private readonly options: ScannerOptions) {
    const { delimiter, quote } = options.dialect;
    for (const byte of [delimiter[0] ?? 0, quote, LF, CR]) this.special[byte] = 1;
    this.base = options.firstByte ?? 0;
    this.toSkip = options.skipLines ?? 0;
    this.max = options.maxRecordBytes ?? 16 << 20;
    const position = { start: 0, end: 0, number: 0, line: 0, byte: 0, fields: 0 };
    this.record = { bytes: this.pending, ...position, multiline: false, irregular: false, fault: undefined };
  }

  /** Whether all that was pushed is done with: the next byte begins a record. */
  get idle(): boolean {
    return this.pending.length === 0 && this.toSkip === 0 && !this.overlong;
  }

  /** Offset in the file of what comes next. */
  get byte(): number {
    return this.base;
  }

  /** Counts records that someone else has read: so many lines of one record each. */
  passOver(bytes: number, records: number): void {
    this.base += bytes;
    this.line += records;
    this.records += records;
  }

  push(chunk: Buffer): void {
    this.run(this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]), false);
  }

  /** Takes what is left as the last record; a line end after it is not required. */
  end(): void {
    this.run(this.pending, true);
  }

  private run(bytes: Buffer, final: boolean): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.toSkip === 0 && !this.overlong) {
        at = this.scan(bytes, at, final);
        if (this.overlong) continue;
        break;
      }
      const next = this.afterLine(bytes, at, final);
      if (next < 0) {
        // what is skipped need not be kept, but for a CR whose LF may come
        at = bytes.length - (bytes.at(-1) === CR ? 1 : 0);
        break;
      }
      at = next;
      this.line++;
      if (this.overlong) this.overlong = false;
      else this.toSkip--;
    }
    this.base += at;
    this.pending = bytes.subarray(at);
  }

  private scan(bytes: Buffer, from: number, final: boolean): number {
    const complete = final ? bytes.length : Math.max(bytes.lastIndexOf(LF), bytes.lastIndexOf(CR)) + 1;
    // one native check for the whole chunk; only where it fails is each record looked at
    this.suspect = complete <= from || !this.options.valid(bytes.subarray(from, complete));
    let at = from;
    while (at < bytes.length) {
      const next = this.next(bytes, at, final);
      if (next < 0) break;
      at = next;
      if (this.overlong) break;
    }
    return at;
  }

  /** Scans one record. @returns where the next begins, or -1 when this one is not complete yet */
  private next(bytes: Buffer, start: number, final: boolean): number {
    const { delimiter, quote, escape } = this.options.dialect;
    const { special } = this;
    const first = delimiter[0] ?? 0;
    const tail = delimiter.length - 1;
    const length = bytes.length;
    let at = start;
    let fields = 1;
    let lines = 1;
    let irregular = false;
    let fault: string | undefined;
    let current = 0;

    record: for (;;) {
      if (at < length && bytes[at] === quote) {
        at++;
        for (;;) {
          if (at >= length) {
            if (!final && length - start < this.max) return -1;
            fault = 'a quote is not closed';
            break record;
          }
          current = bytes[at] as number;
          if (current === escape) {
            const follows = bytes[at + 1];
            if (at + 1 >= length && !final) return this.incomplete(bytes, start);
            if (follows === quote || (follows === escape && at + 1 < length)) {
              if (escape !== quote) irregular = true;
              at += 2;
              continue;
            }
          }
          if (current === quote) break;
          if (current === LF || (current === CR && bytes[at + 1] !== LF)) lines++;
          at++;
        }
        at++;
        if (at >= length) {
          if (!final) return this.incomplete(bytes, start);
          break;
        }
        current = bytes[at] as number;
        if (current === LF || current === CR) break;
        if (current === first && (tail === 0 || isDelimiter(bytes, at, delimiter))) {
          fields++;
          at += tail + 1;
          continue;
        }
        // a long delimiter may have been cut by the chunk's end
        if (!final && at + tail >= length) return this.incomplete(bytes, start);
        fault = 'there is text after a closing quote';
        break;
      }
      for (;;) {
        while (at < length && special[bytes[at] as number] === 0) at++;
        if (at >= length) {
          if (!final) return this.incomplete(bytes, start);
          break record;
        }
        current = bytes[at] as number;
        if (current === LF || current === CR) break record;
        if (current === first && (tail === 0 || isDelimiter(bytes, at, delimiter))) {
          fields++;
          at += tail + 1;
          break;
        }
        if (current === quote) irregular = true;
        at++;
      }
    }

    if (fault === undefined && at === start && this.width !== 1) {
      const after = this.afterLine(bytes, start, final);
      if (after > 0) this.line++;
      return after;
    }
    const width = this.width;
    if (fault === undefined && width !== undefined && fields !== width) {
      fault = wrongWidth(fields, width);
    }
    if (fault !== undefined) return this.cutFirstLine(bytes, start, final, fields, fault);
    const after = final && at >= length ? length : this.afterLine(bytes, at, final);
    if (after < 0) return this.incomplete(bytes, start);
    this.emit(bytes, start, at, fields, lines, irregular, undefined);
    return after;
  }

  private cutFirstLine(bytes: Buffer, start: number, final: boolean, fields: number, fault: string): number {
    const after = this.afterLine(bytes, start, final);
    if (after < 0) return this.incomplete(bytes, start);
    this.emit(bytes, start, this.lineEnd, fields, 1, false, fault);
    return after;
  }

  private emit(
    bytes: Buffer,
    start: number,
    end: number,
    fields: number,
    lines: number,
    irregular: boolean,
    fault: string | undefined,
  ): void {
    const { record } = this;
    record.bytes = bytes;
    record.start = start;
    record.end = end;
    record.number = ++this.records;
    record.line = this.line;
    record.byte = this.base + start;
    record.fields = fields;
    record.multiline = lines > 1;
    record.irregular = irregular;
    record.fault = fault;
    if (this.suspect && fault === undefined && !this.options.valid(bytes.subarray(start, end))) {
      record.fault = `it is not valid ${this.options.encodingName}`;
    }
    this.line += lines;
    this.options.onRecord(record);
  }

  /** A record that is waiting for more bytes, unless it already has more than a record may. */
  private incomplete(bytes: Buffer, start: number): number {
    if (bytes.length - start < this.max) return -1;
    const kept = Math.min(bytes.length, start + KEPT_OF_OVERLONG);
    const fault = `it is longer than ${this.max} bytes; only its first ${kept - start} bytes are kept here`;
    this.emit(bytes, start, kept, 1, 0, false, fault);
    this.overlong = true;
    return kept;
  }

  private lineEnd = 0;

  /** Finds the end of the line and remembers it in `lineEnd`. @returns where the next line begins, or -1 */
  private afterLine(bytes: Buffer, from: number, final: boolean): number {
    let at = from;
    const { length } = bytes;
    while (at < length && bytes[at] !== LF && bytes[at] !== CR) at++;
    this.lineEnd = at;
    if (at >= length) return final ? length : -1;
    if (bytes[at] === LF) return at + 1;
    if (at + 1 >= length) return final ? length : -1;
    return bytes[at + 1] === LF ? at + 2 : at + 1;
  }
}

export const wrongWidth = (fields: number, width: number): string =>
  `it has ${fields} field${fields === 1 ? '' : 's'} where ${width} are expected`;

function isDelimiter(bytes: Buffer, at: number, delimiter: Buffer): boolean {
  for (let n = 1; n < delimiter.length; n++) if (bytes[at + n] !== delimiter[n]) return false;
  return true;
}

/** The fields of one well-formed record, without their quotes. An unquoted empty field is `quoted: false`. */
export function splitFields(
  record: Buffer,
  { delimiter, quote, escape }: Dialect,
): { bytes: Buffer; quoted: boolean }[] {
  const fields: { bytes: Buffer; quoted: boolean }[] = [];
  let at = 0;
  for (;;) {
    const quoted = record[at] === quote;
    if (!quoted) {
      const found = record.indexOf(delimiter, at);
      const end = found < 0 ? record.length : found;
      fields.push({ bytes: record.subarray(at, end), quoted });
      at = end;
    } else {
      const content: number[] = [];
      at++;
      for (;;) {
        const current = record[at] as number;
        const follows = record[at + 1];
        if (current === escape && (follows === quote || (follows === escape && follows !== undefined))) {
          content.push(follows);
          at += 2;
        } else if (current === quote || at >= record.length) {
          at++;
          break;
        } else {
          content.push(current);
          at++;
        }
      }
      fields.push({ bytes: Buffer.from(content), quoted });
    }
    if (at >= record.length) return fields;
    at += delimiter.length;
  }
}
