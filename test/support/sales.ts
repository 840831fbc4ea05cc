/** A mainframe record with one field of each kind that goes wrong. */
export const SALE_COPYBOOK = `
       01  SALE.
           05  ID            PIC 9(5).
           05  CUSTOMER      PIC X(20).
           05  AMOUNT        PIC S9(5)V99 COMP-3.
           05  LINES         PIC 9(1).
`;
export const SALE_BYTES = 5 + 20 + 4 + 1;

/** Letters, digits and blanks in code page 037. */
const ebcdic = (text: string): Buffer =>
  Buffer.from(
    Array.from(text, (character) => {
      const index = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'.indexOf(character);
      if (index >= 0) return (index < 9 ? 0xc1 : index < 18 ? 0xd1 - 9 : 0xe2 - 18) + index;
      return character >= '0' && character <= '9' ? 0xf0 + Number(character) : 0x40;
    }),
  );

/** The four bytes of an amount, whose first are given in hex, right or wrong. */
export const packed = (start: string): Buffer => Buffer.from(start.padEnd(7, '0') + 'c', 'hex');

export const saleOf = (id: number, amount = packed(String(id).padStart(7, '0'))): Buffer =>
  Buffer.concat([
    ebcdic(String(id).padStart(5, '0')),
    ebcdic(`CUSTOMER ${id}`.padEnd(20)),
    amount,
    ebcdic('1'),
  ]);
