import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Batch, CursorValue } from '../../../../schemas/lake.js';
import { MillraceError } from '../../../../schemas/errors.js';
import { quoteIdent } from '../../../warehouse/port.js';
import { describeTable, keyOf, type Table } from '../catalog.js';
import { withPostgres } from '../connect.js';
import { lastCopy, needsCopy, replicatedStreams, type ReplicationConfig } from './config.js';
import { readBreak, writeBreak } from './log-break.js';
import { parseLsn } from './lsn.js';
import { slotLost } from './walsender.js';

export interface PreparedTable {
  stream: string;
  /** `schema.name` */
  table: string;
  key: string[];
}

export interface Prepared {
  slot: string;
  publication: string;
  slotCreated: boolean;
  /** what the slot has been told to forget */
  confirmedLsn: string;
  tables: PreparedTable[];
  /** streams whose table has no complete copy yet, or must be copied again */
  pending: string[];
}

export interface PrepareOptions {
  /** what bronze holds, by stream, and how far the log has been read */
  batches: ReadonlyMap<string, readonly Batch[]>;
  at: CursorValue | undefined;
  /** makes a new slot in place of a lost one; then every table must be copied again */
  recreate?: boolean;
  signal?: AbortSignal | undefined;
}

/**
 * Makes the publication hold just the tables of the source's replicated streams, and the slot exist. Repeating it
 * changes nothing. Nothing is published before each table has a replica identity: the server would refuse the
 * application's updates otherwise.
 *
 * @throws MillraceError ReplicationUnavailable (with the SQL to run), AccessDenied, SlotLost, SourceMissing
 */
export function prepareReplication(config: ReplicationConfig, options: PrepareOptions): Promise<Prepared> {
  const { url, slot, publication, spec } = config;
  return withPostgres({ url, signal: options.signal }, async (client) => {
    await assertServer(client);
    const tables: { stream: string; where: string | undefined; table: Table; key: string[] }[] = [];
    for (const [stream, declared] of replicatedStreams(spec)) {
      const table = await describeTable(client, declared.table ?? stream);
      const key = keyOf(table, declared.key);
      await assertReplicable(client, table, key);
      tables.push({ stream, where: declared.where, table, key });
    }
    await publish(client, publication, tables);
    const slotCreated = await ensureSlot(client, config, options);
    const broken = await readBreak(client, publication);
    const isVoid = (batches: readonly Batch[]): boolean =>
      broken !== undefined && parseLsn(lastCopy(batches)?.snapshot?.lsn ?? '0/0') < parseLsn(broken.lsn);
    const { confirmedLsn } = await slotStatusOf(client, slot);
    return {
      ...{ slot, publication, slotCreated, confirmedLsn: confirmedLsn ?? '0/0' },
      tables: tables.map(({ stream, table, key }) => ({ stream, table: table.label, key })),
      pending: tables
        .map(({ stream }) => stream)
        .filter((stream) => {
          const batches = options.batches.get(stream) ?? [];
          return slotCreated || isVoid(batches) || needsCopy(batches);
        }),
    };
  });
}

async function assertServer(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{
    version: number;
    level: string;
    slots: number;
    used: number;
    may: boolean;
  }>(
    `SELECT current_setting('server_version_num')::int AS version, current_setting('wal_level') AS level,
       current_setting('max_replication_slots')::int AS slots, (SELECT count(*)::int FROM pg_replication_slots) AS used,
       (SELECT rolsuper OR rolreplication FROM pg_roles WHERE rolname = current_user)
         OR coalesce((SELECT pg_has_role(oid, 'member') FROM pg_roles WHERE rolname = 'rds_replication'), false) AS may`,
  );
  const { version = 0, level, may } = rows[0] ?? {};
  if (version < 130_000) {
    throw new MillraceError('ReplicationUnavailable', {
      what: `The server is PostgreSQL ${Math.floor(version / 10_000)}`,
      fix: 'Changes are captured from version 13 on',
    });
  }
  if (level !== 'logical') {
    throw new MillraceError('ReplicationUnavailable', {
      what: `The server writes its log with wal_level = ${level}, which holds no row changes`,
      fix: 'ALTER SYSTEM SET wal_level = logical; then restart the server (managed services have a parameter for it: rds.logical_replication, cloudsql.logical_decoding)',
    });
  }
  if (!may) {
    throw new MillraceError('AccessDenied', {
      what: 'The user of the source may not replicate',
      fix: 'ALTER ROLE … REPLICATION; (on Amazon RDS: GRANT rds_replication TO …;)',
    });
  }
}

