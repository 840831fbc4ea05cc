import {
  columnOf,
  Sources,
  through,
  type ColumnSource,
  type QueryLineage,
  type Use,
} from './column-lineage.js';
import { queryLineage, type Parse } from './query-lineage.js';
import type { Catalog, KnownTable, TableName } from './trace.js';

/** A relation of the graph: one that is made by a query, or one that is only read. */
export interface LineageRelation {
  id: string;
  /** as queries name it */
  table: TableName;
  /** null for what is only read */
  sql: string | null;
  /** as the warehouse has them; null where it was not asked, or has no such relation */
  columns: readonly string[] | null;
  /** the common table expression that stands for it in the SQL of its readers */
  cte?: string;
  /** columns that are added to those of the query, with the query's columns they are made of */
  added?: readonly { name: string; from: readonly string[] }[];
}

/** Columns of every relation made by a query, by its id. */
export type GraphLineage = ReadonlyMap<string, QueryLineage>;

/**
 * Column lineage of a whole graph.
 *
 * @param relations each after those it reads
 */
export function graphLineage(
  parse: Parse,
  relations: readonly LineageRelation[],
  dialect: string,
): GraphLineage {
  const found = new Map<string, QueryLineage>();
  const catalog = new GraphCatalog(relations, found);
  for (const relation of relations) {
    const { id, sql, columns, added = [] } = relation;
    if (sql === null) continue;
    const names = new Set(added.map(({ name }) => name.toLowerCase()));
    const outputs = columns?.filter((name) => !names.has(name.toLowerCase())) ?? null;
    const lineage = queryLineage(parse, sql, dialect, catalog, outputs);
    found.set(id, { ...lineage, columns: [...lineage.columns, ...addedColumns(lineage, added)] });
  }
  return found;
}

function addedColumns(
  lineage: QueryLineage,
  added: NonNullable<LineageRelation['added']>,
): QueryLineage['columns'] {
  return added.map(({ name, from }) => {
    const sources = new Sources();
    for (const each of from) {
      const column = columnOf(lineage, each);
      if (!column) sources.unknown ??= `it is made of '${each}', which is not a column of the query`;
      for (const source of column?.sources ?? [])
        sources.add({ ...source, use: through('transformation', source.use) });
    }
    return { name, sources: sources.list(), unknown: sources.unknown };
  });
}

class GraphCatalog implements Catalog {
  private readonly byName = new Map<string, LineageRelation[]>();
  private readonly byCte = new Map<string, LineageRelation>();

  constructor(
    relations: readonly LineageRelation[],
    private readonly found: ReadonlyMap<string, QueryLineage>,
  ) {
    for (const relation of relations) {
      if (relation.cte !== undefined) {
        this.byCte.set(relation.cte.toLowerCase(), relation);
        continue;
      }
      const name = relation.table.name.toLowerCase();
      const same = this.byName.get(name);
      if (same) same.push(relation);
      else this.byName.set(name, [relation]);
    }
  }

  table(table: TableName): KnownTable {
    const candidates = (this.byName.get(table.name.toLowerCase()) ?? []).filter(
      (each) => agrees(each.table.schema, table.schema) && agrees(each.table.database, table.database),
    );
    // what makes a relation says more of it than what declares the same one as a source
    const relation = candidates.find(({ sql }) => sql !== null) ?? candidates[0];
    if (relation) return this.known(relation);
    return { relation: tableText(table), columns: null };
  }

  cte(name: string): KnownTable | null {
    const relation = this.byCte.get(name.toLowerCase());
    return relation ? this.known(relation) : null;
  }

  private known({ id, columns }: LineageRelation): KnownTable {
    const lineage = this.found.get(id);
    const complete = lineage?.unknown === null ? lineage.columns.map(({ name }) => name) : null;
    return { relation: id, columns: columns ?? complete };
  }
}

const agrees = (known: string | null, asked: string | null): boolean =>
  known === null || asked === null || known.toLowerCase() === asked.toLowerCase();

const tableText = ({ database, schema, name }: TableName): string =>
  [database, schema, name].flatMap((part) => part ?? []).join('.');

/**
 * Where a column comes from in the end: columns of relations that no query of the graph makes.
 *
 * @returns the sources, and why some are missing
 */
export function ultimateSources(
  graph: GraphLineage,
  relation: string,
  column: string,
): { sources: ColumnSource[]; unknown: string | null } {
  const found = new Sources();
  const seen = new Map<string, Set<Use>>();
  const visit = (id: string, name: string, use: Use): void => {
    const key = `${id}\0${name.toLowerCase()}`;
    let uses = seen.get(key);
    if (!uses) seen.set(key, (uses = new Set()));
    if (uses.has(use)) return;
    uses.add(use);
    const lineage = graph.get(id);
    if (!lineage) {
      found.add({ relation: id, column: name, use });
      return;
    }
    const here = columnOf(lineage, name);
    const missing = here ? here.unknown : (lineage.unknown ?? `${id} has no column '${name}'`);
    if (missing !== null) found.unknown ??= `${id}.${name}: ${missing}`;
    for (const source of here?.sources ?? []) visit(source.relation, source.column, through(use, source.use));
  };
  visit(relation, column, 'identity');
  return { sources: found.list(), unknown: found.unknown };
}
