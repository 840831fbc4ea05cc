import pg from 'pg';
import { MillraceError } from '../../../../schemas/errors.js';
import { addressOf, openPostgres } from '../connect.js';
import { asSourceError } from '../source-errors.js';
import { formatLsn, type Lsn } from './lsn.js';
import { serverNow } from './pgoutput.js';

export interface WalReader {
  /** A message of pgoutput in `bytes` from `from` on, valid during the call. */
  onMessage: (bytes: Buffer, from: number) => void;
  /** The server has sent all it has, up to there. */
  onIdle: (walEnd: Lsn) => void;
  onError: (error: unknown) => void;
}

/** Below the server's usual `wal_sender_timeout` of a minute, also while it waits for us. */
const STATUS_MS = 5_000;

/** A session that streams a slot's changes. What is confirmed here, the server forgets. */
export class Walsender {
  /** end of the server's log, as far as it has told */
  walEnd: Lsn = 0n;
  private received: Lsn = 0n;
  private confirmed: Lsn;
  private readonly timer: NodeJS.Timeout;

  private constructor(
    private readonly client: pg.Client,
    from: Lsn,
  ) {
    this.confirmed = from;
    this.timer = setInterval(() => this.report(), STATUS_MS);
  }

  /**
   * @param from the server sends transactions that committed there or later, and never from before what was confirmed
   * @throws MillraceError SlotLost, ReplicationUnavailable, Unavailable (another session reads the slot), and as a session
   */
  static async open(
    options: { url: string; slot: string; publication: string; from: Lsn; signal?: AbortSignal | undefined },
    reader: WalReader,
  ): Promise<Walsender> {
    const { url, slot, publication, from, signal } = options;
    const client = await openPostgres({ url, signal, replication: true });
    const walsender = new Walsender(client, from);
    const fail = (error: unknown): void => {
      clearInterval(walsender.timer);
      reader.onError(signal?.aborted ? signal.reason : asReplicationError(error, options));
    };
    client.once('end', () => fail(new Error('Connection terminated')));
    const query: pg.Submittable & Record<string, unknown> = {
      submit: (connection: pg.Connection) =>
        connection.query(
          `START_REPLICATION SLOT ${pg.escapeIdentifier(slot)} LOGICAL ${formatLsn(from)} ` +
            `(proto_version '1', publication_names ${pg.escapeLiteral(pg.escapeIdentifier(publication))})`,
        ),
      handleCopyData: ({ chunk }: { chunk: Buffer }) => walsender.handle(chunk, reader),
      handleCommandComplete: () => undefined,
      handleReadyForQuery: () => fail(new Error('Connection terminated by the server')),
      handleError: fail,
    };
    client.query(query);
    return walsender;
  }

  /** Nothing before `lsn` is needed any more: the server is told at once. */
  confirm(lsn: Lsn): void {
    if (lsn <= this.confirmed) return;
    this.confirmed = lsn;
    this.report();
  }

  pause(): void {
    this.client.connection.stream.pause();
  }

  resume(): void {
    this.client.connection.stream.resume();
  }

  /** Ends the session after what was confirmed has been sent; the slot is free when it returns. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    const { stream } = this.client.connection;
    if (stream.destroyed) return;
    const closed = new Promise<void>((resolve) => stream.once('close', () => resolve()));
    const force = setTimeout(() => stream.destroy(), 2_000);
    stream.resume();
    stream.end();
    await closed;
    clearTimeout(force);
  }

  private handle(chunk: Buffer, reader: WalReader): void {
    if (chunk[0] === 0x77 /* w */) {
      this.seen(chunk.readBigUInt64BE(1), chunk.readBigUInt64BE(9));
      reader.onMessage(chunk, 25);
    } else if (chunk[0] === 0x6b /* k */) {
      const walEnd = chunk.readBigUInt64BE(1);
      this.seen(walEnd, walEnd);
      reader.onIdle(walEnd);
      if (chunk[17] === 1) this.report();
    }
  }

  private seen(received: Lsn, walEnd: Lsn): void {
    if (received > this.received) this.received = received;
    if (walEnd > this.walEnd) this.walEnd = walEnd;
  }

  private report(): void {
    const status = Buffer.alloc(34);
    const received = this.received > this.confirmed ? this.received : this.confirmed;
    status[0] = 0x72; // r
    status.writeBigUInt64BE(received, 1);
    status.writeBigUInt64BE(this.confirmed, 9);
    status.writeBigUInt64BE(this.confirmed, 17);
    status.writeBigInt64BE(serverNow(), 25);
    const connection = this.client.connection as unknown as { sendCopyFromChunk: (chunk: Buffer) => void };
    connection.sendCopyFromChunk(status);
  }
}

function asReplicationError(
  error: unknown,
  { url, slot, publication }: { url: string; slot: string; publication: string },
): unknown {
  const { code, message = '' } = error as { code?: string; message?: string };
  if (/publication .* does not exist/.test(message)) {
    return new MillraceError('ReplicationUnavailable', {
      what: `The publication '${publication}' was dropped while it was read`,
      fix: 'Make it again and copy all tables again: millrace replicate start <source> --anew',
      cause: error,
    });
  }
  const gone =
    code === '42704' || /can no longer (get|access)|invalidated|has been invalidated/.test(message);
  return gone ? slotLost(slot, message, error) : asSourceError(error, addressOf(url));
}

export const slotLost = (slot: string, why: string, cause?: unknown): MillraceError =>
  new MillraceError('SlotLost', {
    what: `Changes are missing: the replication slot '${slot}' is lost (${why})`,
    fix: 'Make a new slot and copy all tables again: millrace replicate start <source> --anew. To keep it from happening, raise max_slot_wal_keep_size or let the replication never stop for long',
    cause,
  });