/** Its updates and deletes must say which row they are about. */
async function assertReplicable(client: pg.Client, table: Table, key: string[]): Promise<void> {
  if (table.kind !== 'table' && table.kind !== 'partitioned') {
    throw new MillraceError('ReplicationUnavailable', {
      what: `${table.label} is a ${table.kind === 'view' ? 'view' : 'foreign table'}, which has no changes of its own`,
      fix: 'Replicate the tables under it, or load it in full',
    });
  }
  const { rows } = await client.query<{
    table: string;
    sql: string;
    identity: string;
    columns: string[] | null;
  }>(
    `SELECT c.oid::regclass::text AS "table", c.oid::regclass::text AS sql, c.relreplident AS identity,
       (SELECT array_agg(a.attname::text) FROM pg_index i, unnest(i.indkey) AS k(attnum)
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
        WHERE i.indrelid = c.oid AND CASE c.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END) AS columns
     FROM pg_class c
     WHERE c.oid = $1 AND c.relkind = 'r'
        OR c.oid IN (SELECT relid FROM pg_partition_tree($1::oid) WHERE isleaf)`,
    [table.oid],
  );
  for (const { table: name, sql, identity, columns } of rows) {
    const identified = identity === 'f' || (identity !== 'n' && columns !== null);
    if (!identified) {
      throw new MillraceError('ReplicationUnavailable', {
        what: `The table ${name} has no replica identity: its updates and deletes would not say which row they are about`,
        fix: `Give it a primary key, or run: ALTER TABLE ${sql} REPLICA IDENTITY FULL;`,
      });
    }
    const missing = identity === 'f' ? [] : key.filter((column) => !columns?.includes(column));
    if (missing.length > 0) {
      throw new MillraceError('ReplicationUnavailable', {
        what: `The key of the stream has ${missing.map((one) => `'${one}'`).join(', ')}, which deletes of ${name} do not tell`,
        fix: `Use ${(columns ?? []).join(', ')} as key, or run: ALTER TABLE ${sql} REPLICA IDENTITY FULL;`,
      });
    }
  }
  if (key.length === 0) {
    throw new MillraceError('ReplicationUnavailable', {
      what: `The table ${table.label} has no primary key, and the stream declares none`,
      fix: 'Declare `key` of the stream: columns that tell its rows apart',
    });
  }
}

async function publish(
  client: pg.Client,
  publication: string,
  tables: { where: string | undefined; table: Table }[],
): Promise<void> {
  const name = quoteIdent(publication);
  const wanted = tables.map(
    ({ table, where }) => `${table.sql}${where === undefined ? '' : ` WHERE (${where})`}`,
  );
  const { rows } = await client.query<{ owner: boolean; every: boolean; root: boolean; actions: boolean }>(
    `SELECT pg_has_role(pubowner, 'member') AS owner, puballtables AS every, pubviaroot AS root,
       pubinsert AND pubupdate AND pubdelete AND pubtruncate AS actions
     FROM pg_publication WHERE pubname = $1`,
    [publication],
  );
  const found = rows[0];
  const sql = found
    ? `ALTER PUBLICATION ${name} SET TABLE ONLY ${wanted.join(', ONLY ')}`
    : `CREATE PUBLICATION ${name} FOR TABLE ONLY ${wanted.join(', ONLY ')} WITH (publish_via_partition_root = true)`;
  // of a publication that somebody else made, only its contents count
  if (found && (await isPublished(client, publication, tables)) && found.actions) return;
  if (found?.every) return;
  try {
    await client.query(sql);
  } catch (error) {
    if ((error as { code?: string }).code !== '42501') throw error;
    throw new MillraceError('AccessDenied', {
      what: `The user of the source may not ${found ? 'change' : 'make'} the publication '${publication}': ${(error as Error).message}`,
      fix: `Let the owner of the tables run: ${sql};`,
      cause: error,
    });
  }
}

async function isPublished(
  client: pg.Client,
  publication: string,
  tables: { where: string | undefined; table: Table }[],
): Promise<boolean> {
  if (tables.some(({ where }) => where !== undefined)) return false; // conditions are set anew each time
  const { rows } = await client.query<{ oid: string }>(
    `SELECT prrelid::int8::text AS oid FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid WHERE p.pubname = $1`,
    [publication],
  );
  const there = rows.map(({ oid }) => Number(oid)).sort((a, b) => a - b);
  const wanted = tables.map(({ table }) => table.oid).sort((a, b) => a - b);
  return there.join() === wanted.join();
}

