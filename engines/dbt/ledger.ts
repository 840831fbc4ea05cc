import {
  quoteRelation,
  quoteText,
  type RelationName,
  type RelationType,
  type Row,
  type Session,
  type Warehouse,
} from '../warehouse/port.js';

const SCHEMA = 'millrace';
const ready = new WeakMap<Warehouse, Promise<unknown>>();

/** Makes the ledger's tables once for each warehouse. `id` is the relation's {@link keyName}. */
export function prepareLedger(warehouse: Warehouse): Promise<unknown> {
  let made = ready.get(warehouse);
  if (!made) {
    made = warehouse.transaction((session) =>
      session.run(`
        CREATE SCHEMA IF NOT EXISTS ${SCHEMA};
        CREATE TABLE IF NOT EXISTS ${SCHEMA}.relations (
          id VARCHAR, key VARCHAR, node VARCHAR, rows BIGINT, run VARCHAR, published_at TIMESTAMPTZ);
        CREATE TABLE IF NOT EXISTS ${SCHEMA}.audits (
          id VARCHAR, key VARCHAR, audit VARCHAR, rows BIGINT, run VARCHAR, built_at TIMESTAMPTZ);
        CREATE TABLE IF NOT EXISTS ${SCHEMA}.tests (
          node VARCHAR, key VARCHAR, status VARCHAR, failures DOUBLE, run VARCHAR, tested_at TIMESTAMPTZ)`),
    );
    ready.set(warehouse, made);
    made.catch(() => ready.delete(warehouse));
  }
  return made;
}

export const keyName = ({ schema, name }: RelationName): string => `${schema}.${name}`.toLowerCase();

export interface Published {
  /** content key */
  key: string;
  rows: number | null;
  run: string;
}

/** Rows that wait for publication, under a name of their own in the relation's schema. */
export interface Audit extends Published {
  name: string;
}

export interface LedgerState {
  /** by {@link keyName} */
  published: Map<string, Published>;
  audits: Map<string, Audit>;
}

/**
 * What the ledger knows of some relations, in one query.
 *
 * @param run whose audits are meant
 */
export async function readLedger(
  session: Session,
  relations: readonly RelationName[],
  run: string,
): Promise<LedgerState> {
  const state: LedgerState = { published: new Map(), audits: new Map() };
  if (relations.length === 0) return state;
  const ids = `(${[...new Set(relations.map(keyName))].map(quoteText).join(', ')})`;
  const rows = await session.query<Row & Published & { id: string; name: string | null }>(`
    SELECT id, key, rows, run, NULL AS name FROM ${SCHEMA}.relations WHERE id IN ${ids} UNION ALL
    SELECT id, key, rows, run, audit FROM ${SCHEMA}.audits WHERE id IN ${ids} AND run = ${quoteText(run)}`);
  for (const { id, key, rows: count, run: by, name } of rows)
    if (name === null) state.published.set(id, { key, rows: count, run: by });
    else state.audits.set(id, { key, rows: count, run: by, name });
  return state;
}

/**
 * The content key of what a relation holds.
 *
 * @returns undefined when no run has published it
 */
export async function publishedKey(session: Session, relation: RelationName): Promise<string | undefined> {
  const known = await session.query(
    `SELECT 1 FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = ${quoteText(SCHEMA)} AND table_name = 'relations'`,
  );
  if (known.length === 0) return undefined;
  const { published } = await readLedger(session, [relation], '');
  return published.get(keyName(relation))?.key;
}

/** What stands under some names of a schema, whoever made it; by name in lower case. */
export async function relationTypes(
  session: Session,
  schema: string,
  names: readonly string[],
): Promise<Map<string, RelationType>> {
  const among = (column: string): string =>
    `database_name = current_database() AND lower(schema_name) = ${quoteText(schema.toLowerCase())} AND lower(${column}) IN (${names.map((name) => quoteText(name.toLowerCase())).join(', ')})`;
  const rows = await session.query<{ name: string; type: RelationType }>(
    `SELECT lower(table_name) AS name, 'table' AS type FROM duckdb_tables() WHERE ${among('table_name')} UNION ALL
     SELECT lower(view_name), 'view' FROM duckdb_views() WHERE ${among('view_name')}`,
  );
  return new Map(rows.map(({ name, type }) => [name, type]));
}

