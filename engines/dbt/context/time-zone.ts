import { JinjaFault } from '../jinja/fault.js';
import { PyObject, type Value } from '../jinja/values.js';
import { pad, TimeDelta } from './time-delta.js';

/** A time on the wall: milliseconds as if it were UTC, and the zone it is meant in. */
export interface WallTime extends PyObject {
  readonly ms: number;
  readonly isDate: boolean;
  readonly zone: TimeZone | null;
  /** milliseconds since 1970 in UTC */
  readonly instant: number;
  in(zone: TimeZone): WallTime;
  /** the same time on the wall, meant in a zone */
  meantIn(zone: TimeZone): WallTime;
}

const isTime = (value: Value): value is WallTime => value instanceof PyObject && 'meantIn' in value;

/** `+0100` */
export function zoneText(offset: number, between: string): string {
  const minutes = Math.abs(Math.round(offset / 60_000));
  return `${offset < 0 ? '-' : '+'}${pad(Math.floor(minutes / 60))}${between}${pad(minutes % 60)}`;
}

const FORMATS = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = FORMATS.get(zone);
  if (!format) {
    try {
      format = new Intl.DateTimeFormat('en-US', {
        timeZone: zone,
        hourCycle: 'h23',
        ...{ year: 'numeric', month: 'numeric', day: 'numeric' },
        ...{ hour: 'numeric', minute: 'numeric', second: 'numeric', era: 'short' },
        timeZoneName: 'short',
      });
    } catch {
      throw new JinjaFault(
        `There is no time zone '${zone}'`,
        undefined,
        "Use a name such as 'Europe/Berlin'",
      );
    }
    FORMATS.set(zone, format);
  }
  return format;
}

const partsOf = (zone: string, instant: number): Record<string, string> =>
  Object.fromEntries(
    formatOf(zone)
      .formatToParts(instant)
      .map(({ type, value }) => [type, value]),
  );

/** A time zone of `modules.pytz`, or a fixed distance from UTC. */
export class TimeZone extends PyObject {
  readonly typeName = 'tzinfo';

  constructor(
    readonly name: string,
    /** milliseconds east of UTC, where they are the same all year */
    private readonly fixed?: number,
  ) {
    super();
    if (fixed === undefined) formatOf(name);
  }

  /** milliseconds east of UTC at an instant */
  offsetAt(instant: number): number {
    if (this.fixed !== undefined) return this.fixed;
    const parts = partsOf(this.name, instant);
    const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = [
      ...['year', 'month', 'day', 'hour', 'minute', 'second'],
    ].map((part) => Number(parts[part]));
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(instant / 1000) * 1000;
  }

  /** milliseconds east of UTC for a time on the wall */
  offsetOf(local: number): number {
    const first = this.offsetAt(local);
    return this.offsetAt(local - first);
  }

  /** `EST`, or the distance from UTC */
  abbreviation(local: number): string {
    if (this.fixed !== undefined) return this.name;
    return partsOf(this.name, local - this.offsetOf(local))['timeZoneName'] ?? this.name;
  }

  override attribute(name: string): Value | undefined {
    switch (name) {
      case 'zone':
        return this.name;
      case 'localize':
        return ([time = null]) => this.attach(time);
      case 'normalize':
        return ([time = null]) => (isTime(time) ? time.in(this) : time);
      case 'utcoffset':
        return ([time = null]) => new TimeDelta(isTime(time) ? this.offsetOf(time.ms) : 0);
      case 'tzname':
        return ([time = null]) => (isTime(time) ? this.abbreviation(time.ms) : this.name);
      default:
        return undefined;
    }
  }

  private attach(time: Value): Value {
    if (isTime(time) && !time.isDate && time.zone === null) return time.meantIn(this);
    throw new JinjaFault('localize() needs a datetime that has no time zone yet');
  }

  override equals(other: Value): boolean {
    return other instanceof TimeZone && other.name === this.name;
  }

  override toString(): string {
    return this.name;
  }

  override repr(): string {
    return this.fixed === undefined ? `<DstTzInfo '${this.name}'>` : `<${this.name}>`;
  }
}
