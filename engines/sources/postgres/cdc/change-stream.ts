import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Batch, CursorValue } from '../../../../schemas/lake.js';
import { milliseconds } from '../../../../schemas/duration.js';
import type { StagedBatch } from '../../../lake/bronze.js';
import { asDiskFull } from '../../../lake/disk-full.js';
import { withPostgres } from '../connect.js';
import type { ReplicationConfig } from './config.js';
import { FlushSpool } from './flush-spool.js';
import { readBreak } from './log-break.js';
import { formatLsn, parseLsn, type Lsn } from './lsn.js';
import { decodeMessage, type Change, type Message, type Relation } from './pgoutput.js';
import { stageFlush } from './stage-flush.js';
import { ReplicatedTables } from './replicated-tables.js';
import { Walsender } from './walsender.js';

export interface ChangeStreamOptions {
  /** what bronze holds, by stream */
  batches: ReadonlyMap<string, readonly Batch[]>;
  /** how far the log has been read: the last `cursor.to`, or nothing yet */
  at: CursorValue | undefined;
  run: string;
  workDir: string;
  signal?: AbortSignal | undefined;
  /** the stream ends when all changes that were committed before are out; without it only when it is aborted or closed */
  until?: string | undefined;
  onProgress?: ((progress: StreamProgress) => void) | undefined;
}

export interface StreamProgress {
  /** changes read since the stream was opened */
  changes: number;
  /** bytes of the server's log between what was read and its end */
  lagBytes: number;
  /** since the last transaction that was read was committed */
  lagMs: number;
}

/** Changes of all tables up to one position: one commit. */
export interface ChangeFlush {
  staged: StagedBatch[];
  from: CursorValue;
  lsn: string;
  changes: number;
  transactions: number;
  /** streams that must be copied again: a column with a default gave values to rows that no change tells */
  recopy: string[];
  /** of the last transaction */
  commitAt: string;
  lagBytes: number;
  lagMs: number;
}

export interface ChangeStream extends AsyncIterable<ChangeFlush> {
  /** To be called after the commit of a flush: the server may forget what is before. */
  confirm: (lsn: string) => void;
  /** The loop ends after the transaction that is under way; what was read by then is yielded before. */
  stop: () => void;
  close: () => Promise<void>;
}

const TICK_MS = 100;

/**
 * Reads a slot from where bronze is. Transactions are yielded whole and in the order of their commits; those that a
 * table's copy shows already are left out for that table, and tables without a complete copy altogether.
 * @throws MillraceError SlotLost, ReplicationUnavailable, SchemaMismatch (the contract forbids a change of a table's
 *   shape), Unavailable; the signal's reason after an abort
 */
