import { fold, isPart, listOf, nameOf, names, tagged, type Part } from './ast.js';
import { Sources } from './column-lineage.js';
import { expressionSources } from './expression.js';
import { Scope, type Member, type Rest, type Shape, type Traced } from './scope.js';
import {
  oneRest,
  outputName,
  renamed,
  sharedNames,
  sourceCount,
  starOf,
  starShape,
  unknownShape,
} from './shapes.js';

/** A table as a query names it. */
export interface TableName {
  database: string | null;
  schema: string | null;
  name: string;
}

/** What the caller knows of a table. */
export interface KnownTable {
  /** what sources are to call it */
  relation: string;
  /** in order; null where nobody knows them */
  columns: readonly string[] | null;
}
export interface Catalog {
  table(name: TableName): KnownTable;
  /** a common table expression that stands for a relation of its own; null for all others */
  cte(name: string): KnownTable | null;
}

type Ctes = ReadonlyMap<string, Shape>;
const NO_CTES: Ctes = new Map();

/** Columns of a parsed query. */
export class Tracer {
  constructor(private readonly catalog: Catalog) {}

  query(query: unknown, ctes: Ctes = NO_CTES, parent: Scope | null = null): Shape {
    const [tag, part] = tagged(query) ?? ['', {}];
    const known = this.with(part['with'], ctes, parent);
    switch (tag) {
      case 'select':
        return this.select(part, known, parent);
      case 'union':
      case 'intersect':
      case 'except':
        return this.setOperation(tag, part, known, parent);
      case 'subquery':
      case 'paren':
        return renamed(this.query(part['this'], known, parent), names(part['column_aliases']));
      case 'values':
        return renamed(this.values(part, known, parent), names(part['column_aliases']));
      case 'table':
        return this.table(part, known);
      default:
        return unknownShape(`${tag === '' ? 'this statement' : tag.toUpperCase()} is not traced`);
    }
  }

  private with(clause: unknown, ctes: Ctes, parent: Scope | null): Ctes {
    if (!isPart(clause)) return ctes;
    const known = new Map(ctes);
    for (const each of listOf(clause['ctes'])) {
      if (!isPart(each)) continue;
      const name = fold(nameOf(each['alias']) ?? '');
      const columns = names(each['columns']);
      const trace = (): Shape => renamed(this.query(each['this'], known, parent), columns);
      known.set(
        name,
        clause['recursive'] === true ? this.recursive(name, each, columns, known, parent) : trace(),
      );
    }
    return known;
  }

  /** A CTE that reads itself: its first branch says what its columns are, and then until nothing is added. */
  private recursive(
    name: string,
    cte: Part,
    columns: string[],
    known: Map<string, Shape>,
    parent: Scope | null,
  ): Shape {
    const [tag, part] = tagged(cte['this']) ?? ['', {}];
    if (tag !== 'union') return renamed(this.query(cte['this'], known, parent), columns);
    const within = new Map(known);
    let shape = renamed(this.query(part['left'], this.with(part['with'], within, parent), parent), columns);
    for (let size = -1; size !== sourceCount(shape);) {
      size = sourceCount(shape);
      within.set(name, shape);
      shape = renamed(this.query(cte['this'], within, parent), columns);
    }
    return shape;
  }

  private select(part: Part, ctes: Ctes, parent: Scope | null): Shape {
    const scope = new Scope(parent);
    for (const each of listOf(isPart(part['from']) ? part['from']['expressions'] : null))
      for (const member of this.members(each, ctes, scope)) scope.add(member);
    for (const join of listOf(part['joins'])) if (isPart(join)) this.join(join, ctes, scope);
    for (const window of listOf(part['windows']))
      if (isPart(window)) scope.windows.set(fold(nameOf(window['name']) ?? ''), window['spec']);
    const columns: Traced[] = [];
    const rests: Rest[] = [];
    for (const each of listOf(part['expressions'])) {
      const star = starOf(each);
      if (star) this.star(star, scope, ctes, columns, rests);
      else {
        const column = { name: outputName(each), sources: this.sources(each, scope, ctes) };
        columns.push(column);
        if (!scope.aliases.has(fold(column.name))) scope.aliases.set(fold(column.name), column.sources);
      }
    }
    return { columns, rest: oneRest(rests), scope };
  }

  private sources(expression: unknown, scope: Scope, ctes: Ctes): Sources {
    return expressionSources(expression, scope, (query, around) => this.query(query, ctes, around));
  }

  private join(join: Part, ctes: Ctes, scope: Scope): void {
    const kind = typeof join['kind'] === 'string' ? join['kind'] : '';
    // what a semi or anti join reads is not to be seen outside of its condition
    if (/semi|anti/i.test(kind)) return;
    const using = names(join['using']);
    for (const member of this.members(join['this'], ctes, scope)) {
      const shared = /natural/i.test(kind) ? sharedNames(scope, member) : using;
      const side = /full/i.test(kind) ? 'both' : /right/i.test(kind) ? 'right' : 'left';
      for (const name of shared) scope.merge(member, name, side);
      scope.add(member);
      scope.hide(member, new Set(shared.map(fold)));
    }
  }

