const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** @returns milliseconds in a duration such as `24h`; kept apart from zod, so that workflows can use it */
export function milliseconds(duration: string): number {
  const match = /^(\d+)(ms|s|m|h|d)$/.exec(duration);
  if (!match) throw new RangeError(`'${duration}' is not a duration`);
  return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
}