export interface Entry extends Published {
  relation: RelationName;
  node: string;
}

const values = (texts: string[], number: number | null, run: string): string =>
  `VALUES (${texts.map(quoteText).join(', ')}, ${number === null ? 'NULL' : number}, ${quoteText(run)}, now())`;

/** Part of the transaction that publishes. */
export async function recordPublished(
  session: Session,
  { relation, key, node, rows, run }: Entry,
): Promise<void> {
  const id = quoteText(keyName(relation));
  await session.run(`
    DELETE FROM ${SCHEMA}.relations WHERE id = ${id};
    DELETE FROM ${SCHEMA}.audits WHERE id = ${id} AND run = ${quoteText(run)};
    INSERT INTO ${SCHEMA}.relations ${values([keyName(relation), key, node], rows, run)}`);
}

/** Part of the transaction that builds an audit relation. */
export async function recordAudit(
  session: Session,
  { relation, key, rows, run }: Entry,
  audit: string,
): Promise<void> {
  await session.run(`
    DELETE FROM ${SCHEMA}.audits WHERE id = ${quoteText(keyName(relation))} AND run = ${quoteText(run)};
    INSERT INTO ${SCHEMA}.audits ${values([keyName(relation), key, audit], rows, run)}`);
}

/** Drops audit relations that nobody has published for a day: no run waits that long between building and publishing. */
export async function dropStaleAudits(session: Session, relation: RelationName): Promise<void> {
  const id = quoteText(keyName(relation));
  const rows = await session.query<{ audit: string }>(
    `SELECT audit FROM ${SCHEMA}.audits WHERE id = ${id} GROUP BY audit HAVING max(built_at) < now() - INTERVAL 1 DAY`,
  );
  if (rows.length === 0) return;
  const types = await relationTypes(
    session,
    relation.schema,
    rows.map(({ audit }) => audit),
  );
  for (const [name, type] of types)
    await session.run(`DROP ${type} ${quoteRelation({ schema: relation.schema, name })}`);
  await session.run(
    `DELETE FROM ${SCHEMA}.audits WHERE id = ${id} AND audit IN (${rows.map(({ audit }) => quoteText(audit)).join(', ')})`,
  );
}

/** Drops what a run has built and will not publish; what another run waits for, too, stays. */
export async function dropAudits(
  session: Session,
  relations: readonly RelationName[],
  run: string,
): Promise<void> {
  const { audits } = await readLedger(session, relations, run);
  await session.run(`DELETE FROM ${SCHEMA}.audits WHERE run = ${quoteText(run)}`);
  const others = await session.query<{ id: string; audit: string }>(`SELECT id, audit FROM ${SCHEMA}.audits`);
  for (const relation of relations) {
    const id = keyName(relation);
    const name = audits.get(id)?.name;
    if (name === undefined || others.some((other) => other.id === id && other.audit === name)) continue;
    const type = (await relationTypes(session, relation.schema, [name])).get(name.toLowerCase());
    if (type) await session.run(`DROP ${type} ${quoteRelation({ schema: relation.schema, name })}`);
  }
}

export interface TestRecord {
  status: string;
  failures: number;
  run: string;
}

export async function testRecord(
  session: Session,
  node: string,
  key: string,
): Promise<TestRecord | undefined> {
  const [row] = await session.query<Row & TestRecord>(
    `SELECT status, failures, run FROM ${SCHEMA}.tests WHERE node = ${quoteText(node)} AND key = ${quoteText(key)}`,
  );
  return row;
}

export async function recordTest(
  warehouse: Warehouse,
  node: string,
  key: string,
  { status, failures, run }: TestRecord,
): Promise<void> {
  await warehouse.transaction((session) =>
    session.run(`
      DELETE FROM ${SCHEMA}.tests WHERE node = ${quoteText(node)};
      INSERT INTO ${SCHEMA}.tests ${values([node, key, status], failures, run)}`),
  );
}
