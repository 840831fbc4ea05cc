import { MillraceError } from '../../../schemas/errors.js';
import type { Batch, CursorValue } from '../../../schemas/lake.js';
import { sha256 } from '../../lake/content.js';
import { isNumber, jsonLine, textOf, valueAt } from './json.js';

/** Where a stream is: the greatest value that is in, and the rows that have it. */
export interface CursorState {
  /** null before the first load */
  value: CursorValue;
  ties: string[];
}

/** More rows of one value are no cursor: the next load would have to remember them all. */
const MOST_TIES = 10_000;

export function cursorOf(batches: Batch[]): CursorState {
  const last = batches.findLast(({ cursor }) => cursor !== undefined)?.cursor;
  return { value: last?.to ?? null, ties: last?.ties ?? [] };
}

/**
 * Leaves out what a former load brought: an API gives the rows at `since` again, or more. Texts of digits and numbers
 * are compared as numbers, ISO times as times, other texts by their characters.
 */
export class CursorFilter {
  /** rows that were in already */
  dropped = 0;
  private withValue = 0;
  private rows = 0;
  private to: unknown;
  private ties: string[];
  private readonly known: ReadonlySet<string>;

  constructor(
    private readonly field: string,
    private readonly from: CursorState,
  ) {
    this.to = from.value ?? undefined;
    this.ties = [...from.ties];
    this.known = new Set(from.ties);
  }

  /** @returns whether the record is new. @throws MillraceError FormatMismatch for values that have no order */
  takes(record: Record<string, unknown>): boolean {
    this.rows++;
    const value = valueAt(record, this.field);
    // a row without a value is new each time that it comes: leaving it out would lose it
    if (value === undefined || value === null) return true;
    if (textOf(value) === undefined) throw this.wrong('is no number or text');
    this.withValue++;
    const print = sha256(jsonLine(record)).slice(0, 16);
    const { value: from } = this.from;
    const behind = from === null ? 1 : this.compare(value, from);
    if (behind < 0 || (behind === 0 && this.known.has(print))) {
      this.dropped++;
      return false;
    }
    const ahead = this.to === undefined ? 1 : this.compare(value, this.to);
    if (ahead > 0) [this.to, this.ties] = [value, []];
    if (ahead >= 0) this.ties.push(print);
    if (this.ties.length > MOST_TIES) {
      throw this.wrong(
        `has the same value in more than ${MOST_TIES} rows`,
        'Choose a finer field, such as a time with seconds',
      );
    }
    return true;
  }

  /** Where the stream is after this load. @throws MillraceError FormatMismatch when no record had the field */
  get reached(): CursorState {
    if (this.rows > 0 && this.withValue === 0) throw this.wrong('is in no record');
    const { to } = this;
    const value = to === undefined ? null : typeof to === 'number' ? to : (textOf(to) ?? null);
    return { value, ties: this.ties };
  }

  private compare(a: unknown, b: unknown): number {
    const [left, right] = [orderable(a), orderable(b)];
    if (left.kind !== right.kind) throw this.wrong('is a number in one record and a text in another');
    if (left.kind === 'integer' && right.kind === 'integer') return sign(left.value, right.value);
    return sign(left.key, right.key) || sign(left.text, right.text);
  }

  private wrong(what: string, fix = 'Check cursor.field against a record of the API'): MillraceError {
    return new MillraceError('FormatMismatch', { what: `The cursor field '${this.field}' ${what}`, fix });
  }
}

type Orderable =
  | { kind: 'integer'; value: bigint; key: number; text: string }
  | { kind: 'number' | 'text'; key: number; text: string };

const TIME = /^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?)(?:[.,](\d+))?(Z|[+-]\d\d:?\d\d)?$/i;

/** Integers of any length are compared exactly; of other numbers and of times beyond the second, the digits. */
function orderable(value: unknown): Orderable {
  const text = textOf(value) ?? '';
  if (/^[+-]?\d+$/.test(text)) return { kind: 'integer', value: BigInt(text), key: 0, text };
  if (isNumber(value)) return { kind: 'number', key: Number(text), text };
  const [, second = '', fraction = '', zone = 'Z'] = TIME.exec(text) ?? [];
  const seconds = Date.parse(`${second.replace(' ', 'T')}${zone.toUpperCase()}`);
  // equal instants in two zones are one value
  if (!Number.isNaN(seconds)) return { kind: 'text', key: seconds, text: fraction.replace(/0+$/, '') };
  return { kind: 'text', key: 0, text };
}

const sign = <T>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);
