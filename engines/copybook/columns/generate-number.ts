import type { NumberType } from '../layout.js';
import type { Column } from './column.js';

/** One number to decode: where it lies in the record, and the column it goes to. */
export interface NumberLeaf {
  type: NumberType;
  /** bytes from the start of the record or element */
  offset: number;
  length: number;
  /** decimal places of the column; 0 for whole numbers */
  scale: number;
  /** most digits a decimal column holds; undefined for int32 and int64, which have no such bound */
  precision: number | undefined;
  storage: Column['storage'];
  ascii: boolean;
  ieeeBigEndian: boolean;
}

/** Names the generated code uses: `b` the bytes, `o` where the record begins, `r` the row, `w` the column's words. */
export interface Names {
  words: string;
  halves: string;
  /** a statement that hands the value to the general decoder */
  other: string;
}

/** A run of up to nine digits: an expression of an int32, and how many digits it has. */
interface Chunk {
  value: string;
  digits: number;
}

/**
 * JavaScript that decodes a number as it nearly always is: plain digits, the usual signs, in range. Whatever else the
 * bytes hold (blanks, other signs, bad digits) goes to the general decoder, so that its rules exist once.
 * @returns undefined for kinds of numbers that always go there
 */
export function numberCode(leaf: NumberLeaf, names: Names): string | undefined {
  const { usage } = leaf.type;
  if (usage === 'display') return displayCode(leaf, names);
  if (usage === 'packed' || usage === 'unsigned-packed') return packedCode(leaf, names);
  if (usage === 'binary') return binaryCode(leaf, names);
  if ((usage === 'float' || usage === 'double') && leaf.ieeeBigEndian) return ieeeCode(leaf, names);
  return undefined;
}

const at = (leaf: NumberLeaf, index: number): string => `b[o+${leaf.offset + index}]`;

/** Zeros to put behind the digits so that they have the scale of the column: those of `9(5)PPP`, for one. */
const missingZeros = ({ scale, type }: NumberLeaf): number =>
  // PPP9(5) is a fraction: all its digits stand behind the point
  scale - ((type.scaleFactor < 0 ? type.digits : type.scale) - type.scaleFactor);

function displayCode(leaf: NumberLeaf, names: Names): string | undefined {
  const { type, length, ascii } = leaf;
  const { digits, separateSign, signPosition, explicitPoint, signed } = type;
  if (type.edited || length !== digits + (separateSign ? 1 : 0) + (explicitPoint ? 1 : 0)) return undefined;
  const zone = ascii ? 0x30 : 0xf0;
  const first = separateSign && signPosition === 'leading' ? 1 : 0;
  const places: number[] = [];
  for (let n = 0; n < digits; n++) {
    places.push(first + n + (explicitPoint && n >= digits - type.scale ? 1 : 0));
  }
  const lines: string[] = [];
  const guards: string[] = [];
  let negative: string | undefined;
  const overpunched = signed && !separateSign && !ascii;
  const signPlace = places.at(signPosition === 'leading' ? 0 : -1);
  const digitsAt = places.map((place, n) => {
    if (overpunched && place === signPlace) {
      lines.push(`const s=${at(leaf, place)},x${n}=s&15;`);
      negative = 's>=0xd0&&s<0xe0';
      // of the zones C, D and F; the digit is tested like the others
      guards.push('(s>=0xf0||(s>=0xc0&&s<0xe0)?0:16)');
    } else lines.push(`const x${n}=${at(leaf, place)}^${zone};`);
    guards.push(`(x${n}+6)`);
    return `x${n}`;
  });
  let more = '';
  if (separateSign) {
    const [plus, minus] = ascii ? [0x2b, 0x2d] : [0x4e, 0x60];
    lines.push(`const s=${at(leaf, signPosition === 'leading' ? 0 : length - 1)};`);
    more += `||(s!==${plus}&&s!==${minus})`;
    negative = `s===${minus}`;
  }
  if (explicitPoint) {
    const point = first + digits - type.scale;
    more += `||${at(leaf, point)}!==${ascii ? 0x2e : 0x4b}`;
  }
  const chunks = cut(digitsAt.map((value) => ({ value, digits: 1 })));
  const store = storeInteger(leaf, names, chunks, negative);
  if (store === undefined) return undefined;
  return `${lines.join('')}if(((${guards.join('|')})&-16)!==0${more}){${names.other}}else{${store}}`;
}

function packedCode(leaf: NumberLeaf, names: Names): string | undefined {
  const { type, length } = leaf;
  const lines: string[] = [];
  const items: Chunk[] = [];
  const withSign = type.usage === 'packed';
  for (let n = 0; n < length; n++) {
    const last = withSign && n === length - 1;
    lines.push(`const x${n}=${last ? 'PL' : 'PP'}[${at(leaf, n)}];`);
    items.push(last ? { value: `(x${n}&15)`, digits: 1 } : { value: `x${n}`, digits: 2 });
  }
  // an even picture leaves the first half byte unused: it should be zero
  const unused = withSign ? 2 * length - 1 - type.digits : 2 * length - type.digits;
  if (unused < 0 || unused > 1) return undefined;
  const tests = [`((${items.map((_, n) => `x${n}`).join('|')})&65536)!==0`];
  if (unused === 1) tests.push('x0>9');
  if (withSign && !type.signed) tests.push(`(x${length - 1}&256)!==0`);
  if (unused === 1 && items[0]) items[0].digits = 1;
  const negative = withSign && type.signed ? `(x${length - 1}&256)!==0` : undefined;
  const store = storeInteger(leaf, names, cut(items), negative);
  if (store === undefined) return undefined;
  return `${lines.join('')}if(${tests.join('||')}){${names.other}}else{${store}}`;
}

