import { join } from 'node:path';
import type pg from 'pg';
import { RowFile, type RowSegment } from './row-file.js';

/** Two row groups of Parquet: small enough to be cast while the server sends the next. */
const SEGMENT_ROWS = 2 * 122_880;
/** Of wide rows fewer, so that a segment fits into memory while it is cast. */
const SEGMENT_BYTES = 64 << 20;
/** Segments that wait for DuckDB; beyond, the server waits. */
const MOST_WAITING = 2;

export interface CopyResult {
  /** what the server says it sent */
  rows: number;
  bytes: number;
}

/**
 * Runs `COPY (query) TO STDOUT` and yields the rows in segments, in the server's order; memory is constant and the
 * server is held back while nobody takes segments. Who leaves the loop early ends the session.
 */
export async function* copySegments(
  client: pg.Client,
  query: string,
  folder: string,
  onResult: (result: CopyResult) => void,
): AsyncGenerator<RowSegment> {
  const copy = new CopyOut(query, folder);
  client.query(copy);
  try {
    yield* copy.segments();
    onResult({ rows: copy.sent, bytes: copy.bytes });
  } finally {
    copy.discard();
    if (!copy.ended) client.connection.stream.destroy();
  }
}

/** The statement as pg drives it: one call for each message of the server. */
class CopyOut implements pg.Submittable {
  /** rows, by the server's count */
  sent = 0;
  bytes = 0;
  ended = false;
  private rows = 0;
  private file: RowFile | undefined;
  private count = 0;
  private readonly waiting: RowSegment[] = [];
  private connection: pg.Connection | undefined;
  private failure: { error: unknown } | undefined;
  private wake: () => void = () => undefined;

  constructor(
    private readonly query: string,
    private readonly folder: string,
  ) {}

  submit(connection: pg.Connection): void {
    this.connection = connection;
    connection.query(
      `COPY (${this.query}) TO STDOUT WITH (FORMAT csv, NULL '', DELIMITER ',', QUOTE '"', ESCAPE '"', ENCODING 'UTF8')`,
    );
  }

  /** Each message is one row. */
  handleCopyData({ chunk }: { chunk: Buffer }): void {
    if (this.failure) return;
    try {
      this.file ??= new RowFile(join(this.folder, `rows-${this.count++}.csv`), this.rows);
      this.file.append(chunk);
      this.rows++;
      this.bytes += chunk.length;
      if (this.file.rows >= SEGMENT_ROWS || this.file.bytes >= SEGMENT_BYTES) this.finishSegment();
    } catch (error) {
      this.fail(error);
    }
  }

  handleCommandComplete({ text }: { text: string }): void {
    this.sent = Number(/^COPY (\d+)/.exec(text)?.[1] ?? this.rows);
  }

  handleReadyForQuery(): void {
    try {
      this.finishSegment();
    } catch (error) {
      this.fail(error);
    }
    this.ended = true;
    this.wake();
  }

  handleError(error: unknown): void {
    this.fail(error);
  }

  async *segments(): AsyncGenerator<RowSegment> {
    for (;;) {
      if (this.failure) throw this.failure.error;
      const segment = this.waiting.shift();
      if (segment) {
        this.connection?.stream.resume();
        yield segment;
      } else if (this.ended) return;
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  discard(): void {
    this.file?.discard();
  }

  private finishSegment(): void {
    if (!this.file) return;
    this.waiting.push(this.file.close());
    this.file = undefined;
    if (this.waiting.length >= MOST_WAITING) this.connection?.stream.pause();
    this.wake();
  }

  private fail(error: unknown): void {
    this.failure ??= { error };
    this.wake();
  }
}
