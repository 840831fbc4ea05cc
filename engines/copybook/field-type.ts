import type { FieldType, NumberType, NumberUsage, TextEncoding } from './layout.js';
import type { Entry, Usage } from './parse/entries.js';
import { copybookInvalid } from './parse/tokens.js';

/** Longest numbers that keep every digit downstream: DECIMAL(38). */
const MAX_DIGITS = 38;

export interface TypedLength {
  type: FieldType;
  /** bytes */
  length: number;
  /** SYNCHRONIZED places the field at a multiple of this; 1 = anywhere */
  alignment: number;
}

export interface Charsets {
  encoding: 'ebcdic' | 'ascii';
  utf16: Extract<TextEncoding, 'utf16be' | 'utf16le'>;
}

const BINARY: Usage[] = ['binary', 'native-binary', 'little-endian-binary'];

/** Whether an entry holds data itself, rather than other entries. */
export const isField = ({ picture, usage }: Entry): boolean =>
  picture !== undefined ||
  (usage !== undefined && ['float', 'double', 'index', 'pointer', 'function-pointer'].includes(usage));

/**
 * The type and length of an elementary entry from its picture, usage and sign.
 * @param inherited usage of the group it is in
 * @throws MillraceError CopybookInvalid where the clauses contradict each other
 */
export function fieldType(entry: Entry, inherited: Usage | undefined, charsets: Charsets): TypedLength {
  const usage = entry.usage ?? inherited ?? 'display';
  const { picture } = entry;
  if (usage === 'float') return { type: numberOf('float', { digits: 7 }), length: 4, alignment: 4 };
  if (usage === 'double') return { type: numberOf('double', { digits: 16 }), length: 8, alignment: 8 };
  if (usage === 'index')
    return { type: numberOf('binary', { digits: 9, signed: true }), length: 4, alignment: 4 };
  if (usage === 'pointer') return { type: { kind: 'bytes' }, length: 4, alignment: 4 };
  if (usage === 'function-pointer') return { type: { kind: 'bytes' }, length: 8, alignment: 8 };
  if (picture === undefined) throw copybookInvalid(entry, `${entry.name} has no picture`, 'Expected PIC');
  if (picture.kind === 'national' || (picture.kind === 'text' && usage === 'national')) {
    return { type: { kind: 'text', encoding: charsets.utf16 }, length: picture.characters * 2, alignment: 1 };
  }
  if (picture.kind === 'text') {
    const length = picture.characters;
    if (usage === 'unsigned-packed')
      return { type: numberOf(usage, { digits: length * 2 }), length, alignment: 1 };
    if (usage === 'packed')
      return { type: numberOf(usage, { digits: length * 2 - 1, signed: true }), length, alignment: 1 };
    const type: FieldType = BINARY.includes(usage)
      ? { kind: 'bytes' }
      : { kind: 'text', encoding: charsets.encoding };
    return { type, length, alignment: 1 };
  }
  const separate = picture.separateSign ?? (entry.sign?.separate ? entry.sign.position : undefined);
  if (picture.separateSign && entry.sign) {
    throw copybookInvalid(
      entry,
      `${entry.name} has a sign in its picture and a SIGN clause`,
      'Expected one of the two',
    );
  }
  if (picture.digits > MAX_DIGITS) {
    throw copybookInvalid(
      entry,
      `${entry.name} has ${picture.digits} digits`,
      `At most ${MAX_DIGITS} are supported; PIC X keeps them as text`,
    );
  }
  const compact = usage !== 'display' && usage !== 'national';
  if (compact && (separate !== undefined || picture.explicitPoint || picture.edited)) {
    throw copybookInvalid(
      entry,
      `${entry.name} is ${usage} and has a character for its sign, point or editing`,
      'Expected USAGE DISPLAY, or a picture of S, 9, V and P',
    );
  }
  const kind: NumberUsage =
    usage === 'national'
      ? 'national'
      : usage === 'packed' || usage === 'unsigned-packed'
        ? usage
        : compact
          ? 'binary'
          : 'display';
  const type = numberOf(kind, {
    ...picture,
    signed: picture.signed || entry.sign !== undefined,
    signPosition: separate ?? entry.sign?.position ?? 'trailing',
    separateSign: separate !== undefined,
    littleEndian: usage === 'little-endian-binary',
  });
  const characters = picture.characters + (separate !== undefined && !picture.separateSign ? 1 : 0);
  const length = kind === 'national' ? characters * 2 : kind === 'display' ? characters : compactLength(type);
  return { type, length, alignment: kind === 'binary' ? (length >= 4 ? 4 : length === 2 ? 2 : 1) : 1 };
}

function numberOf(usage: NumberUsage, given: Partial<NumberType>): NumberType {
  return {
    kind: 'number',
    usage,
    digits: given.digits ?? 0,
    scale: given.scale ?? 0,
    scaleFactor: given.scaleFactor ?? 0,
    signed: given.signed ?? false,
    signPosition: given.signPosition ?? 'trailing',
    separateSign: given.separateSign ?? false,
    explicitPoint: given.explicitPoint ?? false,
    edited: given.edited ?? false,
    littleEndian: given.littleEndian ?? false,
  };
}

/** Bytes of packed and binary numbers; beyond 18 digits as many as the greatest value needs. */
function compactLength({ usage, digits, littleEndian }: NumberType): number {
  if (usage === 'packed') return Math.floor(digits / 2) + 1;
  if (usage === 'unsigned-packed') return Math.ceil(digits / 2);
  if (littleEndian && digits <= 2) return 1;
  if (digits <= 4) return 2;
  if (digits <= 9) return 4;
  if (digits <= 18) return 8;
  return Math.ceil((Math.log2(10) * digits + 1) / 8);
}
