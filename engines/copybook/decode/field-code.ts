import { dateReader, type DateRule } from '../date-format.js';
import type { Precision } from '../decimal.js';
import type { Field, NumberType } from '../layout.js';
import type { DisplayFormat } from '../numbers/display.js';
import { asciiCharset } from '../pages/ascii.js';
import { codePage } from '../pages/code-page.js';
import { isWhole, precisionOf } from '../schema.js';
import type { CopybookSettings } from '../settings.js';

/** Writes the expression that decodes one field, and keeps the constants that it names. */
export class FieldCode {
  private readonly values: unknown[] = [];
  private readonly keys = new Map<string, string>();

  constructor(private readonly settings: CopybookSettings) {}

  /** The constants by name, for the scope of the generated code. */
  constants(): Record<string, unknown> {
    return Object.fromEntries(this.values.map((value, index) => [`k${index}`, value]));
  }

  /**
   * @param at expression of the field's first byte; `b` holds the bytes, `end` is behind the last one
   * @param name under which a value that cannot be decoded is remembered; undefined: it is not
   * @param element variable with the index in an array
   */
  value(field: Field, at: string, name?: string, element?: string): string {
    const { type, length } = field;
    const number = type.kind === 'number';
    const to = number ? `${at} + ${length}` : `Math.min(${at} + ${length}, end)`;
    const plain = number ? this.number(type, at, to) : this.text(field, at, to);
    const read = field.date ? `dated(${plain}, ${this.date(field.date)})` : plain;
    const label =
      name === undefined
        ? ''
        : element === undefined
          ? JSON.stringify(name)
          : `${JSON.stringify(`${name}[`)} + ${element} + ']'`;
    const kept =
      label !== '' && (number || type.kind === 'text') ? `keep(s, ${label}, b, ${at}, ${to}, ${read})` : read;
    // a short record has texts that are cut off, and no numbers that are
    return number ? `(${to} <= end ? ${kept} : null)` : `(${at} <= end ? ${kept} : null)`;
  }

  private date(rule: DateRule): string {
    return this.constant(`date ${JSON.stringify(rule)}`, () => dateReader(rule));
  }

  private text({ type }: Field, at: string, to: string): string {
    const { string_trimming_policy: trimming, improved_null_detection: nulls, binary_as_hex } = this.settings;
    const rest = `${JSON.stringify(trimming)}, ${nulls}`;
    if (type.kind === 'hex' || type.kind === 'verbatim') return `${type.kind}(b, ${at}, ${to})`;
    if (type.kind !== 'text') return `${binary_as_hex ? 'hex' : 'bytes'}(b, ${at}, ${to})`;
    if (type.encoding === 'utf16be' || type.encoding === 'utf16le')
      return `utf16Text(b, ${at}, ${to}, ${type.encoding === 'utf16le'}, ${rest})`;
    return this.characters(type.encoding, type.codePage, at, to);
  }

  private characters(
    encoding: 'ascii' | 'ebcdic',
    codePageName: string | undefined,
    at: string,
    to: string,
  ): string {
    const { string_trimming_policy: trimming, improved_null_detection: nulls } = this.settings;
    const rest = `${JSON.stringify(trimming)}, ${nulls}`;
    if (encoding === 'ascii') {
      const name = codePageName ?? this.settings.ascii_charset;
      return `asciiText(b, ${at}, ${to}, ${this.constant(`charset ${name}`, () => asciiCharset(name))}, ${rest})`;
    }
    const page = codePageName ?? this.settings.ebcdic_code_page;
    return `ebcdicText(b, ${at}, ${to}, ${this.constant(`page ${page}`, () => codePage(page).table)}, ${rest})`;
  }

  private number(type: NumberType, at: string, to: string): string {
    const { usage, digits, signed, littleEndian, scale, scaleFactor } = type;
    const whole = isWhole(type);
    const exponent = scaleFactor === 0 ? scale : scaleFactor > 0 ? -scaleFactor : digits - scaleFactor;
    const column = precisionOf(type);
    const place = `b, ${at}, ${to}`;
    const strict = (code: string): string =>
      whole && this.settings.strict_integral_precision ? `narrowTo(${code}, ${digits})` : code;
    const float = `float(${place}, ${JSON.stringify(this.settings.floating_point_format)})`;
    if (usage === 'double') return float;
    if (usage === 'float') return `shortestFloat32(${float})`;
    if (usage === 'packed' || usage === 'unsigned-packed') {
      const nibble = usage === 'packed';
      return whole
        ? strict(`packedInteger(${place}, ${nibble}, ${digits})`)
        : `packedDecimal(${place}, ${nibble}, ${exponent}, ${this.precision(column)})`;
    }
    if (usage === 'binary') {
      const form = `${place}, ${signed}, ${littleEndian}`;
      return whole
        ? strict(`binaryInteger(${form}, ${digits})`)
        : `binaryDecimal(${form}, ${exponent}, ${this.precision(column)})`;
    }
    const national = usage === 'national';
    const format = this.format(type, national);
    const source = national
      ? `narrow(${place}, ${!this.settings.is_utf16_big_endian}), 0, ${`(${to} - (${at})) / 2`}`
      : place;
    if (type.explicitPoint) return `displayExplicit(${source}, ${format}, ${this.precision(column)})`;
    if (!whole) return `displayDecimal(${source}, ${format}, ${exponent}, ${this.precision(column)})`;
    if (this.settings.display_pic_always_string && !national) return this.digits(type, at, to, format);
    return strict(`displayInteger(${source}, ${format}, ${digits})`);
  }

  /** A whole number as the text that it is in the file, zeros and all. */
  private digits(type: NumberType, at: string, to: string, format: string): string {
    if (type.signed) return `displayText(b, ${at}, ${to}, ${format})`;
    return this.characters(this.settings.encoding, undefined, at, `Math.min(${to}, end)`);
  }

  private format(type: NumberType, national: boolean): string {
    const format: DisplayFormat = {
      ebcdic: !national && this.settings.encoding === 'ebcdic',
      unsigned: !type.signed,
      overpunch: type.signed && !type.separateSign,
      relaxed: !this.settings.strict_sign_overpunching && !type.separateSign,
      nullDetection: this.settings.improved_null_detection,
      edited: type.edited,
    };
    return this.constant(`format ${JSON.stringify(format)}`, () => format);
  }

  private precision(column: Precision): string {
    return this.constant(`precision ${JSON.stringify(column)}`, () => column);
  }

  private constant(key: string, make: () => unknown): string {
    let name = this.keys.get(key);
    if (name === undefined) {
      name = `k${this.values.length}`;
      this.values.push(make());
      this.keys.set(key, name);
    }
    return name;
  }
}
