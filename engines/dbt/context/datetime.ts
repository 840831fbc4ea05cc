import { Arguments } from '../jinja/arguments.js';
import { JinjaFault } from '../jinja/fault.js';
import {
  PyObject,
  repr,
  str,
  toNumber,
  typeName,
  type JinjaFunction,
  type Kwargs,
  type Value,
} from '../jinja/values.js';

const DAY = 86_400_000;
const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
);
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');
const pad = (value: number, width = 2): string => String(value).padStart(width, '0');

/** A length of time, in milliseconds. */
export class TimeDelta extends PyObject {
  readonly typeName = 'timedelta';
  constructor(readonly ms: number) {
    super();
  }
  static make(args: Value[], kwargs: Kwargs): TimeDelta {
    const given = new Arguments('timedelta()', args, kwargs);
    const parts: [string, number][] = [
      ['days', DAY],
      ['seconds', 1000],
      ['microseconds', 0.001],
      ['milliseconds', 1],
      ['minutes', 60_000],
      ['hours', 3_600_000],
      ['weeks', 7 * DAY],
    ];
    return new TimeDelta(
      parts.reduce((sum, [name, unit], index) => sum + given.number(index, name, 0) * unit, 0),
    );
  }
  override attribute(name: string): Value | undefined {
    if (name === 'days') return Math.floor(this.ms / DAY);
    if (name === 'seconds') return Math.floor((((this.ms % DAY) + DAY) % DAY) / 1000);
    if (name === 'total_seconds') return () => this.ms / 1000;
    return undefined;
  }
  override equals(other: Value): boolean {
    return other instanceof TimeDelta && other.ms === this.ms;
  }
  override toString(): string {
    const days = Math.floor(this.ms / DAY);
    const rest = Math.floor((this.ms - days * DAY) / 1000);
    const clock = `${Math.floor(rest / 3600)}:${pad(Math.floor(rest / 60) % 60)}:${pad(rest % 60)}`;
    return days === 0 ? clock : `${days} day${Math.abs(days) === 1 ? '' : 's'}, ${clock}`;
  }
}

/** Python's `date` and `datetime`; times are UTC, to the millisecond. */
export class DateTime extends PyObject {
  readonly typeName: string;
  constructor(
    readonly ms: number,
    private readonly isDate: boolean,
    private readonly aware = false,
  ) {
    super();
    this.typeName = isDate ? 'date' : 'datetime';
  }

  static fromIso(text: string): DateTime {
    const isDate = /^\d{4}-\d{2}-\d{2}$/.test(text.trim());
    const zoned = /(Z|[+-]\d{2}:?\d{2})$/.test(text.trim());
    const ms = Date.parse(isDate || zoned ? text.trim() : `${text.trim().replace(' ', 'T')}Z`);
    if (Number.isNaN(ms)) throw new JinjaFault(`${repr(text)} is no date or time`);
    return new DateTime(ms, isDate, zoned);
  }

  static make(isDate: boolean): JinjaFunction {
    return (args, kwargs) => {
      const given = new Arguments(isDate ? 'date()' : 'datetime()', args, kwargs);
      const names = ['year', 'month', 'day', 'hour', 'minute', 'second', 'microsecond'];
      const [year = 1, month = 1, day = 1, hour = 0, minute = 0, second = 0, micro = 0] = names.map(
        (name, index) => (index < 3 ? given.number(index, name) : isDate ? 0 : given.number(index, name, 0)),
      );
      const ms = Date.UTC(year, month - 1, day, hour, minute, second, Math.floor(micro / 1000));
      if (new Date(ms).getUTCDate() !== day)
        throw new JinjaFault(`There is no day ${year}-${pad(month)}-${pad(day)}`);
      return new DateTime(ms, isDate);
    };
  }

  override attribute(name: string): Value | undefined {
    const date = new Date(this.ms);
    const fields: Record<string, () => Value> = {
      year: () => date.getUTCFullYear(),
      month: () => date.getUTCMonth() + 1,
      day: () => date.getUTCDate(),
      hour: () => date.getUTCHours(),
      minute: () => date.getUTCMinutes(),
      second: () => date.getUTCSeconds(),
      microsecond: () => date.getUTCMilliseconds() * 1000,
    };
    if (Object.hasOwn(fields, name)) return fields[name]?.();
    const methods: Record<string, JinjaFunction> = {
      strftime: (args) => this.format(str(args[0] ?? '')),
      isoformat: (args) => this.iso(args[0] === undefined ? 'T' : str(args[0])),
      date: () => new DateTime(Math.floor(this.ms / DAY) * DAY, true),
      weekday: () => (date.getUTCDay() + 6) % 7,
      isoweekday: () => ((date.getUTCDay() + 6) % 7) + 1,
      timestamp: () => this.ms / 1000,
      toordinal: () => Math.floor(this.ms / DAY) + 719_163,
      astimezone: () => new DateTime(this.ms, this.isDate, true),
      replace: (_args, kwargs) => this.replace(kwargs),
      __add__: (args) => this.plus(args[0] ?? null, 1),
      __sub__: (args) => this.plus(args[0] ?? null, -1),
    };
    return Object.hasOwn(methods, name) ? methods[name] : undefined;
  }

