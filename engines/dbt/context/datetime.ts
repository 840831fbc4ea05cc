import { Arguments } from '../jinja/arguments.js';
import { JinjaFault } from '../jinja/fault.js';
import { PyObject, repr, str, toNumber, tuple, type Kwargs, type Value } from '../jinja/values.js';
import { clockText, DAY, exact, pad, TimeDelta } from './time-delta.js';
import { formatTime } from './time-format.js';
import { TimeZone, zoneText, type WallTime } from './time-zone.js';

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,6})\d*)?)?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?$/;

/** Python's `date` and `datetime`, with or without a time zone. */
export class DateTime extends PyObject implements WallTime {
  readonly typeName: string;
  readonly zone: TimeZone | null;

  /**
   * @param ms of the time on the wall, as if it were UTC; microseconds are its fraction
   * @param zone `true` for UTC
   */
  constructor(
    readonly ms: number,
    readonly isDate: boolean,
    zone: TimeZone | boolean | null = null,
  ) {
    super();
    this.typeName = isDate ? 'date' : 'datetime';
    this.zone = zone === true ? UTC : zone === false ? null : zone;
  }

  /** of ISO 8601 text, as far as Python and warehouses write it */
  static fromIso(text: string): DateTime {
    const found = ISO.exec(text.trim());
    if (!found) throw new JinjaFault(`${repr(text)} is no date or time`);
    const [, year, month, day, hour, minute = '0', second = '0', fraction = '', zone] = found;
    const ms =
      DateTime.wall(
        Number(year),
        Number(month),
        Number(day),
        Number(hour ?? 0),
        Number(minute),
        Number(second),
      ) +
      Number(fraction.padEnd(6, '0')) / 1000;
    return new DateTime(ms, hour === undefined, zone === undefined ? null : fixedZone(zone));
  }

  static wall(year: number, month: number, day: number, hour = 0, minute = 0, second = 0): number {
    const date = new Date(0);
    date.setUTCFullYear(year, month - 1, day);
    date.setUTCHours(hour, minute, second);
    if (date.getUTCDate() !== day || date.getUTCMonth() !== month - 1)
      throw new JinjaFault(`There is no day ${year}-${pad(month)}-${pad(day)}`);
    return date.getTime();
  }

  /** `date(…)` or `datetime(…)` */
  static make(isDate: boolean, args: Value[], kwargs: Kwargs): DateTime {
    const given = new Arguments(isDate ? 'date()' : 'datetime()', args, kwargs);
    const time = ['hour', 'minute', 'second', 'microsecond'].map((name, index) =>
      isDate ? 0 : given.number(index + 3, name, 0),
    );
    const [hour = 0, minute = 0, second = 0, micro = 0] = time;
    const ms = DateTime.wall(
      given.number(0, 'year'),
      given.number(1, 'month'),
      given.number(2, 'day'),
      hour,
      minute,
      second,
    );
    const zone = given.value(7, 'tzinfo', null);
    return new DateTime(ms + micro / 1000, isDate, zone instanceof TimeZone ? zone : null);
  }

  /** milliseconds since 1970 in UTC */
  get instant(): number {
    return this.zone ? this.ms - this.zone.offsetOf(this.ms) : this.ms;
  }

  in(zone: TimeZone): DateTime {
    return new DateTime(this.instant + zone.offsetAt(this.instant), false, zone);
  }

  meantIn(zone: TimeZone): DateTime {
    return new DateTime(this.ms, this.isDate, zone);
  }

