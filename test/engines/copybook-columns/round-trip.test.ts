import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { columnarDecoder } from '../../../engines/copybook/columns/columnar-decoder.js';
import { compileCopybook } from '../../../engines/copybook/compile.js';
import { codePage } from '../../../engines/copybook/pages/code-page.js';
import { columnValue, rowValue } from './column-values.js';

type Usage = '' | 'COMP' | 'COMP-3' | 'COMP-3U' | 'COMP-9';
type Sign = 'none' | 'over' | 'leading' | 'trailing';

type Node =
  | { kind: 'number'; before: number; after: number; usage: Usage; sign: Sign; occurs: number }
  | { kind: 'text'; length: number; occurs: number }
  /** a text, and a group of two texts in its place */
  | { kind: 'halves'; length: number }
  /** an array that depends on a field before it */
  | { kind: 'counted'; max: number; element: Node }
  | { kind: 'group'; children: Node[]; occurs: number };

const occurs = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 3 }));
const number = fc
  .record({
    kind: fc.constant('number' as const),
    before: fc.integer({ min: 1, max: 20 }),
    after: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 18 })),
    usage: fc.constantFrom<Usage>('', 'COMP', 'COMP-3', 'COMP-3U', 'COMP-9'),
    sign: fc.constantFrom<Sign>('none', 'over', 'leading', 'trailing'),
    occurs,
  })
  .map((one): Node => {
    const separate = one.sign === 'leading' || one.sign === 'trailing';
    const sign = one.usage === 'COMP-3U' ? 'none' : one.usage !== '' && separate ? 'over' : one.sign;
    return { ...one, sign };
  });
const text = fc.record({
  kind: fc.constant('text' as const),
  length: fc.integer({ min: 1, max: 30 }),
  occurs,
});
const halves = fc.record({ kind: fc.constant('halves' as const), length: fc.integer({ min: 2, max: 20 }) });
const leaf: fc.Arbitrary<Node> = fc.oneof({ weight: 4, arbitrary: number }, text, halves);
const { node } = fc.letrec<{ node: Node }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.record({
      kind: fc.constant('counted' as const),
      max: fc.integer({ min: 1, max: 4 }),
      element: fc.oneof(number, text).map((one): Node => ({ ...one, occurs: 0 }) as Node),
    }),
    fc.record({
      kind: fc.constant('group' as const),
      children: fc.array(tie('node'), { minLength: 1, maxLength: 4 }),
      occurs,
    }),
  ),
}));
const layout = fc.array(node, { minLength: 1, maxLength: 8 });

/** Writes the copybook; names are numbered in the order of `encode`. */
function copybook(nodes: Node[]): string {
  let name = 0;
  const lines: string[] = ['       01  R.'];
  const write = (one: Node, level: number, times = ''): void => {
    const entry = (words: string): void => void lines.push(`           ${words}.`);
    const own = `${String(level).padStart(2, '0')} F${name++}`;
    const array = times || ('occurs' in one && one.occurs > 0 ? ` OCCURS ${one.occurs}` : '');
    if (one.kind === 'number') {
      const { before, after, usage, sign } = one;
      const place = sign === 'leading' || sign === 'trailing' ? ` SIGN ${sign} SEPARATE` : '';
      const picture = `${sign === 'none' ? '' : 'S'}9(${before})${after > 0 ? `V9(${after})` : ''}`;
      entry(`${own} PIC ${picture} ${usage}${place}${array}`);
    } else if (one.kind === 'text') entry(`${own} PIC X(${one.length})${array}`);
    else if (one.kind === 'halves') {
      const half = one.length >> 1;
      entry(`${own} PIC X(${one.length})`);
      entry(`${String(level).padStart(2, '0')} F${name++} REDEFINES ${own.slice(3)}`);
      entry(`${level + 1} F${name++} PIC X(${half})`);
      entry(`${level + 1} F${name++} PIC X(${one.length - half})`);
    } else if (one.kind === 'counted') {
      entry(`${own} PIC 9`);
      write(one.element, level, ` OCCURS 0 TO ${one.max} DEPENDING ON ${own.slice(3)}`);
    } else {
      entry(`${own}${array}`);
      for (const child of one.children) write(child, level + 5);
    }
  };
  for (const one of nodes) write(one, 5);
  return `${lines.join('\n')}\n`;
}

/** Values for a layout, and their bytes. */
class Encoder {
  constructor(
    private state: number,
    private readonly shift: boolean,
  ) {}

  record(nodes: Node[]): { bytes: Buffer; values: Record<string, unknown> } {
    const names = { next: 0 };
    return this.members(nodes, names);
  }

  private members(
    nodes: Node[],
    names: { next: number },
  ): { bytes: Buffer; values: Record<string, unknown> } {
    const parts: Buffer[] = [];
    const values: Record<string, unknown> = {};
    for (const one of nodes) {
      const name = `F${names.next++}`;
      if (one.kind === 'halves') {
        const { bytes, value } = this.text(one.length);
        const half = one.length >> 1;
        values[name] = value;
        const group = `F${names.next++}`;
        values[group] = {
          [`F${names.next++}`]: value.slice(0, half),
          [`F${names.next++}`]: value.slice(half),
        };
        parts.push(bytes);
      } else if (one.kind === 'counted') {
        const count = this.below(one.max + 1);
        const array = `F${names.next++}`;
        const elements = Array.from({ length: one.max }, () => this.single(one.element, names));
        values[name] = String(count);
        values[array] = elements.slice(0, count).map(({ value }) => value);
        parts.push(Buffer.from([0xf0 + count]));
        parts.push(...elements.slice(0, this.shift ? count : one.max).map(({ bytes }) => bytes));
      } else if (one.occurs > 0) {
        const start = names.next;
        const elements = Array.from({ length: one.occurs }, () => {
          names.next = start;
          return this.single(one, names);
        });
        values[name] = elements.map(({ value }) => value);
        parts.push(...elements.map(({ bytes }) => bytes));
      } else {
        const { bytes, value } = this.single(one, names);
        values[name] = value;
        parts.push(bytes);
      }
    }
    return { bytes: Buffer.concat(parts), values };
  }

