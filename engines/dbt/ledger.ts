import { quoteIdent, quoteText, type RelationName, type RelationType, type Row, type Session, type Warehouse } from '../warehouse/port.js';

const SCHEMA = 'millrace';
const ready = new WeakMap<Warehouse, Promise<unknown>>();

/** What a relation holds now, and where its next rows wait. */
export interface RelationState {
  /** content key of what is published; null when the ledger knows nothing of it */
  key: string | null;
  rows: number | null;
  run: string | null;
  /** what stands under the name, whoever made it */
  type: RelationType | null;
  audit: { name: string; key: string; rows: number | null; type: RelationType | null } | null;
}

/** Makes the ledger's tables once for each warehouse. */
export function prepareLedger(warehouse: Warehouse): Promise<unknown> {
  let made = ready.get(warehouse);
  if (!made) {
    made = warehouse.transaction((session) =>
      session.run(`
        CREATE SCHEMA IF NOT EXISTS ${SCHEMA};
        CREATE TABLE IF NOT EXISTS ${SCHEMA}.relations (
          schema_name VARCHAR, name VARCHAR, key VARCHAR, node VARCHAR, rows BIGINT, run VARCHAR, published_at TIMESTAMPTZ);
        CREATE TABLE IF NOT EXISTS ${SCHEMA}.audits (
          schema_name VARCHAR, name VARCHAR, key VARCHAR, audit VARCHAR, rows BIGINT, run VARCHAR, built_at TIMESTAMPTZ);
        CREATE TABLE IF NOT EXISTS ${SCHEMA}.tests (
          node VARCHAR, key VARCHAR, status VARCHAR, failures DOUBLE, run VARCHAR, tested_at TIMESTAMPTZ)`),
    );
    ready.set(warehouse, made);
    made.catch(() => ready.delete(warehouse));
  }
  return made;
}

const at = ({ schema, name }: RelationName, alias = ''): string =>
  `lower(${alias}schema_name) = lower(${quoteText(schema)}) AND lower(${alias}name) = lower(${quoteText(name)})`;
const typeOf = (schema: string, name: string): string => `(
  SELECT CASE table_type WHEN 'VIEW' THEN 'view' ELSE 'table' END FROM information_schema.tables
   WHERE table_catalog = current_database() AND lower(table_schema) = lower(${schema}) AND lower(table_name) = lower(${name}))`;

interface StateRow extends Omit<RelationState, 'audit'> {
  audit: string | null;
  audit_key: string | null;
  audit_rows: number | null;
  audit_type: RelationType | null;
}

/** @param run whose audit relation is meant */
export async function relationState(session: Session, relation: RelationName, run: string): Promise<RelationState> {
  const [row] = await session.query<Row & StateRow>(`
    SELECT r.key, r.rows, r.run, ${typeOf(quoteText(relation.schema), quoteText(relation.name))} AS type,
           a.audit, a.key AS audit_key, a.rows AS audit_rows, ${typeOf('a.schema_name', 'a.audit')} AS audit_type
      FROM (SELECT 1)
      LEFT JOIN (FROM ${SCHEMA}.relations WHERE ${at(relation)}) r ON true
      LEFT JOIN (FROM ${SCHEMA}.audits WHERE ${at(relation)} AND run = ${quoteText(run)}) a ON true`);
  const state = row as StateRow;
  const { key, rows, run: by, type, audit: name } = state;
  const audit =
    name === null || state.audit_key === null
      ? null
      : { name, key: state.audit_key, rows: state.audit_rows, type: state.audit_type };
  return { key, rows, run: by, type, audit };
}

/**
 * The content key of what a relation holds.
 *
 * @returns undefined when no run has published it
 */
export async function publishedKey(session: Session, relation: RelationName): Promise<string | undefined> {
  const known = await session.query(
    `SELECT 1 FROM information_schema.tables WHERE table_schema = ${quoteText(SCHEMA)} AND table_name = 'relations'`,
  );
  if (known.length === 0) return undefined;
  return (await publishedKeys(session, [relation])).get(keyName(relation));
}

