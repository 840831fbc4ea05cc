import { DateTime, Duration } from 'luxon';
import { MillraceError } from '../../schemas/errors.js';
import type { Cadence, Interval } from '../../schemas/interval.js';

interface Calendar {
  cadence: Cadence;
  timezone: string;
}

/** @returns the last whole unit of the calendar that has ended at `at` */
export function lastComplete(at: Date, { cadence, timezone }: Calendar): Interval {
  const end = DateTime.fromJSDate(at, { zone: timezone }).startOf(cadence);
  return iso(end.minus({ [cadence]: 1 }), end);
}

/** Cuts a range into the calendar's units, oldest first. @throws MillraceError IntervalInvalid when it does not fit */
export function cut(range: Interval, { cadence, timezone }: Calendar): Interval[] {
  const end = DateTime.fromISO(range.end, { zone: timezone });
  const units: Interval[] = [];
  let at = DateTime.fromISO(range.start, { zone: timezone }).startOf(cadence);
  while (at < end) {
    const next = at.plus({ [cadence]: 1 });
    units.push(iso(at, next));
    at = next;
  }
  if (units.length === 0) throw invalid(`${range.start}..${range.end}`, 'it is empty');
  return units;
}

/**
 * Reads what people type: `2026-01-05` (the unit of the calendar that holds it), `2026-W02`, `2026-01`,
 * `2026-01-05..2026-01-12`, `2026-01-05/P7D`, or full ISO times with a zone.
 * @throws MillraceError IntervalInvalid
 */
export function parseInterval(text: string, calendar: Calendar): Interval {
  const zone = calendar.timezone;
  const range = /^(.+?)(?:\.\.|\/)(.+)$/.exec(text);
  if (range) {
    const start = DateTime.fromISO(range[1] ?? '', { zone });
    const last = range[2] ?? '';
    const length = last.startsWith('P') ? Duration.fromISO(last) : undefined;
    const end = length ? start.plus(length) : DateTime.fromISO(last, { zone });
    if (!start.isValid || !end.isValid) throw invalid(text, 'both ends must be ISO dates or times');
    if (end <= start) throw invalid(text, 'its end is not after its start');
    return iso(start, end);
  }
  const start = DateTime.fromISO(text, { zone });
  if (!start.isValid) throw invalid(text, 'it is not an ISO date');
  const unit = /^\d{4}-W\d{2}$/.test(text) ? 'week' : /^\d{4}-\d{2}$/.test(text) ? 'month' : calendar.cadence;
  const from = start.startOf(unit);
  return iso(from, from.plus({ [unit]: 1 }));
}

/** Data of an interval that is still going on is not complete: a run over it would be wrong later. */
export function assertPast(interval: Interval, now: Date): void {
  const end = DateTime.fromISO(interval.end, { zone: 'utc' });
  if (DateTime.fromISO(interval.start) >= end)
    throw invalid(`${interval.start}..${interval.end}`, 'its end is not after its start');
  if (end > DateTime.fromJSDate(now)) {
    throw new MillraceError('IntervalInFuture', {
      what: `the interval ${interval.start} to ${interval.end} ends in the future`,
      fix: `Choose one that has ended, or run this one after ${interval.end}`,
    });
  }
}

function iso(start: DateTime, end: DateTime): Interval {
  const text = (time: DateTime): string => time.toUTC().toISO({ suppressMilliseconds: true }) ?? '';
  return { start: text(start), end: text(end) };
}

function invalid(text: string, why: string): MillraceError {
  return new MillraceError('IntervalInvalid', {
    what: `'${text}' is not an interval: ${why}`,
    fix: 'Write 2026-01-05, 2026-W02, 2026-01, 2026-01-05..2026-01-12 or 2026-01-05/P7D',
  });
}
