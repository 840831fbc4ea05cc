import { describe, expect, test } from 'vitest';
import { compileCopybook } from '../../../engines/copybook/compile.js';
import { nodes } from '../../../engines/copybook/layout.js';
import type { MillraceError } from '../../../schemas/errors.js';

const compile = (text: string, options = {}) =>
  compileCopybook({ copybooks: [{ name: 'r.cpy', text }], options });
/** Lines from column 8, as copybooks have them. */
const book = (...lines: string[]): string => lines.map((line) => `       ${line}`).join('\n');
const places = (text: string, options = {}) =>
  Object.fromEntries(
    [...nodes(compile(text, options).layout.root)].map((node) => [node.name, [node.offset, node.length]]),
  );

function fault(run: () => unknown): MillraceError {
  try {
    run();
  } catch (error) {
    return error as MillraceError;
  }
  throw new Error('nothing was thrown');
}

describe('the language', () => {
  test('a field without a PIC is an error at its place, not a group of nothing', () => {
    const error = fault(() => compile(book('01 R.', ' 05 A PIC X.', ' 05 B.', ' 05 C PIC 9(3).')));
    expect(error).toMatchObject({ type: 'CopybookInvalid', where: { file: 'r.cpy', line: 3 } });
    expect(error.where.column).toBeGreaterThan(7);
    expect(error.message).toContain('B (level 5) has neither a PIC nor fields below it');
    const whole = book(
      '01 R.',
      ' 05 A COMP-1.',
      ' 05 G.',
      '  10 B PIC X.',
      '   88 YES VALUE "Y".',
      ' 66 Z RENAMES A.',
    );
    expect(places(whole)).toEqual({ R: [0, 5], A: [0, 4], G: [4, 1], B: [4, 1] });
  });

  test('a wrong value of an option is answered with the right ones', () => {
    const text = book('01 R.', ' 05 A PIC X.');
    expect(fault(() => compile(text, { record_format: 'VV' })).message).toContain(
      '"VV" must be one of F, FB, V, VB, D, D2, T',
    );
    expect(fault(() => compile(text, { variable_size_occurs: 'yes' })).message).toContain(
      'must be one of true, false, pad_record, shift_record, max_size',
    );
  });

  test('columns of sequence numbers and remarks are no text', () => {
    const text =
      '000100 01 R.                                                              REMARK\n000200*    a comment\n000300    05 A PIC X(2). * and another\n';
    expect(places(text)).toEqual({ R: [0, 2], A: [0, 2] });
  });

  test('without truncation all columns count', () => {
    expect(places('01 R.\n05 A PIC X(2).', { truncate_comments: false })).toEqual({ R: [0, 2], A: [0, 2] });
  });

  test('an entry may go on over several lines, a word or literal by a hyphen in column 7', () => {
    const text =
      "       01 R.\n          05 A PIC X(3) VALUE 'AB\n      -    'C'.\n          05 LONG-NA\n      -    ME\n          PIC 9(2)\n          COMP-3.";
    expect(places(text)).toEqual({ R: [0, 5], A: [0, 3], LONG_NAME: [3, 2] });
  });

  test('conditions, constants, renames, values and clauses that move nothing are read over', () => {
    const text = book(
      '01 R.',
      ' 05 A PIC X VALUE SPACE.',
      "    88 IS-A VALUE 'A' 'B' THRU 'D'.",
      "    88 IS-B VALUES ARE 'X', 'Y'.",
      ' 78 FOUR VALUE 4.',
      ' 05 B PIC X(4) JUSTIFIED RIGHT.',
      ' 05 C PIC 9(3) BLANK WHEN ZERO.',
      ' 66 AB RENAMES A THRU B.',
    );
    expect(places(text)).toEqual({ R: [0, 8], A: [0, 1], B: [1, 4], C: [5, 3] });
  });

  test.each([
    ['X(3)', 3],
    ['A(2)X', 3],
    ['9(5)', 5],
    ['S9(5)', 5],
    ['S9(3)V99', 5],
    ['9(3).99', 6],
    ['Z(4)9', 5],
    ['+9(3)', 4],
    ['9(3)-', 4],
    ['PPP9(3)', 3],
    ['9(3)PPP', 3],
    ['SVP9(3)', 3],
    ['N(3)', 6],
    ['ZZZ,ZZ9.99CR', 12],
    ['$$$,$$9.99', 10],
    ['***,**9.99', 10],
    ['X(3)BX', 5],
  ])('a picture %s takes %i bytes', (picture, length) => {
    expect(compile(book(`01 R.`, ` 05 A PIC ${picture}.`)).layout.recordLength).toBe(length);
  });

  test.each([
    ['PIC 9(1) COMP', 2],
    ['PIC 9(4) BINARY', 2],
    ['PIC 9(5) COMP-4', 4],
    ['PIC S9(9) COMP-5', 4],
    ['PIC 9(10) COMP', 8],
    ['PIC 9(18) COMP', 8],
    ['PIC 9(19) COMP', 9],
    ['PIC S9(37) COMP', 16],
    ['PIC 9(2) COMP-9', 1],
    ['PIC 9(3) COMP-9', 2],
    ['PIC 9(4) COMP-3', 3],
    ['PIC 9(5) PACKED-DECIMAL', 3],
    ['PIC 9(4) COMP-3U', 2],
    ['PIC 9(5) COMP-3U', 3],
    ['COMP-1', 4],
    ['USAGE IS COMP-2', 8],
    ['INDEX', 4],
    ['POINTER', 4],
    ['PIC S9(4) SIGN IS LEADING SEPARATE CHARACTER', 5],
    ['PIC S9(4) TRAILING', 4],
    ['PIC X(4) COMP', 4],
  ])('%s takes %i bytes', (clauses, length) => {
    expect(compile(book(`01 R.`, ` 05 A ${clauses}.`)).layout.recordLength).toBe(length);
  });

  test('a group gives its usage to its fields', () => {
    expect(places(book('01 R.', ' 05 G COMP-3.', '  10 A PIC 9(5).', '  10 B PIC 9(3).'))).toMatchObject({
      A: [0, 3],
      B: [3, 2],
    });
  });

  test('COPY puts another copybook in its place, with names replaced', () => {
    const { layout } = compileCopybook({
      copybooks: [
        {
          name: 'in/order.cpy',
          text: book(
            '01 ORDER.',
            ' 05 ID PIC 9(4).',
            ' COPY ADDRESS REPLACING ==:TAG:== BY ==SHIP==.',
            ' 05 LAST PIC X.',
          ),
        },
        { name: 'in/address.cpy', text: book(' 05 :TAG:-CITY PIC X(10).') },
      ],
    });
    expect([...nodes(layout.root)].map(({ name, offset }) => [name, offset])).toEqual([
      ['ORDER', 0],
      ['ID', 0],
      ['SHIP_CITY', 4],
      ['LAST', 14],
    ]);
  });
});

