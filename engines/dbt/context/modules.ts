import { JinjaFault } from '../jinja/fault.js';
import { Module, str, toNumber, type JinjaFunction, type Kwargs, type Value } from '../jinja/values.js';
import { DateTime, Time, UTC } from './datetime.js';
import { ITERTOOLS } from './itertools.js';
import { parseDateTime } from './parse-time.js';
import { RE } from './regex.js';
import { DAY, TimeDelta } from './time-delta.js';
import { formatTime } from './time-format.js';
import { TimeZone } from './time-zone.js';

/** A class: called it makes one, and it has functions of its own. */
class ClassModule extends Module {
  constructor(
    name: string,
    private readonly make: JinjaFunction,
    members: Record<string, Value>,
  ) {
    super(name, members);
  }
  override toString(): string {
    return `<class '${this.name}'>`;
  }
  override call(args: Value[], kwargs: Kwargs, site: Parameters<JinjaFunction>[2]): Value {
    return this.make(args, kwargs, site);
  }
}

/** `modules` of dbt's context. @param now ISO 8601, what `now()` and `today()` give: the run's time, not the clock's */
export function modules(now: string): Module {
  const instant = DateTime.fromIso(now).instant;
  const here = new DateTime(instant, false);
  const datetime = new Module('datetime', {
    date: new ClassModule('datetime.date', (args, kwargs) => DateTime.make(true, args, kwargs), {
      today: () => new DateTime(Math.floor(instant / DAY) * DAY, true),
      fromisoformat: (args) => DateTime.fromIso(str(args[0] ?? '')),
    }),
    datetime: new ClassModule('datetime.datetime', (args, kwargs) => DateTime.make(false, args, kwargs), {
      now: (args, kwargs) => {
        const zone = args[0] ?? kwargs['tz'] ?? null;
        return zone instanceof TimeZone ? new DateTime(instant, false, true).in(zone) : here;
      },
      utcnow: () => here,
      today: () => here,
      fromisoformat: (args) => {
        const { ms, zone } = DateTime.fromIso(str(args[0] ?? ''));
        return new DateTime(ms, false, zone);
      },
      fromtimestamp: (args) => {
        const [seconds = 0, zone = null] = args;
        const time = new DateTime(toNumber(seconds) * 1000, false, zone instanceof TimeZone);
        return zone instanceof TimeZone ? time.in(zone) : time;
      },
      utcfromtimestamp: (args) => new DateTime(toNumber(args[0] ?? 0) * 1000, false),
      combine: (args) => combine(args[0] ?? null, args[1] ?? null),
      strptime: (args) => parseDateTime(str(args[0] ?? ''), str(args[1] ?? '')),
    }),
    time: new ClassModule('datetime.time', (args, kwargs) => Time.make(args, kwargs), {}),
    timedelta: new ClassModule('datetime.timedelta', (args, kwargs) => TimeDelta.make(args, kwargs), {}),
    timezone: new Module('timezone', { utc: UTC }),
  });
  return new Module('modules', { datetime, re: RE, itertools: ITERTOOLS, pytz: PYTZ });
}

function combine(date: Value, time: Value): Value {
  if (!(date instanceof DateTime) || !(time instanceof Time))
    throw new JinjaFault('combine() needs a date and a time');
  return DateTime.fromIso(`${formatTime(date, '%Y-%m-%d')} ${time.toString()}`);
}

const PYTZ = new Module('pytz', {
  utc: UTC,
  UTC: UTC,
  timezone: (args) => (/^utc$/i.test(str(args[0] ?? '')) ? UTC : new TimeZone(str(args[0] ?? ''))),
});