  /** What one entry of a FROM clause brings; several tables where it is a join in brackets. */
  private members(entry: unknown, ctes: Ctes, scope: Scope): Member[] {
    const [tag, part] = tagged(entry) ?? ['', {}];
    const alias = nameOf(part['alias']);
    const named = (shape: Shape, name: string | null = alias): Member[] => [
      { ...renamed(shape, names(part['column_aliases'])), alias: name === null ? null : fold(name) },
    ];
    switch (tag) {
      case 'table':
        return named(this.table(part, ctes), alias ?? nameOf(part['name']));
      case 'paren':
        return this.members(part['this'], ctes, scope);
      case 'joined_table': {
        const inner = new Scope(scope);
        for (const member of this.members(part['left'], ctes, scope)) inner.add(member);
        for (const join of listOf(part['joins'])) if (isPart(join)) this.join(join, ctes, inner);
        return alias === null ? inner.members : named(starShape(inner));
      }
      case 'subquery':
        return tagged(part['this'])?.[0] === 'joined_table' || tagged(part['this'])?.[0] === 'table'
          ? this.members(part['this'], ctes, scope)
          : named(this.query(entry, ctes, scope));
      case 'values':
      case 'select':
      case 'union':
        return named(this.query(entry, ctes, scope));
      case 'alias': {
        const [inner] = this.members(part['this'], ctes, scope);
        return inner ? named(inner, alias) : [];
      }
      case 'pivot':
      case 'unpivot':
        return named(unknownShape(`${tag.toUpperCase()} is not traced`));
      default:
        return named(this.made(tag, part, scope, ctes), alias ?? nameOf(part['name']));
    }
  }

  /** A function that gives rows: its columns come from its arguments. */
  private made(tag: string, part: Part, scope: Scope, ctes: Ctes): Shape {
    const argumentsOnly = Object.fromEntries(
      Object.entries(part).filter(([key]) => key !== 'alias' && key !== 'column_aliases'),
    );
    const sources = new Sources().addAll(
      this.sources({ [tag]: argumentsOnly }, scope, ctes),
      'transformation',
    );
    return { columns: [], rest: { kind: 'made', sources } };
  }

  private table(part: Part, ctes: Ctes): Shape {
    const table = {
      database: nameOf(part['catalog']),
      schema: nameOf(part['schema']),
      name: nameOf(part['name']) ?? '',
    };
    const stands = table.schema === null ? this.catalog.cte(table.name) : null;
    const cte = table.schema === null ? ctes.get(fold(table.name)) : undefined;
    if (cte && !stands) return cte;
    const { relation, columns } = stands ?? this.catalog.table(table);
    if (columns === null) return { columns: [], rest: { kind: 'table', relation, without: new Set() } };
    return {
      columns: columns.map((name) => ({
        name,
        sources: Sources.of({ relation, column: name, use: 'identity' }),
      })),
      rest: null,
    };
  }

  private star(star: Part, scope: Scope, ctes: Ctes, columns: Traced[], rests: Rest[]): void {
    const table = nameOf(star['table']);
    const left = new Set(names(star['except']).map(fold));
    const renames = new Map(
      listOf(star['rename']).flatMap((pair): [string, string][] => {
        const [from, to] = listOf(pair).map(nameOf);
        return from && to ? [[fold(from), to]] : [];
      }),
    );
    const replaced = new Map(
      listOf(star['replace']).flatMap((each): [string, unknown][] =>
        isPart(each) ? [[fold(nameOf(each['alias']) ?? ''), each['this']]] : [],
      ),
    );
    const shown =
      table === null
        ? scope.visible
        : scope.members
            .filter(({ alias }) => alias === fold(table))
            .flatMap((member) => [
              ...member.columns.map((column) => ({ member, column })),
              ...(member.rest ? [{ member, column: null }] : []),
            ]);
    if (table !== null && shown.length === 0)
      rests.push({ kind: 'unknown', reason: `there is no table '${table}' for its *` });
    for (const { member, column } of shown) {
      if (column === null) {
        const { rest } = member;
        if (rest?.kind === 'table') rests.push({ ...rest, without: new Set([...rest.without, ...left]) });
        else if (rest) rests.push(rest);
      } else if (!left.has(fold(column.name))) {
        const instead = replaced.get(fold(column.name));
        columns.push({
          name: renames.get(fold(column.name)) ?? column.name,
          sources: instead === undefined ? column.sources : this.sources(instead, scope, ctes),
        });
      }
    }
  }

  private setOperation(
    tag: 'union' | 'intersect' | 'except',
    part: Part,
    ctes: Ctes,
    parent: Scope | null,
  ): Shape {
    const left = this.query(part['left'], ctes, parent);
    if (tag === 'except') return left;
    const right = this.query(part['right'], ctes, parent);
    const byName = part['by_name'] === true;
    const matched = (column: Traced, at: number): Traced | undefined =>
      byName ? right.columns.find(({ name }) => fold(name) === fold(column.name)) : right.columns[at];
    const columns = left.columns.map((column, at): Traced => {
      const sources = new Sources().addAll(column.sources);
      const other = matched(column, at);
      if (other) sources.addAll(other.sources);
      else if (!byName) sources.unknown ??= 'the other side of a UNION has other columns';
      return { name: column.name, sources };
    });
    if (byName) {
      const taken = new Set(columns.map(({ name }) => fold(name)));
      columns.push(...right.columns.filter(({ name }) => !taken.has(fold(name))));
    }
    if (left.rest === null && right.rest === null) return { columns, rest: null };
    // positions cannot be matched when either side has columns that are not listed
    const reason = 'a UNION over columns that are not known';
    return { columns: byName ? columns : [], rest: { kind: 'unknown', reason } };
  }

  private values(part: Part, ctes: Ctes, parent: Scope | null): Shape {
    const rows = listOf(part['expressions']).map((row) => listOf(isPart(row) ? row['expressions'] : null));
    const scope = new Scope(parent);
    const columns = (rows[0] ?? []).map((_, at): Traced => {
      const sources = new Sources();
      for (const row of rows) sources.addAll(this.sources(row[at], scope, ctes), 'transformation');
      return { name: `col${at}`, sources };
    });
    return { columns, rest: null };
  }
}
