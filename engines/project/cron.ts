import type { Schedule } from '../../schemas/pipeline.js';

export const MONTHS = [
  ...(['JANUARY', 'FEBRUARY', 'MARCH', 'APRIL', 'MAY', 'JUNE'] as const),
  ...(['JULY', 'AUGUST', 'SEPTEMBER', 'OCTOBER', 'NOVEMBER', 'DECEMBER'] as const),
] as const;
export const WEEKDAYS = [
  'SUNDAY',
  'MONDAY',
  'TUESDAY',
  'WEDNESDAY',
  'THURSDAY',
  'FRIDAY',
  'SATURDAY',
] as const;

const FIELDS = {
  minute: { name: 'minute', min: 0, max: 59, words: [], default: '0' },
  hour: { name: 'hour', min: 0, max: 23, words: [], default: '0' },
  dayOfMonth: { name: 'day of the month', min: 1, max: 31, words: [], default: '*' },
  month: {
    ...{ name: 'month', min: 1, max: 12, default: '*' },
    words: ['', ...MONTHS],
  },
  // 7 is Sunday, too
  dayOfWeek: {
    ...{ name: 'day of the week', min: 0, max: 6, default: '*' },
    words: WEEKDAYS,
  },
} as const;
type Field = keyof typeof FIELDS;
const ORDER = Object.keys(FIELDS) as Field[];

const MACROS: Record<string, string> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
};

/** Moments at which all fields match: for each field its values, ascending. Sunday is 0. */
export type Times = Record<Field, number[]>;

/** One way for a schedule to be due, with the text to show for it. */
export interface DueTimes {
  times: Times;
  comment: string;
}

/**
 * When a schedule is due: at any of these times.
 * @throws RangeError saying which value of which field is wrong
 */
export function timesOf({ cron, calendars }: Pick<Schedule, 'cron' | 'calendars'>): DueTimes[] {
  return [
    ...[cron ?? []].flat().flatMap((text) => parseCron(text).map((times) => ({ times, comment: text }))),
    ...(calendars ?? []).map((calendar) => {
      const times = parseCalendar(calendar);
      return { times, comment: calendar.comment ?? formatTimes(times) };
    }),
  ];
}

/**
 * Reads a five-field cron expression or `@hourly` … `@yearly`. As in every cron, two restricted day fields mean either:
 * `0 6 13 * 5` is due on each 13th and on each Friday.
 */
function parseCron(text: string): Times[] {
  const parts = (MACROS[text.trim().toLowerCase()] ?? text).trim().split(/\s+/);
  if (parts.length !== ORDER.length) {
    throw new RangeError(
      `'${text}' has ${parts.length === 1 ? '1 field' : `${parts.length} fields`}; cron has five: minute, hour, day of the month, month, ` +
        'day of the week, such as 0 6 * * MON-FRI',
    );
  }
  const times = possible(
    Object.fromEntries(ORDER.map((field, i) => [field, parseField(field, parts[i] ?? '')])) as Times,
  );
  if (parts[2]?.startsWith('*') || parts[4]?.startsWith('*')) return [times];
  return [
    { ...times, dayOfWeek: all('dayOfWeek') },
    { ...times, dayOfMonth: all('dayOfMonth') },
  ];
}

/** Every field has to match. Left out, minute and hour are 0 and the others any. */
function parseCalendar(calendar: NonNullable<Schedule['calendars']>[number]): Times {
  return possible(
    Object.fromEntries(
      ORDER.map((field) => [field, parseField(field, calendar[field] ?? FIELDS[field].default)]),
    ) as Times,
  );
}

/** `*`, `5`, `9-17`, `MON-FRI`, a step as in `*` + `/15` or `10-50/20`, and lists of these. */
function parseField(field: Field, text: string): number[] {
  const { name, min, max } = FIELDS[field];
  const values = new Set<number>();
  for (const item of text.split(',')) {
    const match = /^(?:(\*)|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:\/(\d+))?$/i.exec(item.trim());
    if (!match)
      throw new RangeError(
        `'${item.trim()}' cannot be read as ${name}; write 5, 9-17, */15 or a list of these`,
      );
    const step = match[4] === undefined ? 1 : Number(match[4]);
    if (step === 0) throw new RangeError(`'${item.trim()}' has a step of 0`);
    const start = match[1] ? min : parseValue(field, match[2] ?? '');
    const toMax = match[1] !== undefined || (match[3] === undefined && match[4] !== undefined);
    let end = toMax ? max : match[3] === undefined ? start : parseValue(field, match[3]);
    if (field === 'dayOfWeek' && end === 0 && start > 0) end = 7;
    if (end < start) throw new RangeError(`'${item.trim()}' runs backwards; write its two parts as a list`);
    for (let value = start; value <= end; value += step)
      values.add(field === 'dayOfWeek' ? value % 7 : value);
  }
  return [...values].sort((a, b) => a - b);
}

function parseValue(field: Field, text: string): number {
  const { name, min, max, words } = FIELDS[field];
  const word =
    text.length < 3 ? -1 : words.findIndex((candidate) => candidate.startsWith(text.toUpperCase()));
  if (word >= 0) return word;
  const value = Number(text);
  const last = field === 'dayOfWeek' ? 7 : max;
  if (!Number.isInteger(value) || value < min || value > last) {
    throw new RangeError(
      `'${text}' is no ${name}; it must be ${min} to ${last}${words.length > 0 ? ` or a name such as ${words[1]?.slice(0, 3)}` : ''}`,
    );
  }
  return value;
}

/** A 30th of February would never come, and nobody would notice. */
function possible(times: Times): Times {
  const longest = Math.max(
    ...times.month.map((month) => (month === 2 ? 29 : [4, 6, 9, 11].includes(month) ? 30 : 31)),
  );
  const first = times.dayOfMonth[0] ?? 1;
  if (first > longest)
    throw new RangeError(
      `day ${first} does not exist in month ${times.month.join(', ')}; it would never be due`,
    );
  return times;
}

function all(field: Field): number[] {
  const { min, max } = FIELDS[field];
  return Array.from({ length: max - min + 1 }, (_, i) => min + i);
}

/** Times as cron would write them; the same times always as the same text. */
export function formatTimes(times: Times): string {
  const text = ORDER.map((field) => formatField(field, times[field])).join(' ');
  const both = times.dayOfMonth.length < 31 && times.dayOfWeek.length < 7;
  return both ? `${text} (on both days at once)` : text;
}

function formatField(field: Field, values: number[]): string {
  const { min, max } = FIELDS[field];
  if (values.length === max - min + 1) return '*';
  const step = (values[1] ?? 0) - (values[0] ?? 0);
  const even = values.length > 2 && step > 1 && values.every((value, i) => value === min + i * step);
  if (even && (values.at(-1) ?? 0) + step > max) return `*/${step}`;
  return rangesOf(values)
    .map(({ start, end }) => (start === end ? `${start}` : `${start}-${end}`))
    .join(',');
}

/** Consecutive values as ranges, both ends included. */
export function rangesOf(values: number[]): { start: number; end: number }[] {
  const ranges: { start: number; end: number }[] = [];
  for (const value of values) {
    const last = ranges.at(-1);
    if (last && value === last.end + 1) last.end = value;
    else ranges.push({ start: value, end: value });
  }
  return ranges;
}
