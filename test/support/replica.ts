import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import type { Client } from '@temporalio/client';
import { resultOf, startRun } from '../../clients/runs.js';
import { workerEntry } from '../../clients/worker-entry.js';
import { readStreams, REPLICATION } from '../../engines/lake/bronze.js';
import { CommitLog } from '../../engines/lake/commit-log.js';
import { openLocalStore } from '../../engines/lake/local-store.js';
import { loadProject } from '../../engines/project/load.js';
import { bindSource } from '../../engines/warehouse/bind-source.js';
import { openDuckDb } from '../../engines/warehouse/duckdb.js';
import type { Warehouse } from '../../engines/warehouse/port.js';
import { ManifestEntry } from '../../schemas/lake.js';
import type { PostgresServer } from './postgres-server.js';

export interface ReplicaProject {
  root: string;
  /** writes the project anew, with these streams of the source `db` */
  declare: (streams: Record<string, object>, replication?: object) => void;
  /** what its secret says from now on */
  setUrl: (url: string) => void;
  /** what bronze holds of the source */
  bronze: () => ReturnType<typeof readStreams>;
  /** keys of the batches of each commit */
  commits: () => Promise<string[][]>;
  /** an empty warehouse with the source bound into it; to be closed by the caller */
  warehouse: () => Promise<Warehouse>;
  remove: () => void;
}

