import {
  findNamed,
  quoteText,
  type RelationName,
  type Row,
  type Session,
  type Warehouse,
} from '../warehouse/port.js';

const SCHEMA = 'millrace';
const ready = new WeakMap<Warehouse, Map<string, Promise<unknown>>>();

/** Noting a run twice does no harm. */
const KEPT = 100;
/** No run goes on for longer, and nobody needs to know that an older one did. */
const REMEMBERED = '30 days';

/**
 * Makes the ledger's tables, and notes that this run needs them: the end of another one must not take them away. Once
 * for each warehouse and run. `id` is the relation's {@link keyName}; the note has none.
 */
export function prepareLedger(warehouse: Warehouse, run: string): Promise<unknown> {
  const runs = ready.get(warehouse) ?? new Map<string, Promise<unknown>>();
  ready.set(warehouse, runs);
  let made = runs.get(run);
  if (!made) {
    made = warehouse.transaction(async (session) => {
      await renameCounts(session);
      await session.run(`
        CREATE SCHEMA IF NOT EXISTS ${SCHEMA};
        CREATE TABLE IF NOT EXISTS ${SCHEMA}.relations (
          id VARCHAR, key VARCHAR, node VARCHAR, row_count BIGINT, run VARCHAR, published_at TIMESTAMPTZ);
        CREATE TABLE IF NOT EXISTS ${SCHEMA}.audits (
          id VARCHAR, key VARCHAR, audit VARCHAR, row_count BIGINT, run VARCHAR, built_at TIMESTAMPTZ);
        CREATE TABLE IF NOT EXISTS ${SCHEMA}.tests (
          node VARCHAR, key VARCHAR, status VARCHAR, failures DOUBLE PRECISION, run VARCHAR, tested_at TIMESTAMPTZ)`);
      await session.run(`
        DELETE FROM ${SCHEMA}.relations
         WHERE id = '' AND (run = ${quoteText(run)} OR published_at < current_timestamp - INTERVAL '${REMEMBERED}');
        INSERT INTO ${SCHEMA}.relations ${values(['', '', ''], null, run)}`);
    });
    runs.set(run, made);
    if (runs.size > KEPT) runs.delete(runs.keys().next().value ?? '');
    made.catch(() => runs.delete(run));
  }
  return made;
}

/** Has a run left a ledger here, so that what is built must be noted in it? */
export const hasLedger = async (warehouse: Warehouse): Promise<boolean> =>
  (await warehouse.describe({ schema: SCHEMA, name: 'relations' })) !== null;

/** Ledgers made before version 0.1 count in a column whose name other warehouses reserve. */
async function renameCounts(session: Session): Promise<void> {
  for (const name of ['relations', 'audits']) {
    const found = await session.describe({ schema: SCHEMA, name });
    if (found?.columns.some((column) => column.name === 'rows'))
      await session.run(`ALTER TABLE ${SCHEMA}.${name} RENAME COLUMN rows TO row_count`);
  }
}

export const keyName = ({ database, schema, name }: RelationName): string =>
  `${database === undefined ? '' : `${database}.`}${schema}.${name}`.toLowerCase();

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
  const rows = await session.query<
    Row & { id: string; key: string; row_count: number | null; run: string; name: string | null }
  >(`
    SELECT id, key, row_count, run, NULL AS name FROM ${SCHEMA}.relations WHERE id IN ${ids} UNION ALL
    SELECT id, key, row_count, run, audit FROM ${SCHEMA}.audits WHERE id IN ${ids} AND run = ${quoteText(run)}`);
  for (const { id, key, row_count: count, run: by, name } of rows)
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
  if ((await session.describe({ schema: SCHEMA, name: 'relations' })) === null) return undefined;
  const { published } = await readLedger(session, [relation], '');
  return published.get(keyName(relation))?.key;
}

export interface Entry extends Published {
  relation: RelationName;
  node: string;
}

const values = (texts: string[], number: number | null, run: string): string =>
  `VALUES (${texts.map(quoteText).join(', ')}, ${number === null ? 'NULL' : number}, ${quoteText(run)}, current_timestamp)`;

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
    `SELECT audit FROM ${SCHEMA}.audits WHERE id = ${id} GROUP BY audit HAVING max(built_at) < current_timestamp - INTERVAL '1 day'`,
  );
  if (rows.length === 0) return;
  const listed = await session.relations(relation);
  for (const { audit } of rows) {
    const stale = findNamed(listed, audit);
    if (stale) await session.drop(stale);
  }
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
    const audit = findNamed(await session.relations(relation), name);
    if (audit) await session.drop(audit);
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

/** Forgets a run; the ledger itself goes with the last one, so that a dbt run leaves nothing behind. */
export async function forgetRun(warehouse: Warehouse, run: string): Promise<void> {
  // a run of which nothing had to be remembered made none
  if (!(await hasLedger(warehouse))) return;
  const tables = ['relations', 'audits', 'tests'].map((name) => `${SCHEMA}.${name}`);
  await warehouse.transaction(async (session) => {
    for (const table of tables) await session.run(`DELETE FROM ${table} WHERE run = ${quoteText(run)}`);
    const [left] = await session.query<{ n: number }>(
      `SELECT sum(n) AS n FROM (${tables.map((table) => `SELECT count(*) AS n FROM ${table}`).join(' UNION ALL ')}) AS counts`,
    );
    if (Number(left?.n ?? 1) > 0) return;
    for (const table of tables) await session.run(`DROP TABLE ${table}`);
    const others = await session.relations({ schema: SCHEMA });
    if (others.length === 0) await session.run(`DROP SCHEMA ${SCHEMA}`);
  });
  ready.get(warehouse)?.delete(run);
}
