import type { Column } from '../../../engines/copybook/columns/column.js';
import { Decimal } from '../../../engines/copybook/decimal.js';

/** A value of a column as text of its digits, text, hex of its bytes, object, array or null. */
export function columnValue(column: Column, row: number): unknown {
  if (column.isNull(row)) return null;
  const view = new DataView(column.data);
  const { type } = column;
  switch (column.storage) {
    case 'int16':
      return decimalText(BigInt(view.getInt16(2 * row, true)), type);
    case 'int32':
      return decimalText(BigInt(view.getInt32(4 * row, true)), type);
    case 'int64':
      return decimalText(view.getBigInt64(8 * row, true), type);
    case 'int128':
      return decimalText(
        (view.getBigInt64(16 * row + 8, true) << 64n) | view.getBigUint64(16 * row, true),
        type,
      );
    case 'float32':
      return view.getFloat32(4 * row, true);
    case 'float64':
      return view.getFloat64(8 * row, true);
    case 'text':
      return Buffer.from(stringBytes(column, row)).toString();
    case 'bytes':
      return Buffer.from(stringBytes(column, row)).toString('hex');
    case 'struct':
      return Object.fromEntries(column.children.map((child) => [child.name, columnValue(child, row)]));
    case 'list': {
      const [from, count] = [column.words[4 * row] as number, column.words[4 * row + 2] as number];
      const child = column.children[0] as Column;
      return Array.from({ length: count }, (_, n) => columnValue(child, from + n));
    }
  }
}

/** A value of a row object in the same form, for a column of that type. */
export function rowValue(value: unknown, column: Column): unknown {
  const { type } = column;
  if (value === null || value === undefined) return null;
  if (type.kind === 'struct') {
    const object = value as Record<string, unknown>;
    return Object.fromEntries(
      column.children.map((child) => [child.name, rowValue(object[child.name], child)]),
    );
  }
  if (type.kind === 'list')
    return (value as unknown[]).map((item) => rowValue(item, column.children[0] as Column));
  if (type.kind === 'bytes') return Buffer.from(value as Uint8Array).toString('hex');
  if (type.kind === 'text')
    return value instanceof Decimal ? value.text : Buffer.from(value as string).toString();
  if (type.kind === 'float32') return Math.fround(Number(value));
  if (type.kind === 'float64') return Number(value);
  return value instanceof Decimal ? canonical(value.text) : canonical(String(Number(value)));
}

function decimalText(value: bigint, type: Column['type']): string {
  const scale = type.kind === 'decimal' ? type.scale : 0;
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  return canonical(`${value < 0n ? '-' : ''}${whole}${scale > 0 ? `.${digits.slice(-scale)}` : ''}`);
}

const canonical = (text: string): string => {
  const plain = text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  return plain === '-0' ? '0' : plain;
};

function stringBytes({ words, bytes, heap }: Column, row: number): Uint8Array {
  const length = words[4 * row] as number;
  const from = words[4 * row + 2] as number;
  return length <= 12
    ? bytes.subarray(16 * row + 4, 16 * row + 4 + length)
    : heap.subarray(from, from + length);
}
