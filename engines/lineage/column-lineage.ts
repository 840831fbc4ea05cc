/**
 * How a column's value comes from another: unchanged, worked out, summed up over rows, or the other only decides which
 * value is taken (the condition of a `case`, the order of a window).
 */
export const USES = ['condition', 'identity', 'transformation', 'aggregation'] as const;
export type Use = (typeof USES)[number];

export interface ColumnSource {
  /** what the caller's catalog calls the relation */
  relation: string;
  column: string;
  use: Use;
}

/** Where one output column comes from. */
export interface ColumnLineage {
  name: string;
  /** empty for a constant, or a count of rows */
  sources: ColumnSource[];
  /** why the sources are not all known; null where they are */
  unknown: string | null;
}

export interface QueryLineage {
  columns: ColumnLineage[];
  /** `select *` of a relation whose columns nobody knows: every other column comes from it as it is */
  through: { relation: string; without: readonly string[] } | null;
  /** why there may be more columns than these; null where these are all */
  unknown: string | null;
}

/** A column of a query's result; undefined where there is none, or nobody can tell. */
export function columnOf({ columns, through: rest }: QueryLineage, name: string): ColumnLineage | undefined {
  const found = columns.find((column) => column.name.toLowerCase() === name.toLowerCase());
  if (found || rest === null || rest.without.includes(name.toLowerCase())) return found;
  return { name, sources: [{ relation: rest.relation, column: name, use: 'identity' }], unknown: null };
}

/** The use of what `inner` gives, seen through `outer`. */
export function through(outer: Use, inner: Use): Use {
  if (outer === 'condition' || inner === 'condition') return 'condition';
  return USES.indexOf(outer) > USES.indexOf(inner) ? outer : inner;
}

/** Sources by relation and column; of two uses of one column the stronger stays. */
export class Sources {
  private readonly found = new Map<string, ColumnSource>();
  /** why some are missing */
  unknown: string | null = null;

  static of(source: ColumnSource): Sources {
    return new Sources().add(source);
  }

  static missing(reason: string): Sources {
    const made = new Sources();
    made.unknown = reason;
    return made;
  }

  add(source: ColumnSource): this {
    const key = `${source.relation}\0${source.column.toLowerCase()}`;
    const former = this.found.get(key);
    if (!former || USES.indexOf(source.use) > USES.indexOf(former.use)) this.found.set(key, source);
    return this;
  }

  addAll(others: Sources, use: Use = 'identity'): this {
    for (const source of others.found.values()) this.add({ ...source, use: through(use, source.use) });
    this.unknown ??= others.unknown;
    return this;
  }

  list(): ColumnSource[] {
    return [...this.found.values()];
  }
}
