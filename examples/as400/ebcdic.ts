import { codePage } from '../../engines/copybook/pages/code-page.js';

/** Writes values as COBOL programs on an AS/400 store them. Numbers are the digits without their point. */
export function encoder(page: string) {
  const { table } = codePage(page);
  const bytes = new Map([...table].map((character, byte) => [character, byte]));
  const blank = bytes.get(' ') ?? 0x40;

  return {
    /** `PIC X(length)` */
    text: (value: string, length: number): Buffer =>
      Buffer.from(
        [...value.padEnd(length).slice(0, length)].map((character) => bytes.get(character) ?? blank),
      ),

    /** `PIC 9(digits)` */
    zoned: (value: number, digits: number): Buffer =>
      Buffer.from([...String(value).padStart(digits, '0')].map((digit) => 0xf0 | Number(digit))),

    /** `PIC 9(digits) COMP-3`, or `S9(digits)` when signed */
    packed: (value: number, digits: number, signed = false): Buffer => {
      const sign = !signed ? 'f' : value < 0 ? 'd' : 'c';
      const nibbles = `${String(Math.abs(value)).padStart(digits, '0')}${sign}`;
      return Buffer.from(nibbles.padStart(nibbles.length + (nibbles.length % 2), '0'), 'hex');
    },

    /** `COMP` of so many bytes, big endian */
    binary: (value: number, length: number): Buffer => {
      const buffer = Buffer.alloc(length);
      buffer.writeIntBE(value, 0, length);
      return buffer;
    },

    /** A record of variable length, its length (with its own four bytes) in front. */
    record: (...fields: Buffer[]): Buffer => {
      const body = Buffer.concat(fields);
      const head = Buffer.alloc(4);
      head.writeUInt16BE(body.length + 4, 0);
      return Buffer.concat([head, body]);
    },
  };
}
