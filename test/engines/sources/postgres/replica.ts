import { commitBatches, readManifest, readStreams, REPLICATION } from '../../../../engines/lake/bronze.js';
import { openChangeStream } from '../../../../engines/sources/postgres/cdc/change-stream.js';
import {
  lastCopy,
  replicationNames,
  type ReplicationConfig,
} from '../../../../engines/sources/postgres/cdc/config.js';
import { copyTables } from '../../../../engines/sources/postgres/cdc/copy-tables.js';
import { prepareReplication } from '../../../../engines/sources/postgres/cdc/setup.js';
import type { PostgresServer } from '../../../support/postgres-server.js';
import { interval, queryBatches, sourceOf, type Lake, type StreamInput } from './support.js';

/** What the workflow does, in one process. */
export class Replica {
  readonly config: ReplicationConfig;

  constructor(
    readonly lake: Lake,
    readonly server: PostgresServer,
    url: string,
    project: string,
    streams: Record<string, StreamInput>,
    replication: Parameters<typeof sourceOf>[1] = {},
  ) {
    const cdc = Object.fromEntries(
      Object.entries(streams).map(([name, stream]) => [name, { load: 'cdc' as const, ...stream }]),
    );
    const spec = sourceOf(cdc, { flushEvery: '50ms', ...replication });
    this.config = { source: 'db', url, spec, ...replicationNames(project, 'db', spec.replication) };
  }

  async log() {
    const { streams, at } = await readStreams(this.lake.store, 'db', REPLICATION);
    return { batches: streams, at };
  }

  prepare = async (options: { recreate?: boolean } = {}) =>
    prepareReplication(this.config, { ...(await this.log()), ...options });

  async copy(streams: string[], request = 'initial', options: { stopAfter?: number } = {}): Promise<number> {
    let commits = 0;
    const { batches } = await this.log();
    const copying = copyTables(this.config, {
      ...{
        streams,
        request,
        batches,
        interval,
        extractedAt: interval.end,
        run: 'run',
        workDir: this.lake.workDir,
      },
    });
    for await (const staged of copying) {
      await commitBatches(this.lake.store, 'db', REPLICATION, staged);
      if (++commits === options.stopAfter) break;
    }
    return commits;
  }

  /** Until no table was truncated meanwhile. */
  async copyAgain(streams: string[], request = 'initial'): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.copy(streams, request);
        return;
      } catch (error) {
        if (attempt === 20 || !/was truncated or rewritten/.test((error as Error).message)) throw error;
      }
    }
  }

  /** Makes and copies what is missing. */
  async begin(): Promise<void> {
    const { pending } = await this.prepare();
    await this.copy(pending);
  }

  /** Streams what was committed until now. */
  async catchUp(): Promise<number> {
    const [row] = await this.server.sql('SELECT pg_current_wal_insert_lsn()::text AS lsn');
    return this.stream({ until: row?.lsn as string });
  }

  async stream(options: {
    until?: string;
    signal?: AbortSignal;
    /** called before and after the commit of each flush, with its number */
    onStep?: (step: 'staged' | 'committed' | 'confirmed', flush: number) => void;
  }): Promise<number> {
    let changes = 0;
    let count = 0;
    const stream = await openChangeStream(this.config, {
      ...(await this.log()),
      ...{ run: 'run', workDir: this.lake.workDir, signal: options.signal, until: options.until },
    });
    try {
      for await (const flush of stream) {
        options.onStep?.('staged', count);
        await commitBatches(this.lake.store, 'db', REPLICATION, flush.staged);
        options.onStep?.('committed', count);
        stream.confirm(flush.lsn);
        options.onStep?.('confirmed', count);
        changes += flush.changes;
        count++;
      }
    } finally {
      await stream.close();
    }
    return changes;
  }

  /** The table as its last copy and the changes after it make it, in the order of bronze. */
  async state(name: string, key: string[], columns: string[]): Promise<Record<string, unknown>[]> {
    const { batches } = await readManifest(this.lake.store, 'db', name, REPLICATION);
    const newest = lastCopy(batches)?.generation?.id;
    const from = batches.findIndex(({ generation }) => generation?.id === newest);
    const since = batches.slice(from).filter(({ generation }) => !generation || generation.id === newest);
    const changes = await queryBatches(
      this.lake,
      since,
      `SELECT _op, _unchanged, ${[...key, ...columns].join(', ')} FROM bronze ORDER BY _commit, _part, _source_position`,
    );
    return replay(changes, key, columns);
  }
}

/** Applies changes one by one, the simplest reading of what bronze says. */
export function replay(
  changes: Record<string, unknown>[],
  key: string[],
  columns: string[],
): Record<string, unknown>[] {
  const state = new Map<string, Record<string, unknown>>();
  const keyOf = (row: Record<string, unknown>): string => JSON.stringify(key.map((name) => row[name]));
  let ended: Record<string, unknown> | undefined;
  for (const { _op: op, _unchanged: unchanged, ...row } of changes) {
    const id = keyOf(row);
    if (op === 't') state.clear();
    else if (op === 'd') {
      ended = state.get(id);
      if (!ended) throw new Error(`a row that is not there is deleted: ${id}`);
      state.delete(id);
    } else {
      const before = op === 'u' ? state.get(id) : ended;
      if (op === 'u' && !before) throw new Error(`a row that is not there is updated: ${id}`);
      if (op !== 'u' && state.has(id))
        throw new Error(`a row that is there is inserted (${String(op)}): ${id}`);
      const now = { ...row };
      for (const name of (unchanged as string[] | null) ?? []) now[name] = before?.[name];
      state.set(id, now);
    }
  }
  const all = [...key, ...columns];
  return [...state.values()]
    .map((row) => Object.fromEntries(all.map((name) => [name, row[name]])))
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
