import type { ColumnType } from '../schema.js';

/** Bytes of one value in a DuckDB vector; a struct has only its mask of nulls. */
const WIDTHS = {
  ...{ int16: 2, int32: 4, int64: 8, int128: 16, float32: 4, float64: 8 },
  ...{ text: 16, bytes: 16, list: 16, struct: 0 },
} as const;
export type Storage = keyof typeof WIDTHS;

/** How DuckDB holds values of a type. */
export function storageOf(type: ColumnType): Storage {
  if (type.kind === 'date') return 'int32';
  if (type.kind === 'timestamp') return 'int64';
  if (type.kind !== 'decimal') return type.kind;
  if (type.precision <= 4) return 'int16';
  if (type.precision <= 9) return 'int32';
  return type.precision <= 18 ? 'int64' : 'int128';
}

/** Texts up to this many bytes lie in the vector itself, longer ones in a heap. */
export const INLINE = 12;
const encoder = new TextEncoder();

/**
 * Values of one column for a batch of rows, in the memory layout of a DuckDB vector, so that handing them over is one
 * copy. Texts and bytes are `duckdb_string_t` (length, then 12 bytes inline, or 4 and an offset into `heap`), lists are
 * pairs of 64-bit offset and length into `children[0]`. Nothing here checks bounds: it is the innermost loop.
 */
export class Column {
  readonly storage: Storage;
  readonly width: number;
  readonly children: Column[];
  data!: ArrayBuffer;
  /** 32-bit little-endian words of `data` */
  words!: Int32Array;
  bytes!: Uint8Array;
  private longs: BigInt64Array | undefined;
  /** one bit a row, 1 = has a value; whole 64-bit words, as DuckDB has them */
  valid!: Uint8Array;
  hasNulls = false;
  heap = new Uint8Array(0);
  heapUsed = 0;
  /** elements of a list's child */
  elements = 0;

  constructor(
    readonly name: string,
    readonly type: ColumnType,
    public capacity: number,
    heapBytes = 0,
  ) {
    this.storage = storageOf(type);
    this.width = WIDTHS[this.storage];
    const named = type.kind === 'struct' ? type.fields : [];
    this.children =
      type.kind === 'list'
        ? [new Column('element', type.element, capacity)]
        : named.map((field) => new Column(field.name, field.type, capacity));
    this.allocate(capacity);
    if (heapBytes > 0) this.heap = new Uint8Array(heapBytes);
  }

  /** Forgets all values. */
  reset(): void {
    if (this.hasNulls) this.valid.fill(0xff);
    this.hasNulls = false;
    this.heapUsed = 0;
    this.elements = 0;
    for (const child of this.children) child.reset();
  }

  setNull(row: number): void {
    this.valid[row >> 3] = (this.valid[row >> 3] as number) & ~(1 << (row & 7));
    this.hasNulls = true;
    if (this.storage === 'text' || this.storage === 'list' || this.storage === 'bytes') {
      this.words.fill(0, 4 * row, 4 * row + 4);
    }
    if (this.type.kind === 'struct') for (const child of this.children) child.setNull(row);
  }

  /** Takes {@link setNull} back. */
  setPresent(row: number): void {
    this.valid[row >> 3] = (this.valid[row >> 3] as number) | (1 << (row & 7));
    if (this.type.kind === 'struct') for (const child of this.children) child.setPresent(row);
  }

  /** Makes every row null. */
  setAllNull(): void {
    this.valid.fill(0);
    this.hasNulls = true;
    if (this.width === 16) this.words.fill(0);
    if (this.type.kind === 'struct') for (const child of this.children) child.setAllNull();
  }

  isNull(row: number): boolean {
    return ((this.valid[row >> 3] as number) & (1 << (row & 7))) === 0;
  }

