import type { Batch, BronzeSchema, CursorValue, ManifestEntry } from '../../schemas/lake.js';
import { joinSchemas } from './contract.js';

/**
 * What a commit asks of a manifest, kept along with it: entries never change, so each is looked at once, however long
 * the log has become.
 */
export class LogIndex {
  version = 0;
  private readonly batches = new Map<string, Batch>();
  private readonly schemas = new Map<string, BronzeSchema>();
  private readonly streams = new Map<string, Batch[]>();
  /** how far the log's streams have been read; undefined before the first batch that says */
  at: CursorValue | undefined;

  /** @param log name of the log, for batches that name no stream */
  constructor(private readonly log: string) {}

  /** Takes in what the log has got since; an older state changes nothing. */
  catchUp(entries: readonly ManifestEntry[]): this {
    for (; this.version < entries.length; this.version++) {
      for (const batch of entries[this.version]?.batches ?? []) this.add(batch);
    }
    return this;
  }

  batch(key: string): Batch | undefined {
    return this.batches.get(key);
  }

  /** Columns of a stream as of its last batch. */
  schema(stream: string): BronzeSchema | undefined {
    return this.schemas.get(stream);
  }

  /** Names of the streams that have batches. */
  names(): string[] {
    return [...this.streams.keys()];
  }

  /** Batches of a stream, oldest first. */
  of(stream: string): Batch[] {
    return this.streams.get(stream)?.slice() ?? [];
  }

  private add(batch: Batch): void {
    const stream = batch.stream ?? this.log;
    const before = this.schemas.get(stream);
    const schema = joinSchemas(before, batch.schema);
    // nearly all batches have the same: once in memory, and told to be equal by a look
    if (schema === before) batch.schema = schema;
    this.batches.set(batch.key, batch);
    this.schemas.set(stream, schema);
    const list = this.streams.get(stream);
    if (list) list.push(batch);
    else this.streams.set(stream, [batch]);
    if (batch.cursor) this.at = batch.cursor.to;
  }
}