/** Puts digits together to runs of at most nine, the first one as short as it comes. */
function cut(items: Chunk[]): Chunk[] {
  const runs: Chunk[][] = [];
  let room = 0;
  for (const item of items.toReversed()) {
    if (item.digits > room) {
      runs.unshift([]);
      room = 9;
    }
    runs[0]?.unshift(item);
    room -= item.digits;
  }
  return runs.map((run) => {
    const digits = run.reduce((sum, item) => sum + item.digits, 0);
    let left = digits;
    const terms = run.map((item) => {
      left -= item.digits;
      return left === 0 ? item.value : `Math.imul(${item.value},${10 ** left})`;
    });
    return { value: `(${terms.join('+')}|0)`, digits };
  });
}

/** Statements that store a number of decimal digits, two's complement, in the width of the column. */
function storeInteger(
  leaf: NumberLeaf,
  { words: w, halves }: Names,
  given: Chunk[],
  negative: string | undefined,
): string | undefined {
  const zeros = missingZeros(leaf);
  if (zeros < 0) return undefined;
  const chunks = [...given];
  for (let left = zeros; left > 0; left -= 9) chunks.push({ value: '0', digits: Math.min(9, left) });
  const digits = chunks.reduce((sum, chunk) => sum + chunk.digits, 0);
  const room = { int16: 4, int32: 9, int64: 18, int128: 38 }[
    leaf.storage as 'int16' | 'int32' | 'int64' | 'int128'
  ];
  if (room === undefined || digits > room || digits > (leaf.precision ?? room)) return undefined;
  const signed = (value: string): string => (negative ? `(${negative})?-${value}:${value}` : value);
  if (digits <= 15) {
    const value = chunks
      .slice(1)
      .reduce((sum, { value, digits }) => `(${sum})*${10 ** digits}+${value}`, chunks[0]?.value ?? '0');
    if (leaf.storage === 'int16') return `const v=${value};${halves}[r]=${signed('v')};`;
    if (leaf.storage === 'int32') return `const v=${value};${w}[r]=${signed('v')};`;
    const high = digits <= 9 ? 'u>>31' : 'Math.floor(u/4294967296)';
    const head = `const v=${value},u=${signed('v')};`;
    if (leaf.storage === 'int64') return `${head}const r2=r<<1;${w}[r2]=u|0;${w}[r2+1]=${high};`;
    return `${head}const r4=r<<2,h=${high};${w}[r4]=u|0;${w}[r4+1]=h;${w}[r4+2]=${w}[r4+3]=h>>31;`;
  }
  return limbs(chunks) + storeLimbs(leaf.storage === 'int64' ? 2 : 4, limbCount(digits), w, negative);
}

/** 32-bit limbs that a number of so many digits needs at most. */
const limbCount = (digits: number): number => Math.ceil((digits * Math.log2(10)) / 32);

/**
 * Multiplies and adds chunk by chunk into 32-bit limbs a0…a3, each an unsigned number. A product of a limb and a power
 * of ten has up to 62 bits, more than a double holds: its lower half comes from `Math.imul`, which is exact, and the
 * upper one by rounding what the double says without it.
 */
function limbs(chunks: Chunk[]): string {
  const lines = [`let a0=${chunks[0]?.value},a1=0,a2=0,a3=0,c=0,l=0,t=0;`];
  let digits = chunks[0]?.digits ?? 0;
  for (const chunk of chunks.slice(1)) {
    const before = limbCount(digits);
    const power = 10 ** chunk.digits;
    digits += chunk.digits;
    const after = limbCount(digits);
    lines.push(`c=${chunk.value};`);
    for (let n = 0; n < before; n++) {
      lines.push(
        `l=Math.imul(a${n},${power})>>>0;t=l+c;c=Math.round((a${n}*${power}-l)/4294967296)+(t>4294967295?1:0);a${n}=t>>>0;`,
      );
    }
    if (after > before) lines.push(`a${before}=c;`);
  }
  return lines.join('');
}

function storeLimbs(words: number, used: number, w: string, negative: string | undefined): string {
  const row = words === 2 ? 'r<<1' : 'r<<2';
  const all = Array.from({ length: words }, (_, n) => n);
  const plain = all.map((n) => `${w}[k${n === 0 ? '' : `+${n}`}]=${n < used ? `a${n}` : '0'};`).join('');
  if (!negative) return `const k=${row};${plain}`;
  const negated = [`l=1;`];
  for (const n of all) {
    negated.push(
      `t=((~${n < used ? `a${n}` : '0'})>>>0)+l;l=t>4294967295?1:0;${w}[k${n === 0 ? '' : `+${n}`}]=t;`,
    );
  }
  return `const k=${row};if(${negative}){${negated.join('')}}else{${plain}}`;
}