describe('what is wrong is said with file, line, column and what was expected', () => {
  test.each([
    [
      'a picture',
      book('01 R.', ' 05 A PIC X(3.'),
      2,
      19,
      "'(3' was found in the picture",
      'Expected one of 9 X A',
    ],
    ['a clause', book('01 R.', ' 05 A PICC X.'), 2, 14, "'PICC' was found", "Did you mean 'PIC'?"],
    [
      'a missing full stop',
      book('01 R.', ' 05 A PIC X', ' 05 B PIC X.'),
      3,
      9,
      "'05' was found",
      'a full stop',
    ],
    ['the end', book('01 R.', ' 05 A PIC X'), 2, 18, 'ends in the middle', 'Expected a full stop'],
    ['a level', book('01 R.', ' 51 A PIC X.'), 2, 9, "'51' was found", 'a level from 01 to 49'],
    [
      'a part of a field',
      book('01 R.', ' 05 A PIC X.', '  10 B PIC X.'),
      3,
      13,
      'has no parts',
      'Expected level 5',
    ],
    [
      'what is redefined',
      book('01 R.', ' 05 A PIC X.', ' 05 B PIC X.', ' 05 C REDEFINES A PIC X.'),
      4,
      12,
      'C redefines A',
      'Expected REDEFINES B',
    ],
    [
      'what an array depends on',
      book('01 R.', ' 05 CNT PIC 9.', ' 05 A PIC X OCCURS 0 TO 5 DEPENDING ON CNR.'),
      3,
      12,
      'depends on CNR',
      "Did you mean 'CNT'?",
    ],
    ['an open literal', book('01 R.', " 05 A PIC X VALUE 'A."), 2, 26, 'not closed', "Close it with '"],
    ['a COPY', book('01 R.', ' COPY NOWHERE.'), 2, 14, 'COPY names', 'Give its file too'],
    ['digits', book('01 R.', ' 05 A PIC 9(39).'), 2, 12, '39 digits', 'PIC X keeps them'],
    [
      'a sign in a packed number',
      book('01 R.', ' 05 A PIC S9(3) COMP-3 SIGN LEADING SEPARATE.'),
      2,
      12,
      'A is packed',
      'USAGE DISPLAY',
    ],
  ])('%s', (_, text, line, column, what, fix) => {
    const error = fault(() => compile(text));
    expect(error.type).toBe('CopybookInvalid');
    expect(error.where).toEqual({ file: 'r.cpy', line, column });
    expect(error.what).toContain(what);
    expect(error.fix).toContain(fix);
  });
});

