import type { Session, Statement, Warehouse } from './port.js';

/**
 * The same warehouse, whose statements have these settings unless they bring their own: the tag of a node, what hears
 * of a statement that goes on.
 */
export function withDefaults(warehouse: Warehouse, defaults: Omit<Statement, 'signal'>): Warehouse {
  const merged = (statement?: Statement): Statement => ({
    ...defaults,
    ...statement,
    tag: { ...defaults.tag, ...statement?.tag },
  });
  const session = (inner: Session): Session => ({
    query: (sql, statement) => inner.query(sql, merged(statement)),
    execute: (sql, statement) => inner.execute(sql, merged(statement)),
    run: (sql, statement) => inner.run(sql, merged(statement)),
    describe: (relation, statement) => inner.describe(relation, merged(statement)),
    relations: (schema, statement) => inner.relations(schema, merged(statement)),
    replace: (made, live, former) => inner.replace(made, live, former),
    drop: (relation) => inner.drop(relation),
  });
  return {
    ...session(warehouse),
    dialect: warehouse.dialect,
    database: warehouse.database,
    transaction: (work, statement) =>
      warehouse.transaction((inner) => work(session(inner)), merged(statement)),
    connection: (work, statement) => warehouse.connection((inner) => work(session(inner)), merged(statement)),
    ...(warehouse.load && {
      load: (files, before, statement) =>
        warehouse.load?.(files, (inner) => before(session(inner)), merged(statement)) ?? Promise.resolve(),
    }),
    close: () => warehouse.close(),
  };
}
