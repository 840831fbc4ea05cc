/**
 * The delay that an answer asks for.
 * @param header `Retry-After`: seconds, or an HTTP date, which is measured from the answer's own `Date`, so that clocks may differ
 * @returns milliseconds, at least 0; undefined when there is none
 */
export function retryAfterMs(header: string | undefined, date: string | undefined): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
  const until = Date.parse(text);
  if (text === '' || Number.isNaN(until)) return undefined;
  const answered = Date.parse(date ?? '');
  return Math.max(0, until - (Number.isNaN(answered) ? Date.now() : answered));
}
