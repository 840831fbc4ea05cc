import {
  quoteIdent,
  stored,
  type ListedRelation,
  type RelationName,
  type RelationType,
  type SchemaName,
  type Session,
  type Warehouse,
} from '../../warehouse/port.js';
import type { Environment } from '../context/environment.js';

const KNOWN = new WeakMap<Environment, WeakMap<Warehouse, Catalog>>();

/** What a run knows of the relations in a warehouse: of use while nobody else makes or drops any. */
export function catalogOf(environment: Environment, warehouse: Warehouse): Catalog {
  let catalogs = KNOWN.get(environment);
  if (!catalogs) KNOWN.set(environment, (catalogs = new WeakMap<Warehouse, Catalog>()));
  let catalog = catalogs.get(warehouse);
  if (!catalog) catalogs.set(warehouse, (catalog = new Catalog(warehouse)));
  return catalog;
}

const schemaKey = ({ database, schema }: SchemaName): string => `${database ?? ''}.${schema}`.toLowerCase();

/** Relations by schema; each schema is listed once, and what the run makes is added. */
export class Catalog {
  private readonly listed = new Map<string, Promise<Map<string, ListedRelation>>>();
  private readonly schemas = new Map<string, Promise<unknown>>();

  constructor(private readonly warehouse: Warehouse) {}

  /** @param session that lists, where that was not done yet: who is inside a transaction may not wait for another one */
  async relations(schema: SchemaName, session: Session): Promise<ListedRelation[]> {
    return [...(await this.list(schema, session)).values()];
  }

  /** Notes what has been committed. */
  async note(relation: RelationName, type: RelationType): Promise<void> {
    const listed = await this.listed.get(schemaKey(relation));
    listed?.set(relation.name.toLowerCase(), { ...relation, type });
  }

  /** For statements whose effect is not known: everything is listed again. */
  forget(): void {
    this.listed.clear();
    this.schemas.clear();
  }

  /** Makes a schema, once. */
  ensureSchema(schema: SchemaName): Promise<unknown> {
    const key = schemaKey(schema);
    let made = this.schemas.get(key);
    if (!made) {
      const name = [...(schema.database === undefined ? [] : [schema.database]), schema.schema];
      made = this.warehouse.transaction((session) =>
        session.run(
          `CREATE SCHEMA IF NOT EXISTS ${name.map((part) => quoteIdent(stored(this.warehouse.dialect, part))).join('.')}`,
        ),
      );
      this.schemas.set(key, made);
      made.catch(() => this.schemas.delete(key));
    }
    return made;
  }

  private list(schema: SchemaName, session: Session): Promise<Map<string, ListedRelation>> {
    const key = schemaKey(schema);
    let listed = this.listed.get(key);
    if (!listed) {
      const { database, schema: name } = schema;
      listed = session
        .relations({ database, schema: name })
        .then((found) => new Map(found.map((each) => [each.name.toLowerCase(), each])));
      this.listed.set(key, listed);
      listed.catch(() => this.listed.delete(key));
    }
    return listed;
  }
}

/** Statements after which a listing may be out of date. */
const CHANGES = /\b(create(?!\s+(or\s+replace\s+)?temp)|drop|rename|attach|detach|undrop)\b/i;

export interface Watched {
  session: Session;
  /** whether a statement may have made, dropped or renamed a relation */
  changed(): boolean;
}

/**
 * A session that answers `relations` from a catalog, until one of its own statements may have changed them.
 *
 * @param catalog none where others write to the warehouse, too
 */
export function watched(session: Session, catalog: Catalog | null): Watched {
  let changed = false;
  const see = (sql: string): void => {
    changed ||= CHANGES.test(sql);
  };
  return {
    changed: () => changed,
    session: {
      query: (sql, statement) => (see(sql), session.query(sql, statement)),
      execute: (sql, statement) => (see(sql), session.execute(sql, statement)),
      run: (sql, statement) => (see(sql), session.run(sql, statement)),
      describe: (relation, statement) => session.describe(relation, statement),
      relations: (schema, statement) =>
        catalog && !changed ? catalog.relations(schema, session) : session.relations(schema, statement),
      replace: (made, live, former) => ((changed = true), session.replace(made, live, former)),
      drop: (relation) => ((changed = true), session.drop(relation)),
    },
  };
}