/** @returns whether it was made now */
async function ensureSlot(
  client: pg.Client,
  { slot, publication }: ReplicationConfig,
  { at, batches, recreate = false }: PrepareOptions,
): Promise<boolean> {
  const status = await slotStatusOf(client, slot);
  const lost = status.exists && status.status === 'lost';
  const hasHistory = at !== undefined && at !== null;
  if (status.exists && !lost && !recreate) {
    if (hasHistory && (await readBreak(client, publication))?.at !== at)
      await assertSameServer(client, slot, at);
    return false;
  }
  if (!recreate && (lost || hasHistory || anyCopy(batches)))
    throw slotLost(slot, lost ? 'the server has removed the log that it needed' : 'it is not there any more');
  // before the slot is made: whoever dies in between must not leave one that looks as if it had been there all along
  if (recreate) await writeBreak(client, publication, at);
  await dropSlot(client, slot);
  // it waits for the transactions that are under way, however long they take
  await client.query('SET lock_timeout = 0');
  await client.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [slot]);
  return true;
}

const anyCopy = (batches: ReadonlyMap<string, readonly Batch[]>): boolean =>
  [...batches.values()].some((one) => lastCopy(one) !== undefined);

/** A server that was restored from a backup is behind what bronze holds, and would tell its changes anew. */
async function assertSameServer(client: pg.Client, slot: string, at: CursorValue): Promise<void> {
  const { rows } = await client.query<{ now: string }>('SELECT pg_current_wal_flush_lsn()::text AS now');
  if (parseLsn(rows[0]?.now ?? '0/0') >= parseLsn(String(at))) return;
  throw slotLost(
    slot,
    `the server is at ${rows[0]?.now} and bronze holds changes up to ${at}: was it restored?`,
  );
}

export interface SlotStatus {
  exists: boolean;
  active: boolean;
  /** bytes of the log between what is durable in bronze and its end */
  lagBytes: number;
  /** bytes of the log that the slot holds back on the server's disk */
  walBytes: number;
  /** bytes until the server drops the slot; null without a limit */
  safeWalBytes: number | null;
  status: 'reserved' | 'extended' | 'unreserved' | 'lost' | null;
  restartLsn: string | null;
  confirmedLsn: string | null;
}

/** @throws MillraceError AccessDenied, Unavailable */
export const slotStatus = ({ url, slot }: ReplicationConfig, signal?: AbortSignal): Promise<SlotStatus> =>
  withPostgres({ url, signal }, (client) => slotStatusOf(client, slot));

async function slotStatusOf(client: pg.Client, slot: string): Promise<SlotStatus> {
  const { rows } = await client.query<Omit<SlotStatus, 'exists'>>(
    `SELECT active, wal_status AS status, restart_lsn::text AS "restartLsn", confirmed_flush_lsn::text AS "confirmedLsn",
       coalesce(pg_current_wal_lsn() - confirmed_flush_lsn, 0)::float8 AS "lagBytes",
       coalesce(pg_current_wal_lsn() - restart_lsn, 0)::float8 AS "walBytes", safe_wal_size::float8 AS "safeWalBytes"
     FROM pg_replication_slots WHERE slot_name = $1`,
    [slot],
  );
  const none = { active: false, status: null, restartLsn: null, confirmedLsn: null };
  return rows[0]
    ? { exists: true, ...rows[0] }
    : { exists: false, ...none, lagBytes: 0, walBytes: 0, safeWalBytes: null };
}

/** Ends the replication in the database: without it the server would keep its log for ever. */
export const dropReplication = (
  { url, slot, publication }: ReplicationConfig,
  signal?: AbortSignal,
): Promise<void> =>
  withPostgres({ url, signal }, async (client) => {
    await dropSlot(client, slot);
    await client.query(`DROP PUBLICATION IF EXISTS ${quoteIdent(publication)}`);
  });

/** A session that has just ended may hold it for a moment. */
async function dropSlot(client: pg.Client, slot: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const drop =
        'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1';
      await client.query(drop, [slot]);
      return;
    } catch (error) {
      if (attempt === 20 || (error as { code?: string }).code !== '55006') throw error;
      await sleep(100);
    }
  }
}
