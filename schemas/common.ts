import { z } from 'zod';

/** Names become folders, relations and workflow ids: lower case, digits and `_`, never a path or a quote. */
export const Name = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,62}$/, 'must be lower case letters, digits and _, starting with a letter (at most 63)');

/** `90s`, `15m`, `24h`, `7d`: a length of time, kept as text so that it reads the same in code, JSON and the UI. */
export const Duration = z
  .string()
  .regex(/^\d+(ms|s|m|h|d)$/, "must be a number and a unit: '90s', '15m', '24h', '7d'");
export type Duration = z.infer<typeof Duration>;

/** A file in the object store, named by its content. Histories carry these, never rows. */
export const ObjectRef = z.strictObject({ uri: z.string(), sha256: z.string(), bytes: z.int() });
export type ObjectRef = z.infer<typeof ObjectRef>;

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** @returns milliseconds in a {@link Duration} */
export function milliseconds(duration: Duration): number {
  const match = /^(\d+)(ms|s|m|h|d)$/.exec(duration);
  if (!match) throw new RangeError(`'${duration}' is not a duration`);
  return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
}
