const BLOCK = 0x314159265359;
const END = 0x177245385090;
const GROUP = 50;
const MAX_LENGTH = 20;

/** Takes single bits, most significant first, from a buffer that grows at its end. */
class Bits {
  private bytes: Buffer = Buffer.alloc(0);
  private at = 0;
  private value = 0;
  private count = 0;

  add(chunk: Buffer): void {
    this.bytes = Buffer.concat([this.bytes.subarray(this.at), chunk]);
    this.at = 0;
  }

  /** whole bytes that are left */
  get left(): number {
    return this.bytes.length - this.at;
  }

  /** @param count 1..24 */
  read(count: number): number {
    while (this.count < count) {
      const next = this.bytes[this.at++];
      if (next === undefined) throw new Error('the compressed data ends too early');
      this.value = ((this.value << 8) | next) >>> 0;
      this.count += 8;
    }
    this.count -= count;
    const result = (this.value >>> this.count) & ((1 << count) - 1);
    // what is left never has more than 7 bits
    this.value &= (1 << this.count) - 1;
    return result;
  }

  read32(): number {
    return this.read(16) * 65_536 + this.read(16);
  }

  read48(): number {
    return this.read(24) * 2 ** 24 + this.read(24);
  }

  toByte(): void {
    this.count = 0;
    this.value = 0;
  }

  /** the next two bytes, without taking them; only at a byte's start */
  peek2(): string {
    return this.bytes.toString('latin1', this.at, this.at + 2);
  }
}

/**
 * Decompresses bzip2, several streams one after the other too, block by block with its check sums.
 * @throws Error when the data is cut off or damaged
 */
export async function* bunzip2(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const bits = new Bits();
  const chunks = source[Symbol.asyncIterator]();
  let ended = false;
  const atLeast = async (bytes: number): Promise<void> => {
    const parts: Buffer[] = [];
    let have = bits.left;
    while (!ended && have < bytes) {
      const next = await chunks.next();
      if (next.done) ended = true;
      else {
        parts.push(next.value);
        have += next.value.length;
      }
    }
    if (parts.length > 0) bits.add(Buffer.concat(parts));
  };
  do {
    await atLeast(4);
    if (bits.read(24) !== 0x425a68) throw new Error('this is no bzip2 data');
    const level = bits.read(8) - 0x30;
    if (level < 1 || level > 9) throw new Error('the block size is wrong');
    let streamSum = 0;
    for (;;) {
      // a block may be a little larger than what it holds
      await atLeast(level * 130_000 + 20_000);
      const magic = bits.read48();
      const sum = bits.read32();
      if (magic === END) {
        if (sum !== streamSum) throw new Error('the check sum of the stream is wrong');
        break;
      }
      if (magic !== BLOCK) throw new Error('a block begins with wrong bytes');
      const block = expand(readBlock(bits, level * 100_000), sum);
      streamSum = (((streamSum << 1) | (streamSum >>> 31)) ^ sum) >>> 0;
      yield block;
    }
    bits.toByte();
    await atLeast(4);
  } while (bits.left >= 4 && bits.peek2() === 'BZ');
}

/** Undoes Huffman codes, move-to-front and Burrows-Wheeler. @returns the block, still run-length encoded */
function readBlock(bits: Bits, size: number): Buffer {
  if (bits.read(1) !== 0) throw new Error('blocks of the randomised kind are not supported');
  const origin = bits.read(24);
  const symbols = readSymbols(bits);
  const { tables, selectors } = readTables(bits, symbols.length + 2);
  const end = symbols.length + 1;
  const last = new Uint8Array(size);
  const counts = new Uint32Array(256);
  let length = 0;
  let run = 0;
  let weight = 1;
  let group = -1;
  let left = 0;
  let table = tables[0] as Huffman;
  const put = (byte: number, times: number): void => {
    if (length + times > size) throw new Error('a block is larger than it may be');
    last.fill(byte, length, length + times);
    counts[byte] = (counts[byte] ?? 0) + times;
    length += times;
  };
  for (;;) {
    if (left-- === 0) {
      left = GROUP - 1;
      const next = tables[selectors[++group] ?? -1];
      if (!next) throw new Error('a block lacks a code table');
      table = next;
    }
    const symbol = decode(bits, table);
    if (symbol <= 1) {
      run += weight << symbol;
      weight <<= 1;
      if (run > size) throw new Error('a run is longer than its block');
      continue;
    }
    if (run > 0) {
      put(symbols[0] as number, run);
      run = 0;
      weight = 1;
    }
    if (symbol === end) break;
    const index = symbol - 1;
    const byte = symbols[index] as number;
    symbols.copyWithin(1, 0, index);
    symbols[0] = byte;
    put(byte, 1);
  }
  return undoBurrowsWheeler(last, length, counts, origin);
}

