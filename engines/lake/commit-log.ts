import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { MillraceError } from '../../schemas/errors.js';
import type { ObjectStore } from './store.js';

export interface LogState<E> {
  /** number of the last entry, 0 for an empty log */
  version: number;
  /** entry n is at index n - 1 */
  entries: readonly E[];
}

/** A decision that carries no `entry` changes nothing and only returns its result. */
export type Decision<E, R> = { entry: E; result: R } | { result: R };

/** Entries in one checkpoint, larger first: a cold read of 100,000 entries takes about 150 gets, not 100,000. */
const CHECKPOINTS = [4096, 64];
/** Each conflict means that another writer got on; so many in a row mean that something is wrong. */
const ATTEMPTS = 60;

/**
 * An append-only log in an object store: `<prefix>/000000000001.json` and so on, each created only if absent. That
 * conditional write is the commit, so two writers can never both have entry n, on a local disk and on S3 alike.
 *
 * Entries are immutable, hence cached: a warm read costs one look for the next number. Every 64th and 4096th writer
 * also leaves a checkpoint that holds the block of entries it completed; it is an optimisation only and may be missing.
 */
export class CommitLog<E> {
  private readonly entries: E[] = [];
  private lastPass: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: ObjectStore,
    private readonly prefix: string,
    private readonly schema: z.ZodType<E>,
  ) {}

  /** @throws MillraceError ObjectCorrupt naming the key that is not what was written */
  async read(): Promise<LogState<E>> {
    // one pass at a time, because it appends to the cache; and never a shared one, which may have begun too early to
    // see what its caller has just written
    const pass = this.lastPass.then(() => this.catchUp());
    this.lastPass = pass.catch(() => undefined);
    await pass;
    return { version: this.entries.length, entries: this.entries.slice() };
  }

  /**
   * Reads, lets `decide` look at the state, and appends its entry as the next number. When another writer took that
   * number, it reads again and decides again, so `decide` may be called several times and must have no side effect.
   * An answer that was lost on the way is a conflict, too: `decide` then finds its own entry in the state.
   *
   * @throws MillraceError CommitConflict after 60 lost races, ObjectCorrupt as {@link read}
   */
  async commit<R>(decide: (state: LogState<E>) => Decision<E, R>): Promise<R> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const state = await this.read();
      const decision = decide(state);
      if (!('entry' in decision)) return decision.result;
      const version = state.version + 1;
      const bytes = Buffer.from(JSON.stringify(this.schema.parse(decision.entry)));
      if (await this.store.putIfAbsent(this.entryKey(version), bytes)) {
        await this.checkpoint(version);
        return decision.result;
      }
      await sleep(Math.random() * Math.min(5 * attempt, 100));
    }
    throw new MillraceError('CommitConflict', {
      what: `Other writers won ${ATTEMPTS} times in a row`,
      where: { path: this.prefix },
      fix: 'Find out what writes to it without pause; a retry continues where this stopped',
    });
  }

  private async catchUp(): Promise<void> {
    while ((await this.readCheckpoint()) || (await this.readEntry()));
  }

  private async readCheckpoint(): Promise<boolean> {
    for (const size of CHECKPOINTS) {
      const last = this.entries.length + size;
      if (last % size !== 0) continue;
      const key = this.checkpointKey(last, size);
      const bytes = await this.getIfPresent(key);
      if (!bytes) continue;
      this.entries.push(...this.parse(key, bytes, z.array(this.schema).length(size)));
      return true;
    }
    return false;
  }

  private async readEntry(): Promise<boolean> {
    const key = this.entryKey(this.entries.length + 1);
    const bytes = await this.getIfPresent(key);
    if (!bytes) return false;
    this.entries.push(this.parse(key, bytes, this.schema));
    return true;
  }

  private async checkpoint(version: number): Promise<void> {
    const sizes = CHECKPOINTS.filter((size) => version % size === 0);
    if (sizes.length === 0) return;
    try {
      const { entries } = await this.read();
      for (const size of sizes) {
        const block = entries.slice(version - size, version);
        await this.store.putIfAbsent(this.checkpointKey(version, size), Buffer.from(JSON.stringify(block)));
      }
    } catch {
      // the commit stands without it; failing it now would report a loss that did not happen
    }
  }

  private parse<T>(key: string, bytes: Buffer, schema: z.ZodType<T>): T {
    try {
      return schema.parse(JSON.parse(bytes.toString('utf8')));
    } catch (error) {
      const why = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
      throw new MillraceError('ObjectCorrupt', {
        what: `'${key}' is not an entry of this log: ${why}`,
        where: { file: `${this.store.uri}/${key}` },
        fix: 'Restore the object from a backup; entries are never rewritten, so any older copy is the right one',
        cause: error,
      });
    }
  }

  private async getIfPresent(key: string): Promise<Buffer | undefined> {
    try {
      return await this.store.get(key);
    } catch (error) {
      if (error instanceof MillraceError && error.type === 'ObjectMissing') return undefined;
      throw error;
    }
  }

  private entryKey(version: number): string {
    return `${this.prefix}/${String(version).padStart(12, '0')}.json`;
  }

  private checkpointKey(last: number, size: number): string {
    return `${this.prefix}/checkpoint-${String(last).padStart(12, '0')}-${size}.json`;
  }
}
