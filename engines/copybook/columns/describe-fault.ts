import type { Field } from '../layout.js';
import { codePage } from '../pages/code-page.js';

/**
 * What is wrong with the bytes of a number, for people.
 * @returns the words, without the place, and the offending byte's place in the field
 */
export function describeFault(
  field: Field,
  bytes: Uint8Array,
  from: number,
  ascii: boolean,
): { what: string; place: number } {
  const { type, length, date } = field;
  const formats = date ? ` (${date.formats.join(' or ')})` : '';
  const usage = type.kind === 'number' ? type.usage : undefined;
  const hex = (byte: number | undefined): string => `0x${(byte ?? 0).toString(16).padStart(2, '0')}`;
  const value = (): string => hexOf(bytes.subarray(from, from + Math.min(length, 20)));
  if (usage === 'packed' || usage === 'unsigned-packed') {
    for (let place = 0; place < length; place++) {
      const byte = bytes[from + place] as number;
      const last = usage === 'packed' && place === length - 1;
      if (byte >> 4 > 9 || (!last && (byte & 15) > 9))
        return { what: `bad packed digit ${hex(byte)}`, place };
      if (last && (byte & 15) <= 9) return { what: `bad packed sign ${hex(byte)}`, place };
    }
    if (date)
      return {
        what: `${hexOf(bytes.subarray(from, from + length)).slice(2, -1)} is no date${formats}`,
        place: 0,
      };
    return { what: `bad packed number ${value()}`, place: 0 };
  }
  if (usage === 'display') {
    for (let place = 0; place < length; place++) {
      const byte = bytes[from + place] as number;
      const plain = ascii ? byte >= 0x20 && byte <= 0x39 : byte >= 0xf0 && byte <= 0xf9;
      const blank = byte === 0x40 || (ascii && byte === 0x20) || byte === 0;
      if (!plain && !blank) return { what: `bad digit ${hex(byte)}`, place };
    }
    if (!date) return { what: `no number: ${value()}`, place: 0 };
  }
  if (date)
    return { what: `'${textOf(bytes.subarray(from, from + length), ascii)}' is no date${formats}`, place: 0 };
  return { what: `no ${usage ?? type.kind} number: ${value()}`, place: 0 };
}

/** Characters that all code pages share are enough for dates. */
const textOf = (bytes: Uint8Array, ascii: boolean): string =>
  ascii
    ? Buffer.from(bytes).toString('latin1')
    : Array.from(bytes, (byte) => codePage('common').table[byte]).join('');

const hexOf = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString('hex')}`;