/** A project with one replicated source, `db`, and a pipeline, `load`, that waits for all of it. */
export function makeReplicaProject(name: string, url: string): ReplicaProject {
  const root = mkdtempSync(join(tmpdir(), 'millrace-replica-'));
  const setUrl = (to: string): void => writeFileSync(join(root, 'url'), to);
  setUrl(url);
  // one store: what was read of its log is read once
  const lake = openLocalStore(join(root, '.millrace', 'lake'));
  const bronze = async () => readStreams(await lake, 'db', REPLICATION);
  return {
    ...{ root, setUrl, bronze },
    commits: async () => {
      const log = new CommitLog(await lake, `bronze/db/${REPLICATION}/_manifest`, ManifestEntry);
      return (await log.read()).entries.map(({ batches }) => batches.map(({ key }) => key));
    },
    declare: (streams, replication = {}) => {
      const cdc = Object.fromEntries(
        Object.entries(streams).map(([table, stream]) => [table, { load: 'cdc', ...stream }]),
      );
      const source = {
        ...{ kind: 'postgres', url: `file:${join(root, 'url')}`, streams: cdc },
        replication: { flushEvery: '100ms', ...replication },
      };
      const pipelines = { load: { cadence: 'day', extract: ['db.*'] } };
      writeFileSync(
        join(root, 'millrace.ts'),
        `import { project } from 'millrace';\nexport default project(${JSON.stringify({ name, sources: { db: source }, pipelines })});\n`,
      );
    },
    warehouse: async () => {
      const { spec } = await loadProject(root);
      const warehouse = await openDuckDb({ path: ':memory:', memoryLimit: '1GB' });
      await bindSource({ warehouse, lake: await lake, source: 'db', spec: spec.sources['db'] as never });
      return warehouse;
    },
    remove: () => rmSync(root, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** A run returns when bronze holds all that the source had committed before. */
export const catchUp = async (client: Client, root: string, interval = '2026-01-05') =>
  resultOf(client, await startRun(client, root, { pipeline: 'load', interval }));

/**
 * Tables of which each row's version has a number of its own, and of which the server itself keeps a record of what
 * was done to them: change by change, in `audit`.
 */
export const AUDITED = `
  CREATE SEQUENCE versions;
  CREATE TABLE audit (tbl text, op text, key text, v bigint, xid xid8 DEFAULT pg_current_xact_id());
  CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.v := nextval('versions'); RETURN NEW; END $$;
  CREATE FUNCTION key_of(r jsonb, columns text[]) RETURNS text LANGUAGE sql AS
    $$ SELECT string_agg(r->>c, '/' ORDER BY n) FROM unnest(columns) WITH ORDINALITY AS u(c, n) $$;
  CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE was text; now text;
    BEGIN
      IF TG_OP <> 'INSERT' THEN was := key_of(to_jsonb(OLD), TG_ARGV); END IF;
      IF TG_OP <> 'DELETE' THEN now := key_of(to_jsonb(NEW), TG_ARGV); END IF;
      IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND was <> now THEN
        INSERT INTO audit VALUES (TG_TABLE_NAME, 'd', was, NULL);
      END IF;
      IF TG_OP <> 'DELETE' THEN
        INSERT INTO audit VALUES (TG_TABLE_NAME, CASE WHEN was = now THEN 'u' ELSE 'i' END, now, NEW.v);
      END IF;
      RETURN NULL;
    END $$;
  CREATE FUNCTION note_truncate() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO audit VALUES (TG_TABLE_NAME, 't', NULL, NULL); RETURN NULL; END $$;
  CREATE TABLE items (id int PRIMARY KEY, name text, n numeric(12,3), big text, v bigint);
  ALTER TABLE items ALTER big SET STORAGE EXTERNAL;
  CREATE TABLE pairs (a int, b text, note text, v bigint, PRIMARY KEY (a, b));
  CREATE TABLE whole (k text PRIMARY KEY, note text, v bigint);
  ALTER TABLE whole REPLICA IDENTITY FULL;
  ${Object.entries({ items: ['id'], pairs: ['a', 'b'], whole: ['k'] })
    .map(
      ([table, key]) => `
        CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION stamp();
        CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON ${table} FOR EACH ROW
          EXECUTE FUNCTION note(${key.map((column) => `'${column}'`).join(', ')});
        CREATE TRIGGER note_truncate AFTER TRUNCATE ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION note_truncate();`,
    )
    .join('')}
  INSERT INTO items SELECT i, 'item ' || i, i / 8.0, repeat(md5(i::text), 100) FROM generate_series(1, 2000) i;
  INSERT INTO pairs SELECT i % 100, 'b' || i, 'pair', 0 FROM generate_series(1, 5000) i;
  INSERT INTO whole SELECT 'k' || i, 'whole', 0 FROM generate_series(1, 500) i;
  TRUNCATE audit;`;

interface AuditedTable {
  key: string[];
  /** its content as expressions that both databases write in the same way */
  content: string[];
}
export const AUDITED_TABLES: Record<string, AuditedTable> = {
  items: { key: ['id'], content: ['id', 'name', 'n', 'md5(big)', 'v'] },
  pairs: { key: ['a', 'b'], content: ['a', 'b', 'note', 'v'] },
  whole: { key: ['k'], content: ['k', 'note', 'v'] },
};

export interface Workload {
  /** one transaction in so many changes 20,000 rows at once */
  large?: number;
  /** and one in so many truncates a table */
  truncates?: number;
  seed: number;
  stopped: () => boolean;
  /** milliseconds between transactions, at most */
  pause?: number;
}

/** Inserts, updates, deletes and changes keys until told to stop. Several may run at once. @returns transactions */
export async function write(url: string, { seed, stopped, pause = 20, ...kinds }: Workload): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const next = chance(seed);
  let count = 0;
  try {
    for (; !stopped(); count++) {
      const statements = Array.from({ length: 1 + next(5) }, () => statement(next));
      if (kinds.large && next(kinds.large) === 0) {
        statements.push(
          `INSERT INTO pairs SELECT 1000 + i % 10, 'large ' || i, 'large', 0 FROM generate_series(1, 20000) i ON CONFLICT (a, b) DO UPDATE SET note = 'again'`,
        );
      }
      if (kinds.truncates && next(kinds.truncates) === 0) statements.push('TRUNCATE whole');
      if (kinds.large && next(2 * kinds.large) === 0) statements.push(`DELETE FROM pairs WHERE a >= 1000`);
      const end = next(9) === 0 ? 'ROLLBACK' : 'COMMIT';
      await client.query(['BEGIN', ...statements, end].join(';')).catch(async (error: { code?: string }) => {
        await client.query('ROLLBACK');
        // two writers that wait for each other, or race for a key
        if (!['40P01', '23505'].includes(error.code ?? '')) throw error;
      });
      await new Promise((resolve) => setTimeout(resolve, next(pause)));
    }
  } finally {
    await client.end();
  }
  return count;
}

function statement(next: (below: number) => number): string {
  const id = 1 + next(2500);
  const statements = [
    `INSERT INTO items VALUES (${id}, 'new "${id}", again', ${id}.125, repeat(md5('${id}'), 80)) ON CONFLICT (id) DO UPDATE SET name = 'conflict ${id}'`,
    `UPDATE items SET n = n + 1 WHERE id BETWEEN ${id} AND ${id + 20}`,
    `UPDATE items SET big = repeat(md5('${next(99_999)}'), 90) WHERE id = ${id}`,
    `UPDATE items SET id = id + 10000 WHERE id = ${id} AND NOT EXISTS (SELECT 1 FROM items WHERE id = ${id + 10_000})`,
    `UPDATE items SET id = id - 10000 WHERE id = ${id + 10_000} AND NOT EXISTS (SELECT 1 FROM items WHERE id = ${id})`,
    `DELETE FROM items WHERE id = ${id}`,
    `INSERT INTO pairs VALUES (${id % 100}, 'b${id}', 'inserted', 0) ON CONFLICT DO NOTHING`,
    `UPDATE pairs SET note = 'updated ${id}' WHERE a = ${id % 100}`,
    `DELETE FROM pairs WHERE b = 'b${id}'`,
    `INSERT INTO whole VALUES ('k${id % 600}', 'inserted', 0) ON CONFLICT (k) DO UPDATE SET note = 'conflict'`,
    `UPDATE whole SET k = k || 'x' WHERE k = 'k${id % 600}' AND NOT EXISTS (SELECT 1 FROM whole WHERE k = 'k${id % 600}x')`,
    `DELETE FROM whole WHERE k LIKE 'k${id % 600}x%'`,
  ];
  return statements[next(statements.length)] as string;
}

/** Repeatable chance: whole numbers below the given one. */
export function chance(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Count and order-independent checksum of rows, in SQL that Postgres and DuckDB each understand. */
const checksums = {
  postgres: (columns: string[]): string =>
    `count(*)::int AS rows, coalesce(sum(('x' || substr(md5(concat_ws('|', ${columns.join(', ')})), 1, 15))::bit(60)::bigint), 0)::text AS sum`,
  duckdb: (columns: string[]): string =>
    `count(*)::int AS rows, coalesce(sum(('0x' || substr(md5(concat_ws('|', ${columns.join(', ')})), 1, 15))::bigint), 0)::varchar AS sum`,
};

export interface Difference {
  what: string;
  source: unknown;
  replica: unknown;
}

/** A table in Postgres, what the warehouse shows, and what its changes make when they are replayed here. */
async function statesOf(
  server: PostgresServer['sql'],
  warehouse: Warehouse,
  table: string,
  { key, content }: AuditedTable,
) {
  const [source] = await server(`SELECT ${checksums.postgres(content)} FROM ${table}`);
  const [landed] = await warehouse.query(`SELECT ${checksums.duckdb(content)} FROM db.${table}`);
  // the copy comes first; a value that a change left out is the one that its row had before
  const replayed = `
    WITH c AS (SELECT *, (_op <> 'r')::int AS later FROM db.${table}__changes),
    cut AS (SELECT max((_lsn, _seq)) AS at FROM c WHERE _op = 't'),
    alive AS (SELECT c.* FROM c, cut WHERE _op <> 't' AND (cut.at IS NULL OR later = 1 AND (_lsn, _seq) > cut.at))
    SELECT * FROM alive QUALIFY row_number() OVER (PARTITION BY ${key.join(', ')} ORDER BY later DESC, _lsn DESC, _seq DESC) = 1 AND _op <> 'd'`;
  const plain = content.filter((column) => !column.includes('big'));
  const [own] = await warehouse.query(`SELECT ${checksums.duckdb(plain)} FROM (${replayed})`);
  const [same] = await server(`SELECT ${checksums.postgres(plain)} FROM ${table}`);
  return [
    { what: `${table}: the warehouse's relation`, source, replica: landed },
    { what: `${table}: its changes, replayed`, source: same, replica: own },
  ];
}

/** What the server noted of a table, and the changes that bronze holds of it. */
async function changesOf(
  server: PostgresServer['sql'],
  warehouse: Warehouse,
  table: string,
  { key }: AuditedTable,
  copied: string,
) {
  const source = await server(
    `SELECT op, ${checksums.postgres(['key', 'v'])} FROM audit
     WHERE tbl = '${table}' AND NOT pg_visible_in_snapshot(xid, '${copied}') GROUP BY op ORDER BY op`,
  );
  const joined = `concat_ws('/', ${key.join(', ')})`;
  const replica = await warehouse.query(
    `SELECT op, ${checksums.duckdb(['key', 'v'])} FROM (
       SELECT _op AS op, CASE WHEN _op <> 't' THEN ${joined} END AS key, CASE WHEN _op IN ('i', 'u') THEN v END AS v
       FROM db.${table}__changes WHERE _op <> 'r') GROUP BY op ORDER BY op`,
  );
  const [versions] = await warehouse.query(
    `SELECT count(*)::int AS rows, count(DISTINCT v)::int AS versions FROM db.${table}__history`,
  );
  const [told] = await warehouse.query(
    `SELECT count(*)::int AS rows, count(DISTINCT v)::int AS versions FROM db.${table}__changes WHERE _op IN ('r', 'i', 'u')`,
  );
  return [
    { what: `${table}: each change, once`, source, replica },
    { what: `${table}: each version in the history, once`, source: told, replica: versions },
  ];
}

/**
 * Compares every table with its replica: what it is now, and what has been done to it since its copy, of which there
 * must be one.
 * @returns both sides, for `expect`
 */
export async function bothSides(
  server: PostgresServer['sql'],
  project: ReplicaProject,
  tables = AUDITED_TABLES,
): Promise<Difference[]> {
  const { streams } = await project.bronze();
  const warehouse = await project.warehouse();
  try {
    const found: Difference[] = [];
    for (const [name, table] of Object.entries(tables)) {
      const copied = streams.get(name)?.findLast(({ snapshot }) => snapshot)?.snapshot?.visible ?? 'none';
      found.push(...(await statesOf(server, warehouse, name, table)));
      found.push(...(await changesOf(server, warehouse, name, table, copied)));
    }
    return found;
  } finally {
    await warehouse.close();
  }
}

export interface SlotWatch {
  /** what the slot had let go when bronze held so many commits */
  stop: () => Promise<{ at: string; version: number }[]>;
}

/** Asks the server over and over how far its slot is. */
export async function watchSlot(url: string, slot: string, project: ReplicaProject): Promise<SlotWatch> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const seen: { at: string; version: number }[] = [];
  let ended = false;
  const polling = (async () => {
    while (!ended) {
      const { rows } = await client.query<{ at: string | null }>(
        'SELECT confirmed_flush_lsn::text AS at FROM pg_replication_slots WHERE slot_name = $1',
        [slot],
      );
      const at = rows[0]?.at;
      // bronze is read after the slot: it only grows, so that no more is forgiven than what came in between
      if (at && at !== seen.at(-1)?.at) seen.push({ at, version: (await project.bronze()).version });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  return {
    stop: async () => {
      ended = true;
      await polling;
      await client.end();
      return seen;
    },
  };
}

/** Changes that the slot had let go before they were in bronze: they would have been lost by a crash just then. */
export async function letGoTooEarly(
  project: ReplicaProject,
  seen: { at: string; version: number }[],
): Promise<string[]> {
  const first = new Map<string, string>();
  const warehouse = await project.warehouse();
  try {
    for (const table of Object.keys(AUDITED_TABLES)) {
      const rows = await warehouse.query<{ batch: string; lsn: string }>(
        `SELECT _batch AS batch, min(_lsn)::varchar AS lsn FROM db.${table}__changes WHERE _op <> 'r' GROUP BY ALL`,
      );
      for (const { batch, lsn } of rows) first.set(batch, lsn);
    }
  } finally {
    await warehouse.close();
  }
  const commits = await project.commits();
  const early: string[] = [];
  for (const { at, version } of seen) {
    for (const [n, keys] of commits.entries()) {
      for (const key of n < version ? [] : keys) {
        if (BigInt(first.get(key) ?? lsnOf(at)) < lsnOf(at))
          early.push(`${at} at commit ${version}: ${key} of ${n + 1}`);
      }
    }
  }
  return early;
}

const lsnOf = (text: string): bigint => {
  const [high = '0', low = '0'] = text.split('/');
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
};

/** Workflow code that gives up on a worker after three silent seconds and tries again after one: more kills a minute. */
export function impatientBundle(folder: string): string {
  let code = readFileSync(join(dirname(workerEntry()), 'workflow-bundle.js'), 'utf8');
  const path = join(folder, 'workflow-bundle.js');
  for (const [from, to] of [
    ["heartbeatTimeout = '10s'", "heartbeatTimeout = '3s'"],
    ["maximumInterval: '1m'", "maximumInterval: '1s'"],
  ] as const) {
    if (!code.includes(from)) throw new Error(`the policies have other words than ${from} now`);
    code = code.replace(from, to);
  }
  writeFileSync(path, code);
  return path;
}
