import type { RecordPlace } from './segment.js';

/** A line as it lies in the file, without its end; the buffer may be used again after the call. */
export interface ScannedLine extends RecordPlace {
  bytes: Buffer;
  /** why it is not whole */
  fault: string | undefined;
}

const LF = 0x0a;
const CR = 0x0d;
/** A longer line is a fault: memory stays bounded whatever a file holds. */
export const MAX_RECORD = 16 << 20;
/** What is kept of it. */
const KEPT = 65_536;

export const tooLong = (max: number, kept: number): string =>
  `it is longer than ${max} bytes; only its first ${kept} bytes are kept here`;

/** Cuts chunks into lines that end with LF or CRLF. Numbers count all lines, and those that are not blank are records. */
export class LineScanner {
  /** records so far */
  records = 0;
  private line = 0;
  private base: number;
  private parts: Buffer[] = [];
  private waiting = 0;
  private dropped = 0;

  constructor(
    private readonly options: {
      onLine: (line: ScannedLine) => void;
      /** offset of the first byte in the file */
      firstByte: number;
      skipLines?: number;
      max?: number;
      /** blank lines are records, too */
      blanks?: boolean;
    },
  ) {
    this.base = options.firstByte;
  }

  push(chunk: Buffer): void {
    let at = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, at)) {
      this.take(chunk.subarray(at, end), 1);
      at = end + 1;
    }
    if (at < chunk.length) this.keep(Buffer.from(chunk.subarray(at)));
  }

  /** Takes what is left as the last line. */
  end(): void {
    if (this.waiting + this.dropped > 0) this.take(Buffer.alloc(0), 0);
  }

  private keep(bytes: Buffer): void {
    const { max = MAX_RECORD } = this.options;
    const room = this.dropped > 0 ? 0 : max + 1 - this.waiting;
    const kept = bytes.subarray(0, Math.max(0, room));
    if (kept.length > 0) this.parts.push(kept);
    this.waiting += kept.length;
    this.dropped += bytes.length - kept.length;
  }

  private take(last: Buffer, end: number): void {
    const { max = MAX_RECORD, skipLines = 0, blanks = false, onLine } = this.options;
    let bytes = this.parts.length > 0 ? Buffer.concat([...this.parts, last]) : last;
    const length = bytes.length + this.dropped;
    const byte = this.base;
    this.base += length + end;
    this.line++;
    this.parts = [];
    this.waiting = 0;
    const long = this.dropped > 0 || bytes.length > max;
    this.dropped = 0;
    if (this.line <= skipLines) return;
    if (bytes.at(-1) === CR && !long) bytes = bytes.subarray(0, -1);
    if (!blanks && isBlank(bytes)) return;
    const kept = long ? bytes.subarray(0, KEPT) : bytes;
    const place = { record: ++this.records, line: this.line, byte, length: kept.length };
    onLine({ ...place, bytes: kept, fault: long ? tooLong(max, kept.length) : undefined });
  }
}

function isBlank(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte !== 0x20 && byte !== 0x09 && byte !== CR) return false;
  return true;
}
