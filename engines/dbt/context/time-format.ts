import { JinjaFault } from '../jinja/fault.js';
import { repr } from '../jinja/values.js';
import { DateTime } from './datetime.js';
import { DAY, pad } from './time-delta.js';

const MONTHS = 'January February March April May June July August September October November December'.split(' ');
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

/** `+0100` */
export function zoneText(offset: number, between: string): string {
  const minutes = Math.abs(Math.round(offset / 60_000));
  return `${offset < 0 ? '-' : '+'}${pad(Math.floor(minutes / 60))}${between}${pad(minutes % 60)}`;
}

/** `strftime` */
export function formatTime(time: DateTime, format: string): string {
  const date = new Date(Math.floor(time.ms));
  const yearDay = Math.floor((time.ms - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY) + 1;
  const weekday = date.getUTCDay();
  const hour = date.getUTCHours();
  const iso = (): [number, number, number] => {
    const thursday = new Date(time.ms + (3 - ((weekday + 6) % 7)) * DAY);
    const year = thursday.getUTCFullYear();
    return [year, Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY / 7) + 1, weekday || 7];
  };
  const month = MONTHS[date.getUTCMonth()] ?? '';
  const day = DAYS[weekday] ?? '';
  const parts: Record<string, () => string> = {
    Y: () => pad(date.getUTCFullYear(), 4),
    y: () => pad(date.getUTCFullYear() % 100),
    C: () => pad(Math.floor(date.getUTCFullYear() / 100)),
    m: () => pad(date.getUTCMonth() + 1),
    d: () => pad(date.getUTCDate()),
    e: () => String(date.getUTCDate()).padStart(2),
    H: () => pad(hour),
    I: () => pad(((hour + 11) % 12) + 1),
    p: () => (hour < 12 ? 'AM' : 'PM'),
    M: () => pad(date.getUTCMinutes()),
    S: () => pad(date.getUTCSeconds()),
    f: () => pad(Math.round((time.ms - Math.floor(time.ms / 1000) * 1000) * 1000), 6),
    j: () => pad(yearDay, 3),
    U: () => pad(Math.floor((yearDay + 6 - weekday) / 7)),
    W: () => pad(Math.floor((yearDay + 6 - ((weekday + 6) % 7)) / 7)),
    G: () => String(iso()[0]),
    V: () => pad(iso()[1]),
    u: () => String(iso()[2]),
    w: () => String(weekday),
    B: () => month,
    b: () => month.slice(0, 3),
    h: () => month.slice(0, 3),
    A: () => day,
    a: () => day.slice(0, 3),
    F: () => formatTime(time, '%Y-%m-%d'),
    T: () => formatTime(time, '%H:%M:%S'),
    R: () => formatTime(time, '%H:%M'),
    D: () => formatTime(time, '%m/%d/%y'),
    x: () => formatTime(time, '%m/%d/%y'),
    X: () => formatTime(time, '%H:%M:%S'),
    c: () => formatTime(time, '%a %b %e %H:%M:%S %Y'),
    z: () => (time.zone ? zoneText(time.zone.offsetOf(time.ms), '') : ''),
    Z: () => time.zone?.abbreviation(time.ms) ?? '',
    s: () => String(Math.floor(time.instant / 1000)),
    n: () => '\n',
    t: () => '\t',
    '%': () => '%',
  };
  return format.replace(/%(-?)([a-zA-Z%])/g, (whole: string, bare: string, code: string) => {
    const text = parts[code]?.() ?? whole;
    return bare ? text.replace(/^[0 ]+(?=.)/, '') : text;
  });
}

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
  return new DateTime(wall + micro, false, zone === '' ? null : DateTime.fromIso(`2000-01-01T00:00${zone}`).zone);
}
