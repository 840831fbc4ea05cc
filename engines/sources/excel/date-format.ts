/** What a number shows when its format is one of dates: the serial number counts days. */
export type DateForm = 'date' | 'time' | 'timestamp';

/** Formats that every workbook knows by number. */
const BUILT_IN: Record<number, DateForm> = {
  ...Object.fromEntries([14, 15, 16, 17].map((id) => [id, 'date'])),
  ...Object.fromEntries([18, 19, 20, 21, 45, 46, 47].map((id) => [id, 'time'])),
  22: 'timestamp',
  // of East Asian workbooks
  ...Object.fromEntries([27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 57, 58].map((id) => [id, 'date'])),
  ...Object.fromEntries([32, 33, 34, 35, 55, 56].map((id) => [id, 'time'])),
};

/** @returns undefined for formats of plain numbers */
export function dateForm(id: number, code: string | undefined): DateForm | undefined {
  if (code === undefined) return BUILT_IN[id];
  // texts in quotes, escaped characters, and brackets other than those of elapsed time say nothing
  const letters = code
    .split(';')[0]
    ?.replace(/"[^"]*"|\\.|_.|\*./g, '')
    .replace(/\[(?!h+\]|m+\]|s+\])[^\]]*\]/gi, '')
    .toLowerCase();
  if (letters === undefined || /general/.test(letters)) return undefined;
  const time = /[hs]/.test(letters);
  const date = /[yd]/.test(letters) || (!time && /m/.test(letters));
  if (date) return time ? 'timestamp' : 'date';
  return time ? 'time' : undefined;
}

const DAY = 86_400_000;

/**
 * @param serial days since the last day of 1899, or of 1903
 * @returns ISO text: `2025-01-05`, `2025-01-05 10:30:00`, `10:30:00`; undefined where it is none
 */
export function dateText(serial: number, form: DateForm, from1904: boolean): string | undefined {
  if (!Number.isFinite(serial) || serial < 0 || serial > 2_958_466) return undefined;
  // the first calendar has a 29 February 1900 that never was
  const days = from1904 ? serial + 1462 : serial < 60 ? serial + 1 : serial;
  const milliseconds = Math.round(days * DAY);
  const iso = new Date(Date.UTC(1899, 11, 30) + milliseconds).toISOString();
  const fraction = milliseconds % 1000 === 0 ? 19 : 23;
  const whole = milliseconds % DAY === 0;
  if (form === 'time' && serial < 1) return iso.slice(11, fraction);
  return form === 'date' && whole ? iso.slice(0, 10) : iso.slice(0, fraction).replace('T', ' ');
}
