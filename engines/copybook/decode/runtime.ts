import type { DateReader } from '../date-format.js';
import type { Decimal } from '../decimal.js';
import type { ExpressionValue } from '../expression.js';
import { binaryDecimal, binaryInteger } from '../numbers/binary.js';
import { displayDecimal, displayExplicit, displayInteger, displayText } from '../numbers/display.js';
import { float, shortestFloat32 } from '../numbers/float.js';
import { packedDecimal, packedInteger } from '../numbers/packed.js';
import { asciiText, ebcdicText, utf16Text } from '../text.js';

export type Value = string | number | Decimal | Uint8Array | null | Row | Value[];
/** One decoded record or group. */
export interface Row {
  [field: string]: Value;
}

/** What one elementary field, or an expression's variable, can be. */
export type FieldValue = string | number | Decimal | null;

export interface CorruptField {
  /** `FIELD`, or `FIELD[2]` inside an array */
  field: string;
  /** from the start of the record's bytes */
  offset: number;
  raw: Uint8Array;
}

/** One segment of a hierarchical record. */
export interface Segment {
  id: string;
  /** upper-case name of the group that is read for it */
  group: string;
  bytes: Uint8Array;
}

/** What one record's decoding keeps as it goes. */
export interface DecodeState {
  /** values of the fields that arrays depend on */
  counts: (number | string | null | undefined)[];
  /** upper-case name of the segment group that this record has; empty when it has none */
  segment: string;
  /** values of the fields that rules read */
  rules: ExpressionValue[];
  /** fields that held data and could not be decoded; undefined when nobody asks */
  corrupt: CorruptField[] | undefined;
  /** where the group that was read last ends, with variable arrays */
  at: number;
  /** segments of a hierarchical record, the root first */
  segments: Segment[];
  /** where the fields begin in each segment */
  start: number;
}

export type GroupDecoder = (
  b: Uint8Array,
  offset: number,
  end: number,
  state: DecodeState,
  index: number,
  parents: string[],
) => Row;

/** What generated code calls. */
export const RUNTIME = {
  ...{
    displayInteger,
    displayDecimal,
    displayExplicit,
    displayText,
    packedInteger,
    packedDecimal,
    binaryInteger,
    binaryDecimal,
  },
  ...{ float, shortestFloat32, ebcdicText, asciiText, utf16Text },
  bytes: (b: Uint8Array, from: number, to: number): Uint8Array => b.slice(from, to),
  hex: (b: Uint8Array, from: number, to: number): string =>
    Buffer.from(b.subarray(from, to)).toString('hex').toUpperCase(),
  verbatim: (b: Uint8Array, from: number, to: number): string =>
    Buffer.from(b.subarray(from, to)).toString('utf8'),
  /** digits of a number in UTF-16 as ASCII */
  narrow: (b: Uint8Array, from: number, to: number, littleEndian: boolean): Uint8Array =>
    Uint8Array.from(
      { length: (to - from) >> 1 },
      (_, index) => b[from + index * 2 + (littleEndian ? 0 : 1)] as number,
    ),
  narrowTo: (value: number | Decimal | null, digits: number): number | Decimal | null =>
    value !== null && String(value).replace('-', '').length > digits ? null : value,

  /** Undefined is what is declared to be none, so that {@link keep} does not take it for a fault. */
  dated: (value: string | number | Decimal | null, read: DateReader) => read(value),

  /** Elements that an array has in this record; its greatest number when the field says something impossible. */
  count(
    value: number | string | null | undefined,
    min: number,
    max: number,
    mapping?: Record<string, number>,
  ): number {
    if (value === undefined || value === null) return max;
    const count = typeof value === 'string' ? (mapping?.[value] ?? max) : Number(value);
    return count >= min && count <= max ? count : max;
  },

  /** Remembers a field that is null although its bytes are neither 0x00 nor blanks. */
  keep<T>(state: DecodeState, field: string, b: Uint8Array, from: number, to: number, value: T): T {
    if (value !== null || state.corrupt === undefined) return value;
    for (let at = from; at < to; at++) {
      if (b[at] !== 0 && b[at] !== 0x40) {
        state.corrupt.push({ field, offset: from, raw: b.slice(from, to) });
        break;
      }
    }
    return value;
  },

  /** The column `_corrupt_fields`. */
  corruptRows: ({ corrupt = [] }: DecodeState, asHex: boolean): Row[] =>
    corrupt.map(({ field, raw }) => ({
      field_name: field,
      raw_value: asHex ? Buffer.from(raw).toString('hex').toUpperCase() : raw,
    })),

  /** The child segments of a segment, up to the next one like it or above it. */
  children(
    read: GroupDecoder,
    group: string,
    offset: number,
    state: DecodeState,
    from: number,
    parents: string[],
  ): Row[] {
    const rows: Row[] = [];
    for (let index = from; index < state.segments.length; index++) {
      const segment = state.segments[index] as Segment;
      if (segment.group === group) {
        const inner = [segment.id, ...parents];
        rows.push(read(segment.bytes, state.start + offset, segment.bytes.length, state, index, inner));
      } else if (parents.includes(segment.id)) break;
    }
    return rows;
  },
};

export const newState = (): DecodeState => ({
  ...{ counts: [], segment: '', rules: [], corrupt: undefined, at: 0, segments: [], start: 0 },
});
