import { JinjaFault } from '../jinja/fault.js';
import { repr } from '../jinja/values.js';
import { DateTime } from './datetime.js';
import { DAY } from './time-delta.js';
import { MONTHS } from './time-format.js';

const FIELDS: Record<string, string> = {
  Y: '(?<Y>\\d{4})',
  m: '(?<m>\\d{1,2})',
  d: '(?<d>\\d{1,2})',
  H: '(?<H>\\d{1,2})',
  I: '(?<I>\\d{1,2})',
  p: '(?<p>[AaPp][Mm])',
  M: '(?<M>\\d{1,2})',
  S: '(?<S>\\d{1,2})',
  f: '(?<f>\\d{1,6})',
  j: '(?<j>\\d{1,3})',
  y: '(?<y>\\d{2})',
  b: '(?<b>[A-Za-z]{3})',
  B: '(?<B>[A-Za-z]+)',
  a: '[A-Za-z]{3}',
  A: '[A-Za-z]+',
  z: '(?<z>Z|[+-]\\d{2}:?\\d{2})',
  Z: '(?<Z>[A-Za-z]+)',
  '%': '%',
};

/** `datetime.strptime` */
export function parseDateTime(text: string, format: string): DateTime {
  const whole = format
    .replaceAll('%T', '%H:%M:%S')
    .replaceAll('%F', '%Y-%m-%d')
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replace(/\s+/g, '\\s+');
  const pattern = whole.replace(/%([a-zA-Z%])/g, (found: string, code: string) => FIELDS[code] ?? found);
  const found = new RegExp(`^${pattern}$`).exec(text)?.groups ?? (whole === text ? {} : undefined);
  if (!found) throw new JinjaFault(`time data ${repr(text)} does not match format ${repr(format)}`);
  const number = (code: string, fallback: number): number =>
    found[code] === undefined ? fallback : Number(found[code]);
  const name = (found['B'] ?? found['b'])?.toLowerCase();
  const month =
    name === undefined ? number('m', 1) : MONTHS.findIndex((each) => each.toLowerCase().startsWith(name)) + 1;
  const century = number('y', 0) < 69 ? 2000 : 1900;
  const year = found['y'] === undefined ? number('Y', 1900) : number('y', 0) + century;
  const afternoon = found['p']?.toLowerCase() === 'pm' ? 12 : 0;
  const hour = found['I'] === undefined ? number('H', 0) : (number('I', 12) % 12) + afternoon;
  const wall =
    found['j'] === undefined
      ? DateTime.wall(year, month, number('d', 1), hour, number('M', 0), number('S', 0))
      : DateTime.wall(year, 1, 1, hour, number('M', 0), number('S', 0)) + (number('j', 1) - 1) * DAY;
  const zone = found['z'] ?? '';
  const micro = Number((found['f'] ?? '0').padEnd(6, '0')) / 1000;
  return new DateTime(
    wall + micro,
    false,
    zone === '' ? null : DateTime.fromIso(`2000-01-01T00:00${zone}`).zone,
  );
}
