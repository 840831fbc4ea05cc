import { closeSync, openSync, writeSync } from 'node:fs';

/** Rows on their way to DuckDB: CSV of the server's texts, NULL unquoted and empty. */
export interface RowSegment {
  path: string;
  rows: number;
  /** rows before it in its load */
  first: number;
  bytes: number;
  /** bytes of the longest row */
  longest: number;
  /** the last row, with its line end */
  last: Buffer;
}

const BUFFER = 1 << 20;

/**
 * Appends rows to a file. Rows arrive by the hundred thousand in callbacks that cannot wait, hence synchronous writes,
 * a megabyte each: they end in the page cache.
 */
export class RowFile implements RowSegment {
  rows = 0;
  bytes = 0;
  longest = 0;
  last: Buffer = Buffer.alloc(0);
  private buffer: Buffer;
  private used = 0;
  private readonly file: number;
  private open = true;
  private lastLength = 0;

  constructor(
    readonly path: string,
    readonly first: number,
    bufferBytes = BUFFER,
  ) {
    this.buffer = Buffer.allocUnsafe(bufferBytes);
    this.file = openSync(path, 'w');
  }

  /** One row with its line end. */
  append(row: Uint8Array): void {
    this.room(row.length).set(row, this.used);
    this.end(row.length);
  }

  /** Where up to `length` bytes of a row may be written, from {@link at} on; {@link end} counts them. */
  room(length: number): Buffer {
    if (this.used + length > this.buffer.length) {
      this.flush();
      if (length > this.buffer.length) this.buffer = Buffer.allocUnsafe(length);
    }
    return this.buffer;
  }

  get at(): number {
    return this.used;
  }

  end(length: number): void {
    this.used += length;
    this.rows++;
    this.bytes += length;
    this.lastLength = length;
    if (length > this.longest) this.longest = length;
  }

  close(): this {
    if (this.open) {
      this.last = Buffer.from(this.buffer.subarray(this.used - this.lastLength, this.used));
      this.flush();
      this.discard();
    }
    return this;
  }

  /** Closes it whatever is in it. */
  discard(): void {
    if (this.open) closeSync(this.file);
    this.open = false;
  }

  private flush(): void {
    for (let done = 0; done < this.used;) done += writeSync(this.file, this.buffer, done, this.used - done);
    this.used = 0;
  }
}
