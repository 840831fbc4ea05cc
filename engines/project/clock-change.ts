import { DateTime, IANAZone } from 'luxon';
import type { Times } from './cron.js';

/**
 * The next day on which a schedule would not be due at all, because the clocks of its zone jump over its times. The
 * server skips such a time, and with it the interval of that run.
 * @returns e.g. `02:30 on 2027-03-28`, or undefined when there is no such day within a year of `from`
 */
export function timeLostToClockChange(due: Times[], timezone: string, from: Date): string | undefined {
  const zone = IANAZone.create(timezone);
  if (!zone.isValid || zone.isUniversal) return undefined;
  // days are counted at noon, when no clock is changed
  const today = DateTime.fromJSDate(from, { zone }).set({ hour: 12 });
  for (let n = 0; n < 366; n++) {
    const day = today.plus({ days: n });
    if (day.offset <= day.minus({ days: 1 }).offset) continue;
    const times = due.filter((one) => fallsOn(one, day)).flatMap(clockTimes);
    const exists = times.some(({ hour, minute }) => {
      // luxon moves a time that does not exist to one that does
      const moment = day.set({ hour, minute });
      return moment.hour === hour && moment.minute === minute;
    });
    if (!exists && times[0]) return `${two(times[0].hour)}:${two(times[0].minute)} on ${day.toISODate()}`;
  }
  return undefined;
}

/**
 * Whether an hourly schedule misses an hour when the clocks of its zone go back: the server is due once at each clock
 * time, and that night has one of them twice.
 */
export function losesRepeatedHour(timezone: string, from: Date): boolean {
  const now = DateTime.fromJSDate(from, { zone: timezone });
  if (!now.isValid) return false;
  return Array.from({ length: 13 }, (_, month) => now.plus({ months: month }).offset).some(
    (offset) => offset !== now.offset,
  );
}

const fallsOn = ({ month, dayOfMonth, dayOfWeek }: Times, day: DateTime): boolean =>
  month.includes(day.month) && dayOfMonth.includes(day.day) && dayOfWeek.includes(day.weekday % 7);

const clockTimes = ({ hour, minute }: Times) =>
  hour.flatMap((h) => minute.map((m) => ({ hour: h, minute: m })));

const two = (n: number): string => String(n).padStart(2, '0');
