import { fold } from './ast.js';
import { Sources } from './column-lineage.js';

/** A column of something in a FROM clause, with where it comes from. */
export interface Traced {
  name: string;
  sources: Sources;
}

/** What stands for columns that are not listed: they come from one place, or nobody can say. */
export type Rest =
  | { kind: 'table'; relation: string; without: ReadonlySet<string> }
  | { kind: 'made'; sources: Sources }
  | { kind: 'unknown'; reason: string };

/** The columns of a table, a subquery or a common table expression. */
export interface Shape {
  columns: Traced[];
  rest: Rest | null;
  /** of a SELECT: what its own expressions see */
  scope?: Scope;
}

export interface Member extends Shape {
  /** folded; null for what has no name of its own */
  alias: string | null;
}

/** What an unlisted column of `rest` comes from; undefined where there is no such column. */
function fromRest(rest: Rest | null, name: string): Sources | undefined {
  if (rest === null) return undefined;
  if (rest.kind === 'unknown') return Sources.missing(rest.reason);
  if (rest.kind === 'made') return rest.sources;
  if (rest.without.has(fold(name))) return undefined;
  return Sources.of({ relation: rest.relation, column: name, use: 'identity' });
}

/** The names that an expression of one query can use. */
export class Scope {
  readonly members: Member[] = [];
  /** columns that USING made one of two */
  private readonly merged = new Map<string, Traced>();
  /** columns in the order of `*`, with their member; `null` in place of a column stands for the member's rest */
  readonly visible: { member: Member; column: Traced | null }[] = [];
  /** columns of the select list so far: later ones may use them */
  readonly aliases = new Map<string, Sources>();
  /** `window w as (...)` by name */
  readonly windows = new Map<string, unknown>();
  /** parameters of lambdas around the expression */
  private readonly parameters: string[] = [];

  constructor(private readonly parent: Scope | null) {}

  add(member: Member): void {
    this.members.push(member);
    for (const column of member.columns) this.visible.push({ member, column });
    if (member.rest) this.visible.push({ member, column: null });
  }

  /** `join member using (name)`: both columns become one */
  merge(member: Member, name: string, side: 'left' | 'right' | 'both'): void {
    const left = this.unqualified(name) ?? Sources.missing(`'${name}' of USING is in no table before it`);
    const own =
      member.columns.find((column) => fold(column.name) === fold(name))?.sources ??
      fromRest(member.rest, name) ??
      Sources.missing(`'${name}' of USING is not in the table joined`);
    const sources = new Sources();
    if (side === 'both') sources.addAll(left, 'transformation').addAll(own, 'transformation');
    else sources.addAll(side === 'left' ? left : own);
    const one = { name, sources };
    this.merged.set(fold(name), one);
    const at = this.visible.findIndex(({ column }) => column !== null && fold(column.name) === fold(name));
    const shown = this.visible[at];
    if (shown)
      this.visible[at] = { member: shown.member, column: { ...one, name: shown.column?.name ?? name } };
  }

  /** hides columns of the member joined last that USING has shown already */
  hide(member: Member, hidden: ReadonlySet<string>): void {
    for (let at = this.visible.length - 1; at >= 0; at--) {
      const entry = this.visible[at];
      if (entry?.member === member && entry.column && hidden.has(fold(entry.column.name)))
        this.visible.splice(at, 1);
    }
    if (member.rest?.kind === 'table')
      member.rest = { ...member.rest, without: new Set([...member.rest.without, ...hidden]) };
  }

  within<T>(parameters: string[], work: () => T): T {
    const count = this.parameters.length;
    this.parameters.push(...parameters.map(fold));
    try {
      return work();
    } finally {
      this.parameters.length = count;
    }
  }

  /** What a column name stands for. */
  column(table: string | null, name: string): Sources {
    if (this.isParameter(table ?? name)) return new Sources();
    if (table === null) {
      const found = this.lookUp(name);
      if (found) return found;
      const whole = this.member(name);
      if (whole) return wholeRow(whole);
      return Sources.missing(`no table of the query has a column '${name}'`);
    }
    const member = this.member(table);
    if (member) {
      const found = member.columns.find((column) => fold(column.name) === fold(name));
      if (found) return found.sources;
      const rest = fromRest(member.rest, name);
      if (rest) return rest;
      return Sources.missing(`'${table}' has no column '${name}'`);
    }
    // not a table: a field of a struct
    const struct = this.lookUp(table);
    if (struct) return new Sources().addAll(struct, 'transformation');
    return Sources.missing(`there is no table or column '${table}'`);
  }

  private isParameter(name: string): boolean {
    return this.parameters.includes(fold(name)) || (this.parent?.isParameter(name) ?? false);
  }

  private member(alias: string): Member | undefined {
    return this.members.find((each) => each.alias === fold(alias)) ?? this.parent?.member(alias);
  }

  /** here, then among the select list's own names, then in the query around this one */
  private lookUp(name: string): Sources | undefined {
    return this.unqualified(name) ?? this.aliases.get(fold(name)) ?? this.parent?.lookUp(name);
  }

  private unqualified(name: string): Sources | undefined {
    const merged = this.merged.get(fold(name));
    if (merged) return merged.sources;
    for (const { columns } of this.members)
      for (const column of columns) if (fold(column.name) === fold(name)) return column.sources;
    // a query that runs is not ambiguous: where only one member has columns that are not listed, it is there
    const open = this.members.filter(({ rest }) => rest !== null);
    if (open.length > 1 && !this.aliases.has(fold(name)))
      return Sources.missing(`'${name}' may be a column of any of several tables`);
    const [only] = open;
    if (!only || this.aliases.has(fold(name))) return undefined;
    return fromRest(only.rest, name);
  }
}

function wholeRow({ columns, rest }: Shape): Sources {
  const all = new Sources();
  for (const { sources } of columns) all.addAll(sources, 'transformation');
  if (rest?.kind === 'made') all.addAll(rest.sources, 'transformation');
  else if (rest)
    all.unknown ??= rest.kind === 'table' ? `the columns of ${rest.relation} are not known` : rest.reason;
  return all;
}
