import { open, type FileHandle } from 'node:fs/promises';

const ZERO = 0x30;

/** A growing buffer that is emptied into a file between two chunks, so that writing never interrupts scanning. */
export class ByteSink {
  /** bytes written to the file so far */
  written = 0;
  private buffer = Buffer.allocUnsafe(1 << 14);
  private used = 0;
  private file: FileHandle | undefined;

  constructor(
    /** made when there is something to write */
    readonly path: string,
    /** applied to everything on its way to the file */
    private readonly convert: (bytes: Buffer) => Buffer,
  ) {}

  byte(value: number): void {
    if (this.used === this.buffer.length) this.grow(1);
    this.buffer[this.used++] = value;
  }

  bytes(source: Buffer, start: number, end: number): void {
    const length = end - start;
    if (this.used + length > this.buffer.length) this.grow(length);
    source.copy(this.buffer, this.used, start, end);
    this.used += length;
  }

  /** Writes a non-negative integer as decimal digits. */
  digits(value: number): void {
    if (this.used + 20 > this.buffer.length) this.grow(20);
    let rest = value;
    let count = 1;
    for (let bound = 10; value >= bound; bound *= 10) count++;
    for (let at = this.used + count - 1; at >= this.used; at--) {
      const next = Math.floor(rest / 10);
      this.buffer[at] = ZERO + (rest - next * 10);
      rest = next;
    }
    this.used += count;
  }

  async flush(): Promise<void> {
    if (this.used === 0) return;
    const bytes = this.convert(this.buffer.subarray(0, this.used));
    this.file ??= await open(this.path, 'w');
    await this.file.writeFile(bytes);
    this.written += bytes.length;
    this.used = 0;
  }

  async close(): Promise<void> {
    await this.file?.close();
    this.file = undefined;
  }

  private grow(by: number): void {
    const larger = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.used + by));
    this.buffer.copy(larger, 0, 0, this.used);
    this.buffer = larger;
  }
}
