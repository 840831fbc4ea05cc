import { open, type FileHandle } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { contextOption, type RecordContext } from '../lake/quarantined-records.js';
import { quoteText } from '../warehouse/port.js';

export interface Reject {
  /** 1-based record number in the file, the header not counted */
  record: number;
  /** 1-based line at which it begins; 0 where records are no lines */
  line: number;
  /** 0-based offset in the decompressed file */
  byte: number;
  reason: string;
  /** as they lie in the file */
  raw: Buffer;
  /** where it lies, when that is not the file of the others: an entry of an archive */
  file?: string | undefined;
}

/** Collects quarantined records in a file, because a broken file may have more of them than memory holds. */
export class Rejects {
  count = 0;
  private context: RecordContext | undefined;
  private waiting: string[] = [];
  private longest = 0;

  private constructor(
    readonly path: string,
    private readonly file: FileHandle,
  ) {}

  static async create(path: string): Promise<Rejects> {
    return new Rejects(path, await open(path, 'w'));
  }

  /**
   * Keeps with the records what they need to be read again without the file. Entries of an archive that differ in it
   * have none in common.
   */
  describe(context: RecordContext): void {
    if (this.context && contextOption(this.context) !== contextOption(context)) this.context = {};
    else this.context = context;
  }

  add({ record, line, byte, reason, raw, file = '' }: Reject): void {
    const quoted = [reason, file].map((text) => `"${text.replaceAll('"', '""')}"`);
    const row = `${record},${line},${byte},${quoted.join(',')},${raw.toString('base64')}\n`;
    this.longest = Math.max(this.longest, row.length * 3);
    this.waiting.push(row);
    this.count++;
  }

  async flush(): Promise<void> {
    if (this.waiting.length === 0) return;
    await this.file.writeFile(this.waiting.join(''));
    this.waiting = [];
  }

  async close(): Promise<void> {
    await this.file.close();
  }

  /** The first ones, as `record 7 (line 8, byte 94): …`. */
  async first(session: DuckDBConnection, count: number): Promise<string[]> {
    const reader = await session.runAndReadAll(
      `SELECT format('record {} ({}byte {}): {}', record, if(line > 0, format('line {}, ', line), ''), byte, reason)
       FROM ${this.relation()} ORDER BY record LIMIT ${count}`,
    );
    return reader.getRowsJson().map(([text]) => String(text as string));
  }

  /** Writes all of them as Parquet: `record, line, byte, reason, raw, file`. */
  async writeParquet(session: DuckDBConnection, target: string, file: string): Promise<void> {
    await session.run(
      `COPY (SELECT record, line, byte, reason, from_base64(coalesce(raw, '')) AS raw, coalesce(nullif(file, ''), ${quoteText(file)}) AS file
       FROM ${this.relation()} ORDER BY record) TO ${quoteText(target)} (FORMAT parquet, COMPRESSION zstd${contextOption(this.context ?? {})})`,
    );
  }

  private relation(): string {
    const columns =
      "{record: 'BIGINT', line: 'BIGINT', byte: 'BIGINT', reason: 'VARCHAR', file: 'VARCHAR', raw: 'VARCHAR'}";
    const size = Math.max(2 << 20, this.longest);
    return (
      `read_csv(${quoteText(this.path)}, auto_detect = false, header = false, delim = ',', quote = '"', escape = '"', ` +
      `parallel = false, max_line_size = ${size}, buffer_size = ${2 * size}, columns = ${columns})`
    );
  }
}
