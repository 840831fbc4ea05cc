import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';

/** A field: its copybook clause, its bytes, and what to fill them with. */
interface Field {
  clause: string;
  bytes: number;
  fill:
    | 'text'
    | 'digits'
    | 'signed digits'
    | 'sign then digits'
    | 'digits then sign'
    | 'point'
    | 'packed'
    | 'binary'
    | 'float';
  /** digits, where they are not as many as the bytes */
  digits?: number;
}

const INTEGERS = [1, 2, 3, 4, 5, 8, 9, 10, 11, 17, 18, 19, 20, 37];
const DECIMALS: [number, number][] = [
  ...([[2, 1], [2, 2], [3, 2], [4, 4], [5, 4]] as [number, number][]),
  ...([[5, 5], [15, 2], [16, 2], [17, 2], [18, 10]] as [number, number][]),
]; // prettier-ignore

const binaryBytes = (digits: number): number =>
  digits <= 4 ? 2 : digits <= 9 ? 4 : digits <= 18 ? 8 : Math.ceil((Math.log2(10) * digits + 1) / 8);

/** 167 fields of 1,341 bytes: every kind of number in every size, some text, as in Cobrix's test of type variety. */
const FIELDS: Field[] = [
  { clause: 'PIC 9(7) COMP', bytes: 4, fill: 'binary', digits: 7 },
  { clause: 'PIC X(10)', bytes: 10, fill: 'text' },
  ...INTEGERS.map((n): Field => ({ clause: `PIC 9(${n})`, bytes: n, fill: 'digits' })),
  ...INTEGERS.slice(1).map((n): Field => ({ clause: `PIC S9(${n})`, bytes: n, fill: 'signed digits' })),
  ...DECIMALS.map(([a, b]): Field => ({ clause: `PIC 9(${a})V9(${b})`, bytes: a + b, fill: 'digits' })),
  ...DECIMALS.map(([a, b]): Field => ({
    clause: `PIC S9(${a})V9(${b})`,
    bytes: a + b,
    fill: 'signed digits',
  })),
  ...DECIMALS.slice(2, 6).map(([a, b]): Field => ({
    clause: `PIC 9(${a}).9(${b})`,
    bytes: a + b + 1,
    fill: 'point',
    digits: a,
  })),
  ...['9', 'S9'].flatMap((nine) =>
    INTEGERS.map((n): Field => ({
      clause: `PIC ${nine}(${n}) COMP`,
      bytes: binaryBytes(n),
      fill: 'binary',
      digits: n,
    })),
  ),
  ...['9', 'S9'].flatMap((nine) =>
    DECIMALS.map(([a, b]): Field => ({
      clause: `PIC ${nine}(${a})V9(${b}) COMP`,
      bytes: binaryBytes(a + b),
      fill: 'binary',
      digits: a + b,
    })),
  ),
  ...['9', 'S9'].flatMap((nine) =>
    INTEGERS.map((n): Field => ({
      clause: `PIC ${nine}(${n}) COMP-3`,
      bytes: (n >> 1) + 1,
      fill: 'packed',
      digits: n,
    })),
  ),
  ...['9', 'S9'].flatMap((nine) =>
    DECIMALS.map(([a, b]): Field => ({
      clause: `PIC ${nine}(${a})V9(${b}) COMP-3`,
      bytes: ((a + b) >> 1) + 1,
      fill: 'packed',
      digits: a + b,
    })),
  ),
  { clause: 'PIC S9(9) SIGN IS LEADING SEPARATE', bytes: 10, fill: 'sign then digits' },
  { clause: 'PIC S9(9) SIGN IS TRAILING SEPARATE', bytes: 10, fill: 'digits then sign' },
  { clause: 'COMP-1', bytes: 4, fill: 'float' },
  { clause: 'COMP-2', bytes: 8, fill: 'float' },
  { clause: 'PIC +9(8)', bytes: 9, fill: 'sign then digits' },
  { clause: 'PIC 9(8)-', bytes: 9, fill: 'digits then sign' },
  ...['PPP9(5)', '9(5)PPP'].map((nine): Field => ({
    clause: `PIC ${nine} COMP-3`,
    bytes: 3,
    fill: 'packed',
  })),
  ...['SPP9(5)', 'S9(5)PPP'].map((nine): Field => ({
    clause: `PIC ${nine} COMP-3`,
    bytes: 3,
    fill: 'packed',
  })),
  ...['SPPP9(5)', 'S9(5)PPP'].map((nine): Field => ({
    clause: `PIC ${nine}`,
    bytes: 5,
    fill: 'signed digits',
  })),
  { clause: 'PIC 9(8) COMP', bytes: 4, fill: 'binary', digits: 8 },
  { clause: 'PIC S9(4) COMP', bytes: 2, fill: 'binary', digits: 4 },
  ...[6, 7, 7, 10].map((n): Field => ({ clause: `PIC X(${n})`, bytes: n, fill: 'text' })),
];

export const RECORD_BYTES = 1_341;
export const COPYBOOK_OPTIONS = { record_format: 'F', floating_point_format: 'IEEE754' };

export const COPYBOOK = [
  '       01  RECORD.',
  ...FIELDS.map(({ clause }, n) => `           10  FIELD-${String(n + 1).padStart(3, '0')}  ${clause}.`),
  '',
].join('\n');

/** Writes records of random digits, no two alike, so that nothing is won by their being alike. */
export async function writeRecords(path: string, records: number): Promise<void> {
  const out = createWriteStream(path);
  const batch = 1_024;
  for (let done = 0; done < records; done += batch) {
    const count = Math.min(batch, records - done);
    const bytes = Buffer.alloc(count * RECORD_BYTES);
    for (let n = 0; n < count; n++) fillRecord(bytes, n * RECORD_BYTES);
    if (!out.write(bytes)) await new Promise((resolve) => void out.once('drain', () => resolve(undefined)));
  }
  out.end();
  await finished(out);
}

let state = 20_251_121;
function random(below: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
  return Math.floor(((state >>> 8) / 2 ** 24) * below);
}

function fillRecord(b: Buffer, start: number): void {
  let at = start;
  for (const { bytes, fill, digits = bytes } of FIELDS) {
    const to = at + bytes;
    switch (fill) {
      case 'text':
        b.fill(0x40, at, to);
        for (let n = at, end = at + 3 + random(bytes - 3); n < end; n++)
          b[n] = (n === at ? 0xc1 : 0x81) + random(9);
        break;
      case 'packed':
        for (let n = at; n < to; n++) b[n] = (random(10) << 4) | random(10);
        if (digits % 2 === 0) b[at] = (b[at] as number) & 0x0f;
        b[to - 1] = ((b[to - 1] as number) & 0xf0) | 0x0c;
        break;
      case 'binary':
        // a bit less than the digits allow
        for (let n = to - Math.max(1, Math.floor((digits * 3.32) / 8)); n < to; n++) b[n] = random(256);
        if (digits === 1) b[to - 1] = random(10);
        break;
      case 'float':
        b[at] = 0x40 | random(2);
        for (let n = at + 1; n < to; n++) b[n] = random(256);
        break;
      default:
        for (let n = at; n < to; n++) b[n] = 0xf0 + random(10);
        if (fill === 'point') b[at + digits] = 0x4b;
        if (fill === 'signed digits') b[to - 1] = (random(2) === 0 ? 0xc0 : 0xd0) + random(10);
        if (fill === 'sign then digits') b[at] = random(2) === 0 ? 0x4e : 0x60;
        if (fill === 'digits then sign') b[to - 1] = random(2) === 0 ? 0x4e : 0x60;
    }
    at = to;
  }
}
