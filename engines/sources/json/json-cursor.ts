/** What is wrong with a JSON text, and where in it. */
export class JsonFault extends Error {
  constructor(
    message: string,
    /** offset in the buffer */
    readonly offset: number,
  ) {
    super(message);
  }
}

export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'true' | 'false' | 'null';

const MAX_DEPTH = 200;
const NUMBER = new Uint8Array(256);
for (const char of '0123456789+-.eE') NUMBER[char.charCodeAt(0)] = 1;
const NUMBER_TEXT = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/**
 * Walks over one JSON text in UTF-8 without making values of it: numbers keep every digit, and what nobody asks for
 * costs no memory. It accepts exactly what RFC 8259 does.
 */
export class JsonCursor {
  at: number;
  private depth = 0;

  constructor(
    readonly bytes: Buffer,
    start: number,
    private readonly end: number,
  ) {
    this.at = start;
  }

  /** What the next value is. */
  kind(): JsonKind {
    this.space();
    switch (this.bytes[this.at]) {
      case 0x7b:
        return 'object';
      case 0x5b:
        return 'array';
      case 0x22:
        return 'string';
      case 0x74:
        return 'true';
      case 0x66:
        return 'false';
      case 0x6e:
        return 'null';
      default:
        return 'number';
    }
  }

  /** Walks over an object; `member` must walk over the value of each key. */
  object(member: (key: string) => void): void {
    this.open();
    this.space();
    if (this.take(0x7d)) return this.close();
    do {
      this.space();
      if (this.bytes[this.at] !== 0x22) throw this.unexpected('a key in quotes');
      const key = this.string();
      this.space();
      if (!this.take(0x3a)) throw this.unexpected("':'");
      this.space();
      member(key);
      this.space();
    } while (this.take(0x2c));
    if (!this.take(0x7d)) throw this.unexpected("',' or '}'");
    this.close();
  }

  /** Walks over an array; `element` must walk over each. */
  array(element: () => void): void {
    this.open();
    this.space();
    if (this.take(0x5d)) return this.close();
    do {
      this.space();
      element();
      this.space();
    } while (this.take(0x2c));
    if (!this.take(0x5d)) throw this.unexpected("',' or ']'");
    this.close();
  }

  /** Walks over any value. */
  skip(): void {
    const kind = this.kind();
    if (kind === 'object') this.object(() => this.skip());
    else if (kind === 'array') this.array(() => this.skip());
    else this.scalar(kind);
  }

  /** Walks over a value that holds no others. */
  scalar(kind: JsonKind): void {
    if (kind === 'string') this.stringEnd();
    else if (kind === 'number') this.number();
    else this.word(kind);
  }

  /** The text of a string, its escapes resolved. */
  string(): string {
    const start = this.at;
    return this.stringEnd()
      ? (JSON.parse(this.bytes.toString('utf8', start, this.at)) as string)
      : this.bytes.toString('utf8', start + 1, this.at - 1);
  }

  /** The bytes of a string, its escapes resolved. */
  stringBytes(): Buffer {
    const start = this.at;
    return this.stringEnd()
      ? Buffer.from(JSON.parse(this.bytes.toString('utf8', start, this.at)) as string)
      : this.bytes.subarray(start + 1, this.at - 1);
  }

  number(): string {
    const start = this.at;
    while (this.at < this.end && NUMBER[this.bytes[this.at] as number] === 1) this.at++;
    const text = this.bytes.toString('latin1', start, this.at);
    if (NUMBER_TEXT.test(text)) return text;
    this.at = start;
    throw this.unexpected('a value');
  }

  /** Nothing but space may follow. */
  finish(): void {
    this.space();
    if (this.at < this.end) throw this.unexpected('the end');
  }

  private open(): void {
    this.at++;
    if (++this.depth > MAX_DEPTH)
      throw new JsonFault(`it is nested more than ${MAX_DEPTH} levels deep`, this.at);
  }

  private close(): void {
    this.depth--;
  }

  private take(byte: number): boolean {
    if (this.at >= this.end || this.bytes[this.at] !== byte) return false;
    this.at++;
    return true;
  }

  private space(): void {
    for (; this.at < this.end; this.at++) {
      const byte = this.bytes[this.at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
    }
  }

  /** @returns whether it holds escapes */
  private stringEnd(): boolean {
    const { bytes, end } = this;
    let escaped = false;
    const start = this.at;
    for (this.at++; this.at < end; this.at++) {
      const byte = bytes[this.at] as number;
      if (byte === 0x22) {
        this.at++;
        return escaped && this.assertEscapes(start);
      }
      if (byte === 0x5c) {
        escaped = true;
        this.at++;
      } else if (byte < 0x20) throw new JsonFault('a string holds a control character', this.at);
    }
    this.at = end;
    throw new JsonFault('a string is not closed', start);
  }

  private assertEscapes(start: number): true {
    try {
      JSON.parse(this.bytes.toString('utf8', start, this.at));
      return true;
    } catch {
      throw new JsonFault('a string holds an unknown escape', start);
    }
  }

  private word(word: string): void {
    const text = this.bytes.toString('latin1', this.at, Math.min(this.end, this.at + word.length));
    if (text !== word) throw this.unexpected('a value');
    this.at += word.length;
  }

  private unexpected(expected: string): JsonFault {
    const found =
      this.at >= this.end
        ? 'its end'
        : JSON.stringify(this.bytes.toString('utf8', this.at, Math.min(this.end, this.at + 12)));
    return new JsonFault(`${expected} is expected where ${found} is`, this.at);
  }
}