export async function openChangeStream(
  config: ReplicationConfig,
  options: ChangeStreamOptions,
): Promise<ChangeStream> {
  const { url, slot, publication } = config;
  const { signal, workDir } = options;
  const { tables, from } = await withPostgres({ url, signal }, async (client) => {
    const broken = await readBreak(client, publication);
    // the first stream after a slot was replaced begins with that one, wherever bronze was
    const begins = broken && broken.at === options.at ? broken.lsn : options.at;
    return {
      tables: await ReplicatedTables.open(client, config, options.batches),
      from: typeof begins === 'string' ? parseLsn(begins) : 0n,
    };
  });
  const folder = await mkdtemp(join(workDir, 'changes-'));
  const stream = new Reader(config, options, tables, folder, from);
  try {
    stream.start(await Walsender.open({ url, slot, publication, from, signal }, stream.handlers));
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return stream;
}

class Reader implements ChangeStream {
  readonly handlers = {
    onMessage: (bytes: Buffer, from: number): void => this.receive(bytes, from),
    onIdle: (walEnd: Lsn): void => this.guard(() => this.idle(walEnd)),
    onError: (error: unknown): void => this.fail(error),
  };
  private walsender: Walsender | undefined;
  private spool: FlushSpool;
  /** complete, and not yet taken */
  private sealed: FlushSpool | undefined;
  /** taken, and not yet confirmed */
  private unconfirmed = 0;
  private transaction: { lsn: Lsn; at: bigint; xid: number; seq: number } | undefined;
  /** messages that came while a type was looked up */
  private backlog: Buffer[] | undefined;
  private failure: { error: unknown } | undefined;
  private ended = false;
  private changes = 0;
  private lastCommit = 0n;
  /** everything before it has been read */
  private position: Lsn;
  private cursor: CursorValue;
  private spools = 0;
  private wake: () => void = () => undefined;
  private timer: NodeJS.Timeout | undefined;
  private until: Lsn | undefined;
  private readonly flushMs: number;

  constructor(
    private readonly config: ReplicationConfig,
    private readonly options: ChangeStreamOptions,
    private readonly tables: ReplicatedTables,
    private readonly folder: string,
    private readonly from: Lsn,
  ) {
    this.position = from;
    this.cursor = options.at ?? null;
    this.until = options.until === undefined ? undefined : parseLsn(options.until);
    this.flushMs = milliseconds(config.spec.replication.flushEvery);
    this.spool = this.newSpool();
  }

  start(walsender: Walsender): void {
    this.walsender = walsender;
    this.timer = setInterval(() => this.guard(() => this.tick()), TICK_MS);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ChangeFlush> {
    for (;;) {
      const spool = this.sealed;
      if (spool) {
        this.unconfirmed++;
        this.sealed = undefined;
        this.walsender?.resume();
        yield await this.stage(spool);
      } else if (this.failure) throw this.failure.error;
      else if (this.ended) return;
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  confirm(lsn: string): void {
    this.unconfirmed--;
    this.walsender?.confirm(parseLsn(lsn));
    // what was read since may hold no change; the server asks only twice a minute
    this.advanceIdle();
  }

  stop(): void {
    this.until = 0n;
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    this.ended = true;
    this.wake();
    await this.walsender?.close();
    this.spool.discard();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async stage(spool: FlushSpool): Promise<ChangeFlush> {
    const { source } = this.config;
    const { run, signal, workDir } = this.options;
    const from = this.cursor;
    const lsn = formatLsn(spool.end);
    const staged = await stageFlush(spool, { source, from, to: lsn, run, workDir, signal });
    this.cursor = lsn;
    return {
      ...{ staged, from, lsn, changes: spool.changes, transactions: spool.transactions },
      recopy: staged.flatMap(({ batch }) =>
        batch.recopy && batch.stream !== undefined ? [batch.stream] : [],
      ),
      commitAt: new Date(Number(spool.lastAt / 1000n)).toISOString(),
      lagBytes: Number(this.walEnd - spool.end),
      lagMs: Math.max(0, Date.now() - Number(spool.lastAt / 1000n)),
    };
  }

  private get walEnd(): Lsn {
    const end = this.walsender?.walEnd ?? 0n;
    return end > this.position ? end : this.position;
  }

  private receive(bytes: Buffer, from: number): void {
    this.guard(() => {
      if (this.backlog) this.backlog.push(Buffer.from(bytes.subarray(from)));
      else this.handle(decodeMessage(bytes, from));
    });
  }

  private handle(message: Message): void {
    switch (message.kind) {
      case 'begin':
        this.transaction = { ...message, seq: 0 };
        this.spool.begin(message);
        return;
      case 'commit':
        return this.commit(message.end);
      case 'relation':
        return this.relation(message.relation);
      case 'insert':
      case 'update':
      case 'delete':
      case 'truncate':
        return this.change(message);
      case 'other':
    }
  }

  private change(change: Change): void {
    const { transaction } = this;
    if (!transaction || transaction.lsn < this.from) return;
    const written =
      change.kind === 'truncate'
        ? change.relations.reduce(
            (sum, oid) => sum + this.write(oid, { ...change, relations: [oid] }, transaction.seq + sum),
            0,
          )
        : this.write(change.relation, change, transaction.seq);
    transaction.seq += written;
    this.changes += written;
    if (this.sealed && this.spool.changes >= this.config.spec.replication.flushChanges)
      this.walsender?.pause();
  }

  private write(oid: number, change: Change, seq: number): number {
    const table = this.tables.get(oid);
    const { transaction } = this;
    if (!table || !transaction || table.isInCopy(transaction)) return 0;
    return this.spool.write(table, change, seq);
  }

  private commit(end: Lsn): void {
    if (!this.transaction) return;
    this.lastCommit = this.transaction.at;
    this.spool.commit(end, this.transaction.at, this.transaction.seq > 0);
    this.transaction = undefined;
    this.position = end;
    if (this.spool.changes >= this.config.spec.replication.flushChanges) this.seal();
    else this.advanceIdle();
    this.endIfDone(end);
  }

  private idle(walEnd: Lsn): void {
    if (this.backlog || this.transaction) return;
    if (walEnd > this.position) this.position = walEnd;
    this.advanceIdle();
    this.endIfDone(walEnd);
  }

  /** With nothing in hand, what was read holds no change for bronze: the server need not keep it. */
  private advanceIdle(): void {
    if (this.spool.changes === 0 && !this.sealed && this.unconfirmed === 0)
      this.walsender?.confirm(this.position);
  }

  private endIfDone(at: Lsn): void {
    if (this.until === undefined || at < this.until || this.transaction) return;
    if (this.spool.changes > 0) {
      this.seal();
      if (this.spool.changes > 0) return; // its turn comes when the one before has been taken
    }
    this.ended = true;
    this.walsender?.pause();
    this.wake();
  }

  private tick(): void {
    const { spool, until } = this;
    this.options.onProgress?.({
      changes: this.changes,
      lagBytes: Number(this.walEnd - this.position),
      lagMs: this.lastCommit === 0n ? 0 : Math.max(0, Date.now() - Number(this.lastCommit / 1000n)),
    });
    if (this.transaction || this.backlog) return;
    if (spool.changes > 0 && Date.now() - spool.since >= this.flushMs) this.seal();
    if (until !== undefined && this.position >= until) this.endIfDone(this.position);
  }

  /** Hands the spool over, unless the one before has not been taken. */
  private seal(): void {
    if (this.sealed) return;
    this.sealed = this.spool.close();
    this.spool = this.newSpool();
    this.wake();
  }

  private newSpool(): FlushSpool {
    return new FlushSpool(join(this.folder, `spool-${this.spools++}`));
  }

  /** A new shape of a table: its types may have to be looked up, and what follows waits. */
  private relation(relation: Relation): void {
    if (this.tables.apply(relation)) return;
    this.backlog = [];
    this.walsender?.pause();
    const { url } = this.config;
    withPostgres({ url, signal: this.options.signal }, (client) => this.tables.learn(client, relation))
      .then(() => this.guard(() => this.catchUp(relation)))
      .catch((error: unknown) => this.fail(error));
  }

  private catchUp(relation: Relation): void {
    const waiting = this.backlog ?? [];
    this.backlog = undefined;
    this.tables.apply(relation);
    for (let n = 0; n < waiting.length; n++) {
      this.handle(decodeMessage(waiting[n] as Buffer, 0));
      if (this.backlog) {
        (this.backlog as Buffer[]).push(...waiting.slice(n + 1));
        return;
      }
    }
    this.walsender?.resume();
  }

  private guard(work: () => void): void {
    if (this.failure || this.ended) return;
    try {
      work();
    } catch (error) {
      this.fail(error);
    }
  }

  private fail(error: unknown): void {
    if (this.ended) return;
    this.failure ??= { error: asDiskFull(error, this.folder) };
    this.walsender?.pause();
    this.wake();
  }
}
