/** One row of the benchmark: a value, beside a floor or a peer measured in the same run. */
export interface Figure {
  name: string;
  value: number;
  unit: string;
  /** what it is held against, e.g. `python xgboost 1.21 s` */
  against?: { name: string; value: number };
  /** value / against */
  ratio?: number;
  goal?: { atMost?: number; atLeast?: number; of: 'value' | 'ratio' };
  met?: boolean;
}

export interface BenchOptions {
  /** a shortened form: smaller data, same figures */
  quick: boolean;
}

/** A benchmark gives its figures one by one, so that a long run shows them as they come. */
export type Bench = (options: BenchOptions) => AsyncGenerator<Figure>;

/** Works out ratio and verdict. */
export function figure(given: Omit<Figure, 'ratio' | 'met'>): Figure {
  const ratio = given.against ? given.value / given.against.value : undefined;
  const measured = given.goal?.of === 'ratio' ? ratio : given.value;
  const met =
    given.goal && measured !== undefined
      ? measured <= (given.goal.atMost ?? Infinity) && measured >= (given.goal.atLeast ?? -Infinity)
      : undefined;
  return { ...given, ...(ratio !== undefined && { ratio }), ...(met !== undefined && { met }) };
}

export function row(one: Figure): string {
  const number = (value: number): string =>
    value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
  const goal = one.goal
    ? `${one.goal.atMost !== undefined ? `≤ ${one.goal.atMost.toLocaleString('en')}` : `≥ ${one.goal.atLeast?.toLocaleString('en')}`}${one.goal.of === 'ratio' ? '×' : ''}`
    : '';
  return [
    one.name.padEnd(34),
    `${number(one.value)} ${one.unit}`.padEnd(18),
    (one.against ? `${one.against.name} ${number(one.against.value)}` : '').padEnd(34),
    (one.ratio === undefined ? '' : `${one.ratio.toFixed(2)}×`).padEnd(8),
    goal.padEnd(12),
    one.met === undefined ? '' : one.met ? 'met' : 'NOT MET',
  ]
    .join('  ')
    .trimEnd();
}

export const median = (values: number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
};
