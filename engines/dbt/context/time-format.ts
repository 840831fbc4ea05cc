import { DAY, pad } from './time-delta.js';
import { zoneText, type WallTime } from './time-zone.js';

export const MONTHS =
  'January February March April May June July August September October November December'.split(' ');
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

/** `strftime` */
export function formatTime(time: WallTime, format: string): string {
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
