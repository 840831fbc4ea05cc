import type { RecordPlace } from '../text/segment.js';
import { MAX_RECORD, tooLong, type ScannedLine } from '../text/line-scanner.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LF = 0x0a;

type State = 'start' | 'seek' | 'array' | 'one' | 'tail' | 'done';

/**
 * Finds the records of one JSON document while it comes in: the elements of the array at a path. It only counts
 * brackets and strings; whether an element is JSON is seen when it is read. Memory holds one element at most.
 */
export class DocumentScanner {
  records = 0;
  state: State = 'start';
  /** offset in the file of what comes next */
  byte: number;
  line = 1;
  /** keys of the objects on the way, for a message about a path that leads nowhere */
  readonly keys: string[] = [];
  private depth = 0;
  private inString = false;
  private escaped = false;
  /** keys of the path that were gone down */
  private level = 0;
  private key: number[] | undefined;
  private expectKey = false;
  private hit = false;
  /** the record that is being read */
  private parts: Buffer[] = [];
  private size = 0;
  private first: Pick<RecordPlace, 'line' | 'byte'> | undefined;
  private inner = 0;

  constructor(
    private readonly path: string[],
    firstByte: number,
    private readonly onRecord: (record: ScannedLine) => void,
    private readonly max = MAX_RECORD,
  ) {
    this.byte = firstByte;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number;
      if (byte === LF) this.line++;
      if (this.state === 'array' || this.state === 'one') {
        const ends = this.element(byte);
        if (ends === 'begins') from = at;
        else if (ends === 'after') this.emit(chunk.subarray(from, at + 1));
        else if (ends === 'before') {
          this.emit(chunk.subarray(from, at));
          if (byte === 0x5d) this.endArray();
        } else if (ends === 'closed') this.endArray();
      } else this.outside(byte, chunk, at);
      if (this.state === 'one' && this.first?.byte === this.byte) from = at;
      this.byte++;
    }
    if (this.first) this.keep(chunk.subarray(from));
  }

  /** Whether the document came to its end. */
  get whole(): boolean {
    return this.state === 'done';
  }

  /** Whether every bracket was closed. */
  get closed(): boolean {
    return this.depth === 0 && !this.inString && this.first === undefined;
  }

  /** Inside the array. @returns whether an element begins here, or ends before or after this byte */
  private element(byte: number): 'begins' | 'after' | 'before' | 'closed' | undefined {
    if (this.first === undefined) {
      if (byte === 0x5d) return 'closed';
      if (isSpace(byte) || byte === 0x2c) return undefined;
      this.begin();
      this.inner = 0;
      this.step(byte);
      return 'begins';
    }
    if (!this.inString && this.inner === 0 && (byte === 0x2c || byte === 0x5d || isSpace(byte)))
      return 'before';
    const wasInside = this.inner > 0 || this.inString;
    this.step(byte);
    return wasInside && this.inner === 0 && !this.inString ? 'after' : undefined;
  }

  private endArray(): void {
    this.depth--;
    this.state = this.depth === 0 ? 'done' : 'tail';
  }

  private step(byte: number): void {
    if (this.inString) {
      if (this.escaped) this.escaped = false;
      else if (byte === BACKSLASH) this.escaped = true;
      else if (byte === QUOTE) this.inString = false;
    } else if (byte === QUOTE) this.inString = true;
    else if (byte === 0x7b || byte === 0x5b) this.inner++;
    else if (byte === 0x7d || byte === 0x5d) this.inner--;
  }

  /** Before and after the array. */
  private outside(byte: number, chunk: Buffer, at: number): void {
    if (this.inString) return this.stringByte(byte);
    if (isSpace(byte)) return;
    if (this.state === 'done') throw new DocumentFault('rest', this.byte, this.line, '');
    const { path } = this;
    if (this.state === 'start') {
      if (byte === 0x3c)
        throw new DocumentFault('markup', this.byte, this.line, chunk.toString('utf8', at, at + 200));
      if (path.length === 0 && byte === 0x5b) {
        this.depth = 1;
        this.state = 'array';
        return;
      }
      if (path.length === 0 || byte !== 0x7b) {
        // the document is the record
        this.state = 'one';
        this.begin();
        this.inner = 0;
        this.step(byte);
        return;
      }
      this.state = 'seek';
    }
    const hit = this.hit;
    if (byte !== 0x3a) this.hit = false;
    switch (byte) {
      case QUOTE:
        this.inString = true;
        this.key = this.state === 'seek' && this.expectKey && this.depth === this.level + 1 ? [] : undefined;
        return;
      case 0x3a:
        this.expectKey = false;
        return;
      case 0x2c:
        this.expectKey = this.depth === this.level + 1;
        return;
      case 0x7b:
        this.depth++;
        if (hit) this.level++;
        this.expectKey = this.depth === this.level + 1;
        return;
      case 0x5b:
        this.depth++;
        if (hit && this.level + 1 === path.length) this.state = 'array';
        this.expectKey = false;
        return;
      case 0x7d:
      case 0x5d:
        this.depth--;
        this.level = Math.min(this.level, Math.max(0, this.depth - 1));
        if (this.depth === 0) this.state = this.state === 'tail' ? 'done' : 'seek';
        this.expectKey = false;
    }
  }

  private stringByte(byte: number): void {
    if (this.escaped) this.escaped = false;
    else if (byte === BACKSLASH) this.escaped = true;
    else if (byte === QUOTE) {
      this.inString = false;
      if (this.key) {
        const key = parseKey(Buffer.from(this.key));
        if (this.keys.length < 20) this.keys.push(key);
        this.hit = key === this.path[this.level];
        this.key = undefined;
      }
      return;
    }
    if (this.key && this.key.length < 4096) this.key.push(byte);
  }

  private begin(): void {
    this.first = { line: this.line, byte: this.byte };
    this.parts = [];
    this.size = 0;
  }

  private keep(bytes: Buffer): void {
    if (this.size <= this.max) this.parts.push(Buffer.from(bytes));
    this.size += bytes.length;
  }

  private emit(last: Buffer): void {
    const { first, max } = this;
    if (!first) return;
    this.keep(last);
    const long = this.size > max;
    const all = Buffer.concat(this.parts);
    const bytes = long ? all.subarray(0, 65_536) : all;
    this.first = undefined;
    this.parts = [];
    if (this.state === 'one') this.state = 'done';
    this.onRecord({
      ...{ ...first, record: ++this.records, length: bytes.length, bytes },
      fault: long ? tooLong(max, bytes.length) : undefined,
    });
  }
}

/** Why a document cannot be read on. */
export class DocumentFault extends Error {
  constructor(
    readonly reason: 'markup' | 'rest',
    readonly byte: number,
    readonly line: number,
    /** what is there */
    readonly text: string,
  ) {
    super(reason);
  }
}

const isSpace = (byte: number): boolean => byte === 0x20 || byte === LF || byte === 0x0d || byte === 0x09;

function parseKey(bytes: Buffer): string {
  try {
    return JSON.parse(`"${bytes.toString()}"`) as string;
  } catch {
    return bytes.toString();
  }
}
