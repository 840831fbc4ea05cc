import { eventId, type RunEvent } from './open-lineage.js';
import { EventRejected, type Sink } from './sink.js';

/** Where events wait: what is needed of a lake. */
export interface OutboxStore {
  list(prefix: string): Promise<string[]>;
  get(key: string): Promise<Uint8Array>;
  putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean>;
  delete(key: string): Promise<void>;
}

export interface Delivery {
  sent: number;
  /** the sink refused these for good; they are kept under `lineage/rejected/` */
  rejected: number;
  /** events that still wait */
  left: number;
  /** why the rest was not sent */
  error: string | null;
}

const WAITING = 'lineage/outbox/';
const REJECTED = 'lineage/rejected/';
/** some 50 MB; a sink that is down for weeks costs old events, not the lake */
const LIMIT = 20_000;

/**
 * Events on their way to a sink, kept in the lake until it has taken them: in the order of their times, each once.
 * A crash after sending and before forgetting sends an event again; it carries the same ids then.
 */
export class Outbox {
  constructor(
    private readonly store: OutboxStore,
    private readonly limit = LIMIT,
  ) {}

  /** Keeps events. What is there already is not kept twice. @returns old ones that had to go for want of room */
  async put(events: readonly RunEvent[]): Promise<number> {
    const waiting = new Set((await this.store.list(WAITING)).map(idOf));
    const fresh = events.filter((event) => !waiting.has(eventId(event)));
    for (const event of fresh) await this.store.putIfAbsent(keyOf(WAITING, event), encode(event));
    const keys = fresh.length + waiting.size > this.limit ? await this.store.list(WAITING) : [];
    const old = keys.slice(0, Math.max(0, keys.length - this.limit));
    for (const key of old) await this.store.delete(key);
    return old.length;
  }

  /**
   * Sends what waits, oldest first, and stops at the first event that the sink does not take.
   * It throws only when it is aborted, or the lake itself fails.
   */
  async deliver(sink: Sink, signal?: AbortSignal): Promise<Delivery> {
    const keys = await this.store.list(WAITING);
    const delivery: Delivery = { sent: 0, rejected: 0, left: keys.length, error: null };
    for (const key of keys) {
      signal?.throwIfAborted();
      const bytes = await this.store.get(key).catch(() => null);
      // another worker has just sent it
      if (bytes === null) {
        delivery.left--;
        continue;
      }
      const event = JSON.parse(Buffer.from(bytes).toString()) as RunEvent;
      try {
        await sink.send(event, signal);
        delivery.sent++;
      } catch (cause) {
        signal?.throwIfAborted();
        delivery.error = cause instanceof Error ? messageOf(cause) : String(cause);
        if (!(cause instanceof EventRejected)) return delivery;
        await this.store.putIfAbsent(keyOf(REJECTED, event), bytes);
        delivery.rejected++;
      }
      await this.store.delete(key);
      delivery.left--;
    }
    return delivery;
  }
}

const encode = (event: RunEvent): Uint8Array => Buffer.from(JSON.stringify(event));

/** keys sort by time; of one moment a START comes before an end */
const keyOf = (prefix: string, event: RunEvent): string =>
  `${prefix}${event.eventTime
    .replace(/[^0-9]/g, '')
    .padEnd(20, '0')
    .slice(0, 20)}-${event.eventType === 'START' ? 0 : 1}-${eventId(event)}`;
const idOf = (key: string): string => key.slice(WAITING.length).split('-').slice(2).join('-');

const messageOf = (error: Error): string =>
  error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message;