function binaryCode(leaf: NumberLeaf, { words: w, halves, other }: Names): string | undefined {
  const { length, storage, precision, type } = leaf;
  if (missingZeros(leaf) !== 0 || length > 16) return undefined;
  const index = (n: number): number => (type.littleEndian ? n : length - 1 - n);
  /** the n-th byte from the low end */
  const byte = (n: number): string => at(leaf, index(n));
  const top = byte(length - 1);
  const bound = precision === undefined ? undefined : 10 ** precision;
  if (length <= 4) {
    const parts = Array.from({ length }, (_, n) => (n === 0 ? byte(0) : `${byte(n)}<<${8 * n}`));
    const spare = 32 - 8 * length;
    const raw = `(${parts.join('|')})`;
    const value = type.signed && spare > 0 ? `${raw}<<${spare}>>${spare}` : raw;
    const tests: string[] = [];
    if (!type.signed && length === 4) tests.push('v<0');
    if (bound !== undefined && bound < 2 ** (8 * length))
      tests.push(`v>=${bound}`, ...(type.signed ? [`v<=-${bound}`] : []));
    const store = {
      int16: `${halves}[r]=v;`,
      int32: `${w}[r]=v;`,
      int64: `${w}[r<<1]=v;${w}[(r<<1)+1]=v>>31;`,
      int128: `${w}[r<<2]=v;${w}[(r<<2)+1]=${w}[(r<<2)+2]=${w}[(r<<2)+3]=v>>31;`,
    }[storage as 'int16' | 'int32' | 'int64' | 'int128'];
    return `const v=${value};${tests.length > 0 ? `if(${tests.join('||')}){${other}}else{${store}}` : store}`;
  }
  const words = { int64: 2, int128: 4 }[storage as 'int64' | 'int128'];
  if (words === undefined || length > 4 * words) return undefined;
  const lines: string[] = [];
  const fill = type.signed ? `${top}<<24>>31` : '0';
  lines.push(`const g=${fill};`);
  for (let word = 0; word < words; word++) {
    const parts: string[] = [];
    for (let n = 0; n < 4; n++) {
      const place = 4 * word + n;
      if (place < length) parts.push(n === 0 ? byte(place) : `${byte(place)}<<${8 * n}`);
      else if (place === length && n > 0) parts.push(`g<<${8 * n}`);
    }
    lines.push(`const a${word}=${parts.length > 0 ? parts.join('|') : 'g'};`);
  }
  const tests: string[] = [];
  if (!type.signed && length === 4 * words) tests.push(`a${words - 1}<0`);
  if (bound !== undefined) {
    // near the bound a double cannot tell: the general decoder can
    const limit = bound - bound / 2 ** 40;
    const sum = Array.from({ length: words }, (_, n) =>
      n === words - 1 ? `a${n}*${2 ** (32 * n)}` : `(a${n}>>>0)*${2 ** (32 * n)}`,
    );
    lines.push(`const m=${sum.join('+')};`);
    tests.push(`m>=${limit}`, `m<=-${limit}`);
  }
  const store = Array.from({ length: words }, (_, n) => `${w}[k${n === 0 ? '' : `+${n}`}]=a${n};`).join('');
  const guarded = tests.length > 0 ? `if(${tests.join('||')}){${other}}else{${store}}` : store;
  return `${lines.join('')}const k=r<<${words === 2 ? 1 : 2};${guarded}`;
}

/** The bits of the file are those of the column; only not-a-number and the infinities are for the general decoder. */
function ieeeCode(leaf: NumberLeaf, { words: w, other }: Names): string {
  const word = (n: number): string =>
    `(${at(leaf, n)}<<24|${at(leaf, n + 1)}<<16|${at(leaf, n + 2)}<<8|${at(leaf, n + 3)})`;
  if (leaf.type.usage === 'float')
    return `const v=${word(0)};if((v&0x7f800000)===0x7f800000){${other}}else ${w}[r]=v;`;
  return `const v=${word(0)};if((v&0x7ff00000)===0x7ff00000){${other}}else{${w}[r<<1]=${word(4)};${w}[(r<<1)+1]=v;}`;
}

/** Pairs of packed digits by byte, 65536 where one of them is none. */
export const PACKED_PAIRS = Int32Array.from({ length: 256 }, (_, byte) => {
  const [high, low] = [byte >> 4, byte & 15];
  return high > 9 || low > 9 ? 65_536 : 10 * high + low;
});

/** The last byte of a packed number: its digit, plus 256 for a negative sign, 65536 where it is not of the usual kind. */
export const PACKED_LAST = Int32Array.from({ length: 256 }, (_, byte) => {
  const [digit, sign] = [byte >> 4, byte & 15];
  if (digit > 9 || ![0xc, 0xd, 0xf].includes(sign)) return 65_536;
  return digit + (sign === 0xd ? 256 : 0);
});
