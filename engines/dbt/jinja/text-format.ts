import { JinjaFault } from './fault.js';
import {
  float,
  isFloat,
  isNumber,
  repr,
  str,
  toNumber,
  Tuple,
  type Dict,
  type Kwargs,
  type Value,
} from './values.js';

/** `"%05.1f" % x`, printf formatting as Python does it. */
export function percentFormat(format: string, given: Value): string {
  const args: Value[] = given instanceof Tuple ? given : [given];
  const mapping: Dict | null = given instanceof Map ? given : null;
  let next = 0;
  const take = (): Value => {
    if (next >= args.length) throw new JinjaFault(`The format ${repr(format)} has more places than values`);
    return args[next++] as Value;
  };
  const pattern = /%(?:\((\w+)\))?([-+ 0#]*)(\d+|\*)?(?:\.(\d+))?([sdifFeEgGrxXoc%])/g;
  return format.replace(
    pattern,
    (_, key?: string, flags = '', width?: string, precision?: string, type = 's') => {
      if (type === '%') return '%';
      const size = width === '*' ? toNumber(take()) : Number(width ?? 0);
      const value = key !== undefined && mapping ? (mapping.get(key) ?? null) : take();
      const digits = precision === undefined ? undefined : Number(precision);
      let text = convert(value, type as string, digits);
      if ('dfFeEgGi'.includes(type as string) && !text.startsWith('-')) {
        if ((flags as string).includes('+')) text = `+${text}`;
        else if ((flags as string).includes(' ')) text = ` ${text}`;
      }
      if ((flags as string).includes('-')) return text.padEnd(size);
      if ((flags as string).includes('0') && type !== 's' && type !== 'r') return zeroFill(text, size);
      return text.padStart(size);
    },
  );
}

function convert(value: Value, type: string, precision: number | undefined): string {
  switch (type) {
    case 's':
      return precision === undefined ? str(value) : str(value).slice(0, precision);
    case 'r':
      return repr(value);
    case 'c':
      return typeof value === 'string' ? value : String.fromCodePoint(toNumber(value));
    case 'd':
    case 'i':
      return typeof value === 'bigint' ? String(value) : String(Math.trunc(toNumber(value)));
    case 'b':
      return Math.trunc(toNumber(value)).toString(2);
    case 'x':
      return Math.trunc(toNumber(value)).toString(16);
    case 'X':
      return Math.trunc(toNumber(value)).toString(16).toUpperCase();
    case 'o':
      return Math.trunc(toNumber(value)).toString(8);
    default:
      return floatText(toNumber(value), type, precision ?? 6);
  }
}

function floatText(value: number, type: string, precision: number): string {
  switch (type.toLowerCase()) {
    case 'f':
      return value.toFixed(precision);
    case 'e': {
      const text = value.toExponential(precision).replace(/e([+-])(\d)$/, 'e$10$2');
      return type === 'E' ? text.toUpperCase() : text;
    }
    default: {
      const significant = precision === 0 ? 1 : precision;
      const exponent = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
      if (exponent < -4 || exponent >= significant)
        return value
          .toExponential(significant - 1)
          .replace(/\.?0+e/, 'e')
          .replace(/e([+-])(\d)$/, 'e$10$2');
      const text = value.toFixed(Math.max(0, significant - 1 - exponent));
      return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
    }
  }
}

export const zeroFill = (text: string, width: number): string => {
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  return sign + text.slice(sign.length).padStart(width - sign.length, '0');
};

/** `"{} {name:>5}".format(…)`. @param attribute how `{a.b}` and `{a[b]}` reach inside */
export function braceFormat(
  format: string,
  args: Value[],
  kwargs: Kwargs,
  attribute: (of: Value, name: string) => Value,
): string {
  let next = 0;
  return format.replace(
    /\{\{|\}\}|\{([^{}:!]*)(?:!([rsa]))?(?::((?:[^{}]|\{[^{}]*\})*))?\}/g,
    (whole, field?: string, how?: string, spec = '') => {
      if (whole === '{{' || whole === '}}') return (whole as string).charAt(0);
      const [head = '', ...path] = (field ?? '')
        .split(/[.[\]]+/)
        .filter((part, index) => index === 0 || part !== '');
      let value = head === '' ? args[next++] : /^\d+$/.test(head) ? args[Number(head)] : kwargs[head];
      if (value === undefined)
        throw new JinjaFault(`The format ${repr(format)} has a place '{${field}}' without a value`);
      for (const part of path)
        value =
          Array.isArray(value) && /^\d+$/.test(part) ? (value[Number(part)] ?? null) : attribute(value, part);
      if (how === 'r') value = repr(value);
      if (how === 's') value = str(value);
      // a width or precision may be a value itself
      const full = (spec as string).replace(/\{(\w*)\}/g, (_, inner: string) => {
        const width = inner === '' ? args[next++] : /^\d+$/.test(inner) ? args[Number(inner)] : kwargs[inner];
        return str(width ?? '');
      });
      return formatSpec(value, full);
    },
  );
}

/** Python's format mini-language: `>10`, `,.2f`, `05d`, `.1%`. */
export function formatSpec(value: Value, spec: string): string {
  if (spec === '') return str(value);
  const match = /^(?:(.)?([<>^=]))?([+\- ])?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([a-zA-Z%])?$/.exec(spec);
  if (!match) throw new JinjaFault(`'${spec}' is not a format`);
  const [, fill, align, sign, marked, zero, width, grouping, precision, type] = match;
  let text: string;
  if (isNumber(value) && typeof value !== 'boolean' && type !== 's') {
    const digits = precision === undefined ? undefined : Number(precision);
    if (type === '%') text = `${(toNumber(value) * 100).toFixed(digits ?? 6)}%`;
    else if (type !== undefined) text = type === 'n' ? str(value) : convert(value, type, digits);
    else
      text =
        digits === undefined
          ? str(value)
          : str(isFloat(value) ? float(Number(toNumber(value).toPrecision(digits))) : value);
    if (grouping) {
      const [whole = '', ...rest] = text.split('.');
      text = [whole.replace(/\B(?=(\d{3})+$)/g, grouping), ...rest].join('.');
    }
    if (marked && type !== undefined && 'xXob'.includes(type)) text = `0${type}${text}`;
    if (sign && sign !== '-' && !text.startsWith('-')) text = sign + text;
  } else text = precision === undefined ? str(value) : str(value).slice(0, Number(precision));
  const size = Number(width ?? 0);
  if (zero && !align) return zeroFill(text, size);
  const missing = Math.max(0, size - text.length);
  const pad = (count: number): string => (fill ?? ' ').repeat(count);
  switch (align ?? (isNumber(value) ? '>' : '<')) {
    case '<':
      return text + pad(missing);
    case '^':
      return pad(Math.floor(missing / 2)) + text + pad(Math.ceil(missing / 2));
    case '=':
      return zeroFill(text, size);
    default:
      return pad(missing) + text;
  }
}