function undoBurrowsWheeler(last: Uint8Array, length: number, counts: Uint32Array, origin: number): Buffer {
  const starts = new Uint32Array(256);
  for (let byte = 1; byte < 256; byte++)
    starts[byte] = (starts[byte - 1] as number) + (counts[byte - 1] as number);
  const next = new Uint32Array(length);
  for (let at = 0; at < length; at++) {
    const byte = last[at] as number;
    next[starts[byte] as number] = at;
    starts[byte] = (starts[byte] as number) + 1;
  }
  if (length > 0 && origin >= length) throw new Error('a block begins outside of itself');
  const block = Buffer.allocUnsafe(length);
  let at = next[origin] as number;
  for (let n = 0; n < length; n++) {
    block[n] = last[at] as number;
    at = next[at] as number;
  }
  return block;
}

/** The bytes that occur in a block, in order. */
function readSymbols(bits: Bits): Uint8Array {
  const used = bits.read(16);
  const symbols: number[] = [];
  for (let high = 0; high < 16; high++) {
    if (!(used & (0x8000 >> high))) continue;
    const low = bits.read(16);
    for (let n = 0; n < 16; n++) if (low & (0x8000 >> n)) symbols.push(high * 16 + n);
  }
  if (symbols.length === 0) throw new Error('a block has no bytes');
  return Uint8Array.from(symbols);
}

interface Huffman {
  /** by length: the largest code, and what to subtract to get a place in `order` */
  limits: Int32Array;
  offsets: Int32Array;
  order: Uint16Array;
}

function readTables(bits: Bits, alphabet: number): { tables: Huffman[]; selectors: Uint8Array } {
  const count = bits.read(3);
  const selectors = new Uint8Array(bits.read(15));
  if (count < 2 || count > 6 || selectors.length === 0) throw new Error('the code tables are damaged');
  const order = Array.from({ length: count }, (_, n) => n);
  for (let n = 0; n < selectors.length; n++) {
    let index = 0;
    while (bits.read(1) === 1) if (++index >= count) throw new Error('the code tables are damaged');
    const [chosen = 0] = order.splice(index, 1);
    order.unshift(chosen);
    selectors[n] = chosen;
  }
  const tables = Array.from({ length: count }, () => {
    const lengths = new Uint8Array(alphabet);
    let length = bits.read(5);
    for (let symbol = 0; symbol < alphabet; symbol++) {
      while (bits.read(1) === 1) length += bits.read(1) === 0 ? 1 : -1;
      if (length < 1 || length > MAX_LENGTH) throw new Error('the code tables are damaged');
      lengths[symbol] = length;
    }
    return huffman(lengths);
  });
  return { tables, selectors };
}

function huffman(lengths: Uint8Array): Huffman {
  const limits = new Int32Array(MAX_LENGTH + 2).fill(-1);
  const offsets = new Int32Array(MAX_LENGTH + 2);
  const order = new Uint16Array(lengths.length);
  let code = 0;
  let place = 0;
  for (let length = 1; length <= MAX_LENGTH; length++) {
    offsets[length] = code - place;
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] !== length) continue;
      order[place++] = symbol;
      code++;
    }
    limits[length] = code - 1;
    code <<= 1;
  }
  return { limits, offsets, order };
}

function decode(bits: Bits, { limits, offsets, order }: Huffman): number {
  let code = 0;
  for (let length = 1; length <= MAX_LENGTH; length++) {
    code = (code << 1) | bits.read(1);
    if (code <= (limits[length] as number)) {
      const symbol = order[code - (offsets[length] as number)];
      if (symbol !== undefined) return symbol;
      break;
    }
  }
  throw new Error('a code is not in its table');
}

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit++) value = value < 0 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value >>> 0;
});

/** Undoes the first run-length encoding: four equal bytes are followed by how many more there are. */
function expand(block: Buffer, sum: number): Buffer {
  let size = 0;
  let equal = 0;
  for (let at = 0; at < block.length; at++) {
    if (equal === 4) {
      size += block[at] as number;
      equal = 0;
    } else {
      equal = equal > 0 && block[at] === block[at - 1] ? equal + 1 : 1;
      size++;
    }
  }
  const out = Buffer.allocUnsafe(size);
  let length = 0;
  equal = 0;
  for (let at = 0; at < block.length; at++) {
    const byte = block[at] as number;
    if (equal === 4) {
      out.fill(block[at - 1] as number, length, length + byte);
      length += byte;
      equal = 0;
    } else {
      equal = equal > 0 && byte === block[at - 1] ? equal + 1 : 1;
      out[length++] = byte;
    }
  }
  let crc = 0xffffffff;
  for (let at = 0; at < size; at++)
    crc = ((crc << 8) ^ (CRC[((crc >>> 24) ^ (out[at] as number)) & 0xff] as number)) | 0;
  if (~crc >>> 0 !== sum) throw new Error('the check sum of a block is wrong');
  return out;
}
