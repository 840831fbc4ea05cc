export type ByteSource = AsyncIterable<Uint8Array> | Iterable<Uint8Array> | Uint8Array;

/** Pulls a stream of chunks as stretches of any length; holds one stretch and a chunk in memory. */
export class ByteReader {
  private buffer: Uint8Array = new Uint8Array(0);
  private at = 0;
  private ended = false;
  private readonly chunks: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  /** bytes taken so far, from the start of the file */
  position = 0;

  /** @param tail bytes at the end that are never given out */
  constructor(
    source: ByteSource,
    private readonly tail = 0,
  ) {
    const iterable = source instanceof Uint8Array ? [source] : source;
    this.chunks =
      Symbol.asyncIterator in iterable ? iterable[Symbol.asyncIterator]() : iterable[Symbol.iterator]();
  }

  /** Bytes that `take` and `peek` can give now. */
  get available(): number {
    return Math.max(0, this.buffer.length - this.at - this.tail);
  }

  /** Waits until `count` bytes are there. @returns how many are: fewer only at the end */
  async fill(count: number): Promise<number> {
    while (this.available < count && !this.ended) {
      const next = await this.chunks.next();
      if (next.done) {
        this.ended = true;
        break;
      }
      const rest = this.buffer.subarray(this.at);
      if (rest.length === 0) this.buffer = next.value;
      else {
        const joined = new Uint8Array(rest.length + next.value.length);
        joined.set(rest);
        joined.set(next.value, rest.length);
        this.buffer = joined;
      }
      this.at = 0;
    }
    return Math.min(count, this.available);
  }

  /** Up to `count` bytes without taking them; call `fill` first. They are valid until the next `fill`. */
  peek(count: number): Uint8Array {
    return this.buffer.subarray(this.at, this.at + Math.min(count, this.available));
  }

  /** Takes up to `count` bytes; call `fill` first. */
  take(count: number): Uint8Array {
    const bytes = this.peek(count);
    this.at += bytes.length;
    this.position += bytes.length;
    return bytes;
  }

  /** Passes over `count` bytes, however many. @returns how many there were */
  async skip(count: number): Promise<number> {
    let left = count;
    while (left > 0) {
      const there = await this.fill(Math.min(left, 1 << 20));
      if (there === 0) break;
      this.take(there);
      left -= there;
    }
    return count - left;
  }

  /** Lets go of the stream when reading stops before its end. */
  async close(): Promise<void> {
    await this.chunks.return?.();
  }
}