  private single(one: Node, names: { next: number }): { bytes: Buffer; value: unknown } {
    if (one.kind === 'text') return this.text(one.length);
    if (one.kind === 'number') return this.number(one);
    if (one.kind !== 'group') throw new TypeError(one.kind);
    const { bytes, values } = this.members(one.children, names);
    return { bytes, value: values };
  }

  private text(length: number): { bytes: Buffer; value: string } {
    const { table } = codePage('cp273');
    const codes = Array.from({ length }, () => 0x41 + this.below(0xbe));
    return { bytes: Buffer.from(codes), value: codes.map((code) => table[code]).join('') };
  }

  private number({ before, after, usage, sign }: Node & { kind: 'number' }): {
    bytes: Buffer;
    value: string;
  } {
    const significant = this.below(before + after + 1);
    const digits = Array.from({ length: before + after }, (_, at) =>
      at < before + after - significant ? 0 : this.below(10),
    );
    const plain = digits.join('');
    const negative = sign !== 'none' && this.below(2) === 1 && BigInt(plain) !== 0n;
    const whole = plain.slice(0, before).replace(/^0+(?=.)/, '');
    const decimals = plain.slice(before).replace(/0+$/, '');
    const value = `${negative ? '-' : ''}${whole}${decimals === '' ? '' : `.${decimals}`}`;
    return { bytes: this.digits(plain, negative, usage, sign), value };
  }

  private digits(plain: string, negative: boolean, usage: Usage, sign: Sign): Buffer {
    if (usage === 'COMP-3U') return Buffer.from(plain.length % 2 ? `0${plain}` : plain, 'hex');
    if (usage === 'COMP-3') {
      const nibbles = plain + (sign === 'none' ? 'f' : negative ? 'd' : 'c');
      return Buffer.from(nibbles.length % 2 ? `0${nibbles}` : nibbles, 'hex');
    }
    if (usage === 'COMP' || usage === 'COMP-9') {
      const size = plain.length;
      const wide = Math.ceil((Math.log2(10) * size + 1) / 8);
      const little = usage === 'COMP-9';
      const length = little && size <= 2 ? 1 : size <= 4 ? 2 : size <= 9 ? 4 : size <= 18 ? 8 : wide;
      const number = BigInt.asUintN(length * 8, negative ? -BigInt(plain) : BigInt(plain));
      const bytes = Buffer.from(number.toString(16).padStart(length * 2, '0'), 'hex');
      return little ? bytes.reverse() : bytes;
    }
    const bytes = Buffer.from(Array.from(plain, (digit) => 0xf0 + Number(digit)));
    if (sign === 'over') bytes[bytes.length - 1] = (bytes.at(-1) as number) - (negative ? 0x20 : 0x30);
    const mark = Buffer.from([negative ? 0x60 : 0x4e]);
    if (sign === 'leading') return Buffer.concat([mark, bytes]);
    return sign === 'trailing' ? Buffer.concat([bytes, mark]) : bytes;
  }

  /** A whole number from 0 to below `bound`, the same for the same seed. */
  private below(bound: number): number {
    this.state = (Math.imul(this.state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.state / 2 ** 32) * bound);
  }
}

describe('what is written by a layout is read by it', () => {
  test.each(['false', 'true'])('by rows and by columns, variable_size_occurs %s', (shift) => {
    fc.assert(
      fc.property(layout, fc.integer({ min: 0 }), (nodes, seed) => {
        const compiled = compileCopybook({
          copybooks: [{ name: 'test.cpy', text: copybook(nodes) }],
          options: {
            ebcdic_code_page: 'cp273',
            string_trimming_policy: 'none',
            truncate_comments: 'false',
            variable_size_occurs: shift,
          },
        });
        const encoder = new Encoder(seed, shift === 'true');
        const records = Array.from({ length: 5 }, () => encoder.record(nodes));
        const decoder = columnarDecoder(compiled.layout, compiled.settings);
        const columns = 'because' in decoder ? undefined : decoder.columns;
        if (shift === 'false') expect(columns).toBeDefined();
        const ends = records.map((_, n) =>
          records.slice(0, n + 1).reduce((sum, { bytes }) => sum + bytes.length, 0),
        );
        if (!('because' in decoder)) {
          const { rows } = decoder.decode({
            bytes: Buffer.concat(records.map(({ bytes }) => bytes)),
            count: records.length,
            offsets: Int32Array.from(records, (_, n) => (n === 0 ? 0 : (ends[n - 1] as number))),
            ends: Int32Array.from(ends),
          });
          expect(rows).toBe(records.length);
        }
        records.forEach(({ bytes, values }, n) => {
          expect(plain(compiled.decode(bytes))).toEqual(values);
          for (const column of columns ?? []) {
            expect(columnValue(column, n)).toEqual(values[column.name]);
            expect(rowValue(compiled.decode(bytes)[column.name], column)).toEqual(values[column.name]);
          }
        });
      }),
      { numRuns: 80 },
    );
  });
});

/** Numbers of a row as canonical text. */
function plain(value: unknown): unknown {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null && !('text' in value))
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  const digits = String(value);
  const short = digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits;
  return short === '-0' ? '0' : short;
}