  private plus(other: Value, sign: 1 | -1): Value {
    if (other instanceof TimeDelta) {
      const ms = this.ms + sign * other.ms;
      return new DateTime(this.isDate ? Math.floor(ms / DAY) * DAY : ms, this.isDate, this.aware);
    }
    if (other instanceof DateTime && sign === -1) return new TimeDelta(this.ms - other.ms);
    throw new JinjaFault(`${typeName(other)} cannot be added to a ${this.typeName}`);
  }

  private replace(kwargs: Kwargs): DateTime {
    const date = new Date(this.ms);
    const of = (name: string, current: number): number =>
      kwargs[name] === undefined ? current : toNumber(kwargs[name] ?? 0);
    const ms = Date.UTC(
      of('year', date.getUTCFullYear()),
      of('month', date.getUTCMonth() + 1) - 1,
      of('day', date.getUTCDate()),
      of('hour', date.getUTCHours()),
      of('minute', date.getUTCMinutes()),
      of('second', date.getUTCSeconds()),
      Math.floor(of('microsecond', date.getUTCMilliseconds() * 1000) / 1000),
    );
    return new DateTime(ms, this.isDate, 'tzinfo' in kwargs ? kwargs['tzinfo'] !== null : this.aware);
  }

  override equals(other: Value): boolean {
    return other instanceof DateTime && other.ms === this.ms && other.isDate === this.isDate;
  }

  private iso(separator: string): string {
    const [day = '', time = ''] = new Date(this.ms).toISOString().slice(0, -1).split('T');
    if (this.isDate) return day;
    const clock = time.endsWith('.000') ? time.slice(0, 8) : `${time}000`;
    return `${day}${separator}${clock}${this.aware ? '+00:00' : ''}`;
  }

  override toString(): string {
    return this.iso(' ');
  }

  private format(format: string): string {
    const date = new Date(this.ms);
    const yearStart = Date.UTC(date.getUTCFullYear(), 0, 1);
    const parts: Record<string, () => string> = {
      Y: () => pad(date.getUTCFullYear(), 4),
      y: () => pad(date.getUTCFullYear() % 100),
      m: () => pad(date.getUTCMonth() + 1),
      d: () => pad(date.getUTCDate()),
      H: () => pad(date.getUTCHours()),
      I: () => pad(((date.getUTCHours() + 11) % 12) + 1),
      p: () => (date.getUTCHours() < 12 ? 'AM' : 'PM'),
      M: () => pad(date.getUTCMinutes()),
      S: () => pad(date.getUTCSeconds()),
      f: () => pad(date.getUTCMilliseconds() * 1000, 6),
      j: () => pad(Math.floor((this.ms - yearStart) / DAY) + 1, 3),
      B: () => MONTHS[date.getUTCMonth()] ?? '',
      b: () => (MONTHS[date.getUTCMonth()] ?? '').slice(0, 3),
      A: () => DAYS[date.getUTCDay()] ?? '',
      a: () => (DAYS[date.getUTCDay()] ?? '').slice(0, 3),
      w: () => String(date.getUTCDay()),
      F: () => date.toISOString().slice(0, 10),
      T: () => date.toISOString().slice(11, 19),
      z: () => (this.aware ? '+0000' : ''),
      Z: () => (this.aware ? 'UTC' : ''),
      s: () => String(Math.floor(this.ms / 1000)),
      '%': () => '%',
    };
    return format.replace(/%-?([a-zA-Z%])/g, (whole: string, code: string) => {
      const text = parts[code]?.() ?? whole;
      return whole[1] === '-' ? text.replace(/^0+(?=.)/, '') : text;
    });
  }
}

const FIELDS: Record<string, string> = {
  Y: '(?<Y>\\d{4})',
  m: '(?<m>\\d{1,2})',
  d: '(?<d>\\d{1,2})',
  H: '(?<H>\\d{1,2})',
  M: '(?<M>\\d{1,2})',
  S: '(?<S>\\d{1,2})',
  f: '(?<f>\\d{1,6})',
  y: '(?<y>\\d{2})',
  b: '(?<b>[A-Za-z]{3})',
  B: '(?<B>[A-Za-z]+)',
  z: '(?<z>Z|[+-]\\d{2}:?\\d{2})',
};

/** `datetime.strptime` */
export function parseDateTime(text: string, format: string): DateTime {
  const pattern = format
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replace(/%([a-zA-Z])/g, (whole: string, code: string) => FIELDS[code] ?? whole);
  const found = new RegExp(`^${pattern}$`).exec(text)?.groups;
  if (!found) throw new JinjaFault(`time data ${repr(text)} does not match format ${repr(format)}`);
  const number = (code: string, fallback: number): number =>
    found[code] === undefined ? fallback : Number(found[code]);
  const name = found['B'] ?? found['b'];
  const month = name === undefined ? number('m', 1) : MONTHS.findIndex((each) => each.startsWith(name)) + 1;
  const year =
    found['y'] === undefined ? number('Y', 1900) : number('y', 0) + (number('y', 0) < 69 ? 2000 : 1900);
  const micro = Number((found['f'] ?? '0').padEnd(6, '0'));
  const zone = /([+-])(\d{2}):?(\d{2})/.exec(found['z'] ?? '');
  const offset = zone ? (zone[1] === '-' ? -1 : 1) * (Number(zone[2]) * 60 + Number(zone[3])) * 60_000 : 0;
  const ms = Date.UTC(
    year,
    month - 1,
    number('d', 1),
    number('H', 0),
    number('M', 0),
    number('S', 0),
    micro / 1000,
  );
  return new DateTime(ms - offset, false, found['z'] !== undefined);
}