  override attribute(name: string): Value | undefined {
    const date = new Date(Math.floor(this.ms));
    switch (name) {
      case 'year':
        return date.getUTCFullYear();
      case 'month':
        return date.getUTCMonth() + 1;
      case 'day':
        return date.getUTCDate();
      case 'strftime':
        return (args) => formatTime(this, str(args[0] ?? ''));
      case 'isoformat':
        return (args, kwargs) => this.iso(new Arguments('isoformat()', args, kwargs).text(0, 'sep', 'T'));
      case 'weekday':
        return () => (date.getUTCDay() + 6) % 7;
      case 'isoweekday':
        return () => ((date.getUTCDay() + 6) % 7) + 1;
      case 'isocalendar':
        return () => {
          const thursday = new Date(this.ms + (3 - ((date.getUTCDay() + 6) % 7)) * DAY);
          const year = thursday.getUTCFullYear();
          const week = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY / 7) + 1;
          return tuple(year, week, ((date.getUTCDay() + 6) % 7) + 1);
        };
      case 'toordinal':
        return () => Math.floor(this.ms / DAY) + 719_163;
      case 'replace':
        return (_args, kwargs) => this.replace(kwargs);
      case 'ctime':
        return () => formatTime(this, '%a %b %d %H:%M:%S %Y');
      default:
        return this.isDate ? undefined : this.ofTime(name, date);
    }
  }

  private ofTime(name: string, date: Date): Value | undefined {
    switch (name) {
      case 'hour':
        return date.getUTCHours();
      case 'minute':
        return date.getUTCMinutes();
      case 'second':
        return date.getUTCSeconds();
      case 'microsecond':
        return Math.round((this.ms - Math.floor(this.ms / 1000) * 1000) * 1000);
      case 'tzinfo':
        return this.zone;
      case 'date':
        return () => new DateTime(Math.floor(this.ms / DAY) * DAY, true);
      case 'time':
        return () => new Time(this.ms - Math.floor(this.ms / DAY) * DAY);
      case 'timestamp':
        return () => this.instant / 1000;
      case 'utcoffset':
        return () => this.zone && new TimeDelta(this.zone.offsetOf(this.ms));
      case 'tzname':
        return () => this.zone && this.zone.abbreviation(this.ms);
      case 'astimezone':
        return (args) => this.in(args[0] instanceof TimeZone ? args[0] : UTC);
      default:
        return undefined;
    }
  }

  override operate(operator: string, other: Value, swapped: boolean): Value | undefined {
    if (other instanceof TimeDelta && (operator === '+' || (operator === '-' && !swapped))) {
      const ms = exact(this.ms + (operator === '-' ? -other.ms : other.ms));
      return new DateTime(this.isDate ? Math.floor(ms / DAY) * DAY : ms, this.isDate, this.zone);
    }
    if (other instanceof DateTime && operator === '-' && !swapped) {
      this.sameKind(other);
      return new TimeDelta(exact(this.instant - other.instant));
    }
    return undefined;
  }

  private sameKind(other: DateTime): void {
    if (this.isDate !== other.isDate) throw new JinjaFault('A date and a datetime cannot be put together');
    if ((this.zone === null) !== (other.zone === null))
      throw new JinjaFault('A datetime with a time zone and one without cannot be put together');
  }

  private replace(kwargs: Kwargs): DateTime {
    const of = (name: string): number => toNumber(kwargs[name] ?? this.attribute(name) ?? 0);
    const ms = DateTime.wall(of('year'), of('month'), of('day'), of('hour'), of('minute'), of('second'));
    const zone = 'tzinfo' in kwargs ? (kwargs['tzinfo'] ?? null) : this.zone;
    return new DateTime(ms + of('microsecond') / 1000, this.isDate, zone instanceof TimeZone ? zone : null);
  }

  override compareTo(other: Value): number | undefined {
    if (!(other instanceof DateTime)) return undefined;
    this.sameKind(other);
    return this.instant - other.instant;
  }

  override equals(other: Value): boolean {
    return other instanceof DateTime && other.isDate === this.isDate && other.instant === this.instant;
  }

  private iso(separator: string): string {
    const date = new Date(Math.floor(this.ms));
    const day = `${pad(date.getUTCFullYear(), 4)}-${pad(date.getUTCMonth() + 1)}-${pad(date.getUTCDate())}`;
    if (this.isDate) return day;
    const time = clockText(this.ms - Math.floor(this.ms / DAY) * DAY);
    return `${day}${separator}${time}${this.zone ? zoneText(this.zone.offsetOf(this.ms), ':') : ''}`;
  }

  override toString(): string {
    return this.iso(' ');
  }

  override repr(): string {
    const names = ['year', 'month', 'day', 'hour', 'minute', 'second', 'microsecond'];
    const parts = names.slice(0, this.isDate ? 3 : 7).map((name) => str(this.attribute(name) ?? null));
    // seconds and microseconds are left out where they are nothing
    while (parts.length > 5 && parts.at(-1) === '0') parts.pop();
    const zone = this.zone ? [`tzinfo=${this.zone.repr()}`] : [];
    return `datetime.${this.typeName}(${[...parts, ...zone].join(', ')})`;
  }
}

/** Python's `time` */
export class Time extends PyObject {
  readonly typeName = 'time';
  constructor(private readonly ms: number) {
    super();
  }
  static make(args: Value[], kwargs: Kwargs): Time {
    const given = new Arguments('time()', args, kwargs);
    const [hour = 0, minute = 0, second = 0, micro = 0] = ['hour', 'minute', 'second', 'microsecond'].map(
      (name, index) => given.number(index, name, 0),
    );
    return new Time(((hour * 60 + minute) * 60 + second) * 1000 + micro / 1000);
  }
  override attribute(name: string): Value | undefined {
    if (name === 'isoformat') return () => this.toString();
    const whole = new DateTime(this.ms, false);
    return ['hour', 'minute', 'second', 'microsecond', 'strftime'].includes(name)
      ? whole.attribute(name)
      : undefined;
  }
  override compareTo(other: Value): number | undefined {
    return other instanceof Time ? this.ms - other.ms : undefined;
  }
  override equals(other: Value): boolean {
    return other instanceof Time && other.ms === this.ms;
  }
  override toString(): string {
    return clockText(this.ms);
  }
}

export const UTC = new TimeZone('UTC', 0);

function fixedZone(text: string): TimeZone {
  if (text === 'Z') return UTC;
  const [, sign, hours = '0', minutes = '0'] = /^([+-])(\d{2}):?(\d{2})?$/.exec(text) ?? [];
  const offset = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
  return offset === 0 ? UTC : new TimeZone(`UTC${zoneText(offset, ':')}`, offset);
}