export const keyName = ({ schema, name }: RelationName): string => `${schema}.${name}`.toLowerCase();

/** Content keys of several relations, by {@link keyName}; those that nothing was published to are left out. */
export async function publishedKeys(session: Session, relations: readonly RelationName[]): Promise<Map<string, string>> {
  if (relations.length === 0) return new Map();
  const rows = await session.query<{ schema_name: string; name: string; key: string }>(
    `SELECT schema_name, name, key FROM ${SCHEMA}.relations WHERE ${relations.map((each) => `(${at(each)})`).join(' OR ')}`,
  );
  return new Map(rows.map(({ schema_name, name, key }) => [keyName({ schema: schema_name, name }), key]));
}

export interface Entry {
  relation: RelationName;
  key: string;
  node: string;
  rows: number | null;
  run: string;
}

const number = (value: number | null): string => (value === null ? 'NULL' : String(value));

/** Part of the transaction that publishes. */
export async function recordPublished(session: Session, { relation, key, node, rows, run }: Entry): Promise<void> {
  const { schema, name } = relation;
  await session.run(`
    DELETE FROM ${SCHEMA}.relations WHERE ${at(relation)};
    DELETE FROM ${SCHEMA}.audits WHERE ${at(relation)} AND run = ${quoteText(run)};
    INSERT INTO ${SCHEMA}.relations VALUES (${[schema, name, key, node].map(quoteText).join(', ')}, ${number(rows)}, ${quoteText(run)}, now())`);
}

/** Part of the transaction that builds an audit relation. */
export async function recordAudit(session: Session, { relation, key, rows, run }: Entry, audit: string): Promise<void> {
  const { schema, name } = relation;
  await session.run(`
    DELETE FROM ${SCHEMA}.audits WHERE ${at(relation)} AND run = ${quoteText(run)};
    INSERT INTO ${SCHEMA}.audits VALUES (${[schema, name, key, audit].map(quoteText).join(', ')}, ${number(rows)}, ${quoteText(run)}, now())`);
}

/** Audit relations that were never published, a day after they were built: nobody waits for them any more. */
export async function dropStaleAudits(session: Session, relation: RelationName): Promise<void> {
  const rows = await session.query<{ audit: string; type: RelationType | null }>(
    `SELECT DISTINCT audit, ${typeOf('schema_name', 'audit')} AS type FROM ${SCHEMA}.audits a
      WHERE ${at(relation)} AND built_at < now() - INTERVAL 1 DAY
        AND NOT EXISTS (FROM ${SCHEMA}.audits b WHERE b.audit = a.audit AND b.schema_name = a.schema_name AND b.built_at >= now() - INTERVAL 1 DAY)`,
  );
  for (const { audit, type } of rows)
    if (type !== null) await session.run(`DROP ${type} IF EXISTS ${quoteIdent(relation.schema)}.${quoteIdent(audit)}`);
  if (rows.length > 0)
    await session.run(`DELETE FROM ${SCHEMA}.audits WHERE ${at(relation)} AND built_at < now() - INTERVAL 1 DAY`);
}

export interface TestRecord {
  status: string;
  failures: number;
  run: string;
}

export async function testRecord(session: Session, node: string, key: string): Promise<TestRecord | undefined> {
  const [row] = await session.query(
    `SELECT status, failures, run FROM ${SCHEMA}.tests WHERE node = ${quoteText(node)} AND key = ${quoteText(key)}`,
  );
  return row as TestRecord | undefined;
}

export async function recordTest(warehouse: Warehouse, node: string, key: string, { status, failures, run }: TestRecord): Promise<void> {
  await warehouse.transaction((session) =>
    session.run(`
      DELETE FROM ${SCHEMA}.tests WHERE node = ${quoteText(node)};
      INSERT INTO ${SCHEMA}.tests VALUES (${[node, key, status].map(quoteText).join(', ')}, ${failures}, ${quoteText(run)}, now())`),
  );
}
