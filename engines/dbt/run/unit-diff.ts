import type { Row } from '../../warehouse/port.js';

interface Sides {
  actual: unknown[][];
  expected: unknown[][];
}

/** Splits the answer of a unit test by the column that says which side a row is of. */
export function sidesOf(names: readonly string[], rows: readonly Row[]): Sides {
  const side = names.find((name) => name.toLowerCase() === 'actual_or_expected') ?? '';
  const columns = names.filter((name) => name !== side);
  const of = (wanted: string): unknown[][] =>
    rows.filter((row) => row[side] === wanted).map((row) => columns.map((name) => row[name]));
  return { actual: of('actual'), expected: of('expected') };
}

/** rows told at most */
const SHOWN = 50;

/**
 * How what a model gave differs from what it should have given, whatever the order of rows: a table in the manner of
 * dbt, `→` before a row with other values, `+++` before one too many, `---` before one that is missing.
 *
 * @returns null when there is no difference
 */
export function unitDiff(columns: readonly string[], { actual, expected }: Sides): string | null {
  const extra = without(actual, expected);
  const missing = without(expected, actual);
  if (extra.length === 0 && missing.length === 0) return null;
  const lines: string[][] = [['@@', ...columns]];
  for (const row of missing) {
    const other = takeNearest(extra, row);
    if (other) lines.push(['→', ...row.map((value, at) => change(value, other[at]))]);
    else lines.push(['---', ...row.map(shown)]);
  }
  for (const row of extra) lines.push(['+++', ...row.map(shown)]);
  const same = expected.length - missing.length;
  const more = lines.length - 1 - SHOWN;
  return [
    'actual differs from expected:',
    '',
    ...table(lines.slice(0, SHOWN + 1)),
    '',
    ...(more > 0 ? [`and ${more} more`] : []),
    `${same} of ${expected.length} expected rows are there, the model gave ${actual.length}`,
  ].join('\n');
}

const keyOf = (value: unknown): string => JSON.stringify(value) ?? 'null';

/** rows of the one side that the other lacks, each as often as it lacks it */
function without(rows: readonly unknown[][], others: readonly unknown[][]): unknown[][] {
  const counts = new Map<string, number>();
  for (const row of others) counts.set(keyOf(row), (counts.get(keyOf(row)) ?? 0) + 1);
  return rows.filter((row) => {
    const left = counts.get(keyOf(row)) ?? 0;
    if (left > 0) counts.set(keyOf(row), left - 1);
    return left === 0;
  });
}

/** Takes the row that has the most values in common with `row` out of `rows`, if it has any. */
function takeNearest(rows: unknown[][], row: readonly unknown[]): unknown[] | undefined {
  let best = 0;
  let found = -1;
  for (const [at, other] of rows.entries()) {
    const alike = other.filter((value, column) => keyOf(value) === keyOf(row[column])).length;
    if (alike > best) [best, found] = [alike, at];
  }
  return found < 0 ? undefined : rows.splice(found, 1)[0];
}

const shown = (value: unknown): string =>
  value === null || value === undefined ? 'NULL' : typeof value === 'string' ? value : keyOf(value);

const change = (expected: unknown, actual: unknown): string =>
  keyOf(expected) === keyOf(actual) ? shown(expected) : `${shown(expected)}→${shown(actual)}`;

function table(lines: readonly string[][]): string[] {
  const widths = (lines[0] ?? []).map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  return lines.map((line) =>
    line
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join(' | ')
      .trimEnd(),
  );
}