describe('the layout', () => {
  test('fields that redefine each other share the space of the greatest', () => {
    const text = book(
      '01 R.',
      ' 05 A PIC X(2).',
      ' 05 B REDEFINES A.',
      '  10 C PIC X(4).',
      ' 05 D REDEFINES A PIC X.',
      ' 05 E PIC X.',
    );
    expect(places(text)).toMatchObject({ A: [0, 2], B: [0, 4], C: [0, 4], D: [0, 1], E: [4, 1] });
  });

  test('arrays take their greatest size, also inside each other', () => {
    const text = book(
      '01 R.',
      ' 05 N PIC 9.',
      ' 05 G OCCURS 0 TO 3 DEPENDING ON N.',
      '  10 M PIC 9.',
      '  10 A PIC X(2) OCCURS 4.',
      ' 05 Z PIC X.',
    );
    expect(places(text)).toMatchObject({ G: [1, 9], M: [1, 1], A: [2, 2], Z: [28, 1] });
  });

  test('SYNCHRONIZED numbers begin where the machine wants them', () => {
    const text = book(
      '01 R.',
      ' 05 A PIC X.',
      ' 05 B PIC S9(4) COMP SYNC.',
      ' 05 C PIC X.',
      ' 05 D PIC S9(9) COMP SYNC.',
      ' 05 E PIC X.',
      ' 05 F COMP-2 SYNC.',
    );
    expect(places(text)).toMatchObject({ B: [2, 2], C: [4, 1], D: [8, 4], E: [12, 1], F: [16, 8] });
  });

  test('several copybooks describe the same bytes', () => {
    const copybooks = [
      { name: 'a', text: book('01 A.', ' 05 X PIC X(2).') },
      { name: 'b', text: book('01 B.', ' 05 Y PIC X(3).') },
    ];
    const { layout } = compileCopybook({ copybooks });
    expect(layout.recordLength).toBe(3);
    expect(layout.root.children.map(({ offset }) => offset)).toEqual([0, 0]);
  });

  test('FILLERs that are kept get names', () => {
    const text = book(
      '01 R.',
      ' 05 A PIC X.',
      ' 05 FILLER PIC X.',
      ' 05 FILLER.',
      '  10 B PIC X.',
      '  10 FILLER PIC X.',
    );
    const names = (options: Record<string, string>) => compile(text, options).columns;
    expect(names({}).map(({ name }) => name)).toEqual(['A', 'FILLER_1']);
    expect(names({ drop_value_fillers: 'false' }).map(({ name }) => name)).toEqual([
      'A',
      'FILLER_P1',
      'FILLER_1',
    ]);
    expect(names({ drop_group_fillers: 'true' }).map(({ name }) => name)).toEqual(['A']);
    expect(
      names({ drop_value_fillers: 'false', filler_naming_policy: 'previous_field_name' }).map(
        ({ name }) => name,
      ),
    ).toEqual(['A', 'FILLER_AFTER_A', 'FILLER_AFTER_FILLER_AFTER_A']);
  });

  test('an option that does not exist is named, with the one that was probably meant', () => {
    const error = fault(() =>
      compile(book('01 R.', ' 05 A PIC X.'), { pedantic: 'true', record_fromat: 'F' }),
    );
    expect(error.message).toContain('record_fromat: there is no such option');
    expect(error.message).toContain("Did you mean 'record_format'?");
    expect(compile(book('01 R.', ' 05 A PIC X.'), { record_fromat: 'F' }).settings.unknown).toEqual([
      'record_fromat',
    ]);
  });
});