  /** Whole numbers and scaled decimals, two's complement. */
  putInteger(row: number, value: bigint): void {
    if (this.storage === 'int16') {
      this.bytes[2 * row] = Number(value & 0xffn);
      this.bytes[2 * row + 1] = Number((value >> 8n) & 0xffn);
      return;
    }
    if (this.width === 4) {
      this.words[row] = Number(BigInt.asIntN(32, value));
      return;
    }
    this.longs ??= new BigInt64Array(this.data);
    if (this.width === 8) this.longs[row] = value;
    else {
      this.longs[2 * row] = value;
      this.longs[2 * row + 1] = value >> 64n;
    }
  }

  /** The same for numbers of at most 2^53. */
  putSmall(row: number, value: number): void {
    const { words, bytes, storage } = this;
    if (storage === 'int16') {
      bytes[2 * row] = value & 0xff;
      bytes[2 * row + 1] = (value >> 8) & 0xff;
      return;
    }
    const count = this.width / 4;
    words[count * row] = value | 0;
    if (count === 1) return;
    words[count * row + 1] = Math.floor(value / 2 ** 32);
    for (let word = 2; word < count; word++) words[count * row + word] = value < 0 ? -1 : 0;
  }

  putText(row: number, text: string): void {
    this.growHeap(3 * text.length);
    const { written } = encoder.encodeInto(text, this.heap.subarray(this.heapUsed));
    this.keep(row, written);
  }

  putBytes(row: number, bytes: Uint8Array): void {
    this.growHeap(bytes.length);
    this.heap.set(bytes, this.heapUsed);
    this.keep(row, bytes.length);
  }

  /** Makes the `length` bytes at the end of the heap the value of a row. */
  keep(row: number, length: number): void {
    const { words, bytes, heap, heapUsed } = this;
    words.fill(0, 4 * row, 4 * row + 4);
    words[4 * row] = length;
    const shown = length <= INLINE ? length : 4;
    for (let n = 0; n < shown; n++) bytes[16 * row + 4 + n] = heap[heapUsed + n] as number;
    if (length <= INLINE) return;
    words[4 * row + 2] = heapUsed;
    this.heapUsed += length;
  }

  putEntry(row: number, offset: number, length: number): void {
    const { words } = this;
    words[4 * row] = offset;
    words[4 * row + 1] = 0;
    words[4 * row + 2] = length;
    words[4 * row + 3] = 0;
  }

  /** Makes room for `capacity` values, keeping those there are. */
  reserve(capacity: number): void {
    if (capacity <= this.capacity) return;
    const { bytes, valid } = this;
    this.allocate(Math.max(capacity, 2 * this.capacity));
    this.bytes.set(bytes);
    this.valid.set(valid);
    if (this.type.kind === 'struct') for (const child of this.children) child.reserve(capacity);
  }

  /** Keeps only these rows, given in ascending order. */
  compact(rows: Int32Array): void {
    const { width, bytes } = this;
    const valid = this.hasNulls ? this.valid.slice() : undefined;
    for (let to = 0; to < rows.length; to++) {
      const from = rows[to] as number;
      if (from !== to) bytes.copyWithin(to * width, from * width, (from + 1) * width);
      if (!valid) continue;
      const bit = ((valid[from >> 3] as number) >> (from & 7)) & 1;
      const rest = (this.valid[to >> 3] as number) & ~(1 << (to & 7));
      this.valid[to >> 3] = rest | (bit << (to & 7));
    }
    if (this.type.kind === 'struct') for (const child of this.children) child.compact(rows);
  }

  private allocate(capacity: number): void {
    this.capacity = capacity;
    this.longs = undefined;
    this.data = new ArrayBuffer(Math.ceil((capacity * this.width) / 8) * 8);
    this.words = new Int32Array(this.data);
    this.bytes = new Uint8Array(this.data);
    this.valid = new Uint8Array(8 * Math.ceil(capacity / 64)).fill(0xff);
  }

  private growHeap(extra: number): void {
    if (this.heapUsed + extra <= this.heap.length) return;
    const grown = new Uint8Array(Math.max(this.heapUsed + extra, 2 * this.heap.length, 4096));
    grown.set(this.heap.subarray(0, this.heapUsed));
    this.heap = grown;
  }
}
