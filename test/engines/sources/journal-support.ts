import { encoder } from '../../../examples/as400/ebcdic.js';

const { text, zoned, packed } = encoder('cp037');

export const ITEM = `
       01  ITEM.
           05  CODE          PIC X(4).
           05  QTY           PIC S9(5)   COMP-3.
           05  SINCE         PIC S9(7)   COMP-3.
`;
const ITEM_BYTES = 4 + 3 + 4;

export const item = (code: string, quantity: number, since = 1_260_105): Buffer =>
  Buffer.concat([text(code, 4), packed(quantity, 5, true), packed(since, 7, true)]);

export interface Entry {
  type: string;
  sequence: number;
  image?: Buffer;
  code?: string;
  file?: string;
  /** yymmdd and hhmmss */
  date?: string;
  time?: number;
}

/** An entry in *TYPE1, as long as the record needs. */
export function entry({ type, sequence, image, code = 'R', file = 'ITEMS', ...at }: Entry): Buffer {
  const { date = '260105', time = 83_000 + 100 * Math.floor(sequence / 60) + (sequence % 60) } = at;
  return Buffer.concat([
    zoned(125 + ITEM_BYTES, 5),
    zoned(sequence, 10),
    text(code, 1),
    text(type, 2),
    text(date, 6),
    zoned(time, 6),
    text('QINTER', 10),
    text('STOCK', 10),
    zoned(123_456, 6),
    text('INV100', 10),
    text(file, 10),
    text('SHOP', 10),
    text(file, 10),
    zoned(sequence, 10),
    text('0', 1),
    zoned(0, 10),
    text('0', 1),
    text('0', 1),
    text('', 6),
    image ?? Buffer.alloc(ITEM_BYTES, 0x40),
  ]);
}
