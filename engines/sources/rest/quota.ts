import { setTimeout as sleep } from 'node:timers/promises';
import type { ObjectStore } from '../../lake/store.js';

/** Slots kept behind the present: enough that no slow clock finds one free that was used. */
const KEEP_MS = 600_000;
/** Slots taken between two looks for old ones. */
const SWEEP_EVERY = 50;

/**
 * Requests a minute of all workers together. Time is cut into numbered slots, each the right to one request (for quotas
 * above 60, to what a second allows); a worker takes a slot by creating its object if absent, and waits for its time.
 * So no two have the same one, whatever dies; requests are evenly spaced, and what is not used is not saved up. Clocks
 * that differ only make a worker choose later or earlier slots: the long-term rate stays.
 */
export class Quota {
  private readonly perSlot: number;
  private readonly slotMs: number;
  private readonly folder: string;
  private last = -1;
  private left = 0;
  private taken = 0;
  private queue: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly store: ObjectStore,
    source: string,
    requestsPerMinute: number,
  ) {
    this.perSlot = Math.max(1, Math.floor(requestsPerMinute / 60));
    this.slotMs = (60_000 / requestsPerMinute) * this.perSlot;
    this.folder = `quota/${source}/${requestsPerMinute}/`;
  }

  /** Waits until one more request may be sent. */
  take(signal: AbortSignal): Promise<void> {
    const turn = this.queue.then(() => this.next(signal));
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  private async next(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.left > 0 && this.now() === this.last) {
      this.left--;
      return;
    }
    let slot = Math.max(this.now(), this.last + 1);
    while (!(await this.store.putIfAbsent(this.key(slot), Buffer.alloc(0)))) {
      signal.throwIfAborted();
      slot++;
    }
    this.last = slot;
    this.left = this.perSlot - 1;
    if (this.taken++ % SWEEP_EVERY === 0) await this.sweep();
    const wait = slot * this.slotMs - Date.now();
    if (wait > 0) await sleep(wait, undefined, { signal }).catch(() => signal.throwIfAborted());
  }

  private async sweep(): Promise<void> {
    const oldest = this.key(Math.floor((Date.now() - KEEP_MS) / this.slotMs));
    for (const key of await this.store.list(this.folder)) if (key < oldest) await this.store.delete(key);
  }

  private now(): number {
    return Math.floor(Date.now() / this.slotMs);
  }

  private key(slot: number): string {
    return `${this.folder}${String(slot).padStart(14, '0')}`;
  }
}
