/** A piece of parsed SQL: one key, which says what it is, over its parts. */
export type Part = Record<string, unknown>;

export const isPart = (value: unknown): value is Part =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `{ select: {...} }` -> `['select', {...}]` @returns undefined for what is no tagged part */
export function tagged(value: unknown): [tag: string, part: Part] | undefined {
  if (!isPart(value)) return undefined;
  const keys = Object.keys(value);
  const [tag] = keys;
  if (keys.length !== 1 || tag === undefined) return undefined;
  const inner = value[tag];
  return isPart(inner) ? [tag, inner] : undefined;
}

/** an identifier, which is a text or a part that has one */
export function nameOf(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (!isPart(value)) return null;
  const { name } = value;
  return typeof name === 'string' ? name : name === undefined ? null : nameOf(name);
}

export const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);

export const names = (value: unknown): string[] => listOf(value).flatMap((each) => nameOf(each) ?? []);

/** SQL compares names without regard to case, unless somebody went out of their way */
export const fold = (name: string): string => name.toLowerCase();

const QUERIES = new Set(['select', 'union', 'intersect', 'except', 'values', 'subquery']);
export const isQuery = (tag: string): boolean => QUERIES.has(tag);
