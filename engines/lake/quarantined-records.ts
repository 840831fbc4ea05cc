import type { DuckDBConnection } from '@duckdb/node-api';
import type { Batch } from '../../schemas/lake.js';
import { quoteText } from '../warehouse/port.js';
import { withDuckDb } from './duckdb.js';
import type { ObjectStore } from './store.js';

/** One quarantined record, where it was and what it was. */
export interface QuarantinedRecord {
  /** 1-based number in the file, without its header */
  record: number;
  /** 1-based line at which it begins; 0 where records are no lines */
  line: number;
  /** 0-based offset in the decompressed file */
  byte: number;
  reason: string;
  raw: Buffer;
  file: string;
}

/** What the extractor knew of a file that its records alone do not say; kept in the metadata of the Parquet. */
export interface RecordContext {
  /** the header record as it lies in the file, without its line end */
  head?: Buffer | undefined;
  /** name of the encoding that was found */
  encoding?: string | undefined;
}

/** @returns the option of a COPY that keeps the context, or nothing */
export function contextOption({ head, encoding }: RecordContext): string {
  const facts = [
    ...(head ? [`head: '${head.toString('hex')}'`] : []),
    ...(encoding === undefined ? [] : [`encoding: ${quoteText(encoding)}`]),
  ];
  return facts.length > 0 ? `, KV_METADATA {${facts.join(', ')}}` : '';
}

/** @param path local Parquet of quarantined records */
export async function readContext(session: DuckDBConnection, path: string): Promise<RecordContext> {
  const reader = await session.runAndReadAll(
    `SELECT decode(key), to_base64(value) FROM parquet_kv_metadata(${quoteText(path)})`,
  );
  const facts = new Map(
    (reader.getRowsJson() as [string, string][]).map(([key, value]) => [
      key,
      Buffer.from(value, 'base64').toString(),
    ]),
  );
  const head = facts.get('head');
  return { head: head === undefined ? undefined : Buffer.from(head, 'hex'), encoding: facts.get('encoding') };
}

/**
 * Reads quarantined records in file order, with the encoding of their file where it is known.
 * @param limit at most so many
 * @throws MillraceError ObjectMissing
 */
export async function readQuarantine(
  store: ObjectStore,
  { quarantine }: Batch,
  workDir: string,
  limit: number,
): Promise<{ records: QuarantinedRecord[]; encoding: string | undefined }> {
  if (!quarantine) return { records: [], encoding: undefined };
  const path = await store.localFile(quarantine.uri);
  return withDuckDb({ workDir }, async ([session]) => {
    const reader = await session.runAndReadAll(
      `SELECT record, line, byte, reason, to_base64(raw), file FROM read_parquet(${quoteText(path)})
       ORDER BY record LIMIT ${limit}`,
    );
    const rows = reader.getRowsJson() as [string, string, string, string, string, string][];
    const records = rows.map(([record, line, byte, reason, raw, file]) => ({
      ...{ record: Number(record), line: Number(line), byte: Number(byte), reason },
      ...{ raw: Buffer.from(raw, 'base64'), file },
    }));
    return { records, encoding: (await readContext(session, path)).encoding };
  });
}

/** Values and places in a reason, which tell apart records that have the same fault, and what is shown for them. */
const VALUES: [pattern: string, shown: string][] = [
  [`'[^']*'`, '…'],
  [`\\b[0-9a-f]+ is no date`, '… is no date'],
  [`:? 0x[0-9a-f]+`, ''],
  [` at byte [0-9]+`, ''],
  [`\\[[0-9, ]+\\]`, '[…]'],
];

/**
 * Reasons of a batch's records with their counts, most frequent first, without the values and bytes that they name; the
 * `example` is that of the first such record in full.
 */
export async function quarantineReasons(
  store: ObjectStore,
  { quarantine }: Batch,
  workDir: string,
): Promise<{ reason: string; records: number; example: string }[]> {
  if (!quarantine) return [];
  const path = quoteText(await store.localFile(quarantine.uri));
  const kind = VALUES.reduce(
    (text, [pattern, shown]) => `regexp_replace(${text}, ${quoteText(pattern)}, ${quoteText(shown)}, 'g')`,
    'reason',
  );
  return withDuckDb({ workDir }, async ([session]) => {
    const reader = await session.runAndReadAll(
      `SELECT ${kind} AS kind, count(*) AS records, min_by(reason, record) AS example
       FROM read_parquet(${path}) GROUP BY kind ORDER BY records DESC, kind LIMIT 20`,
    );
    const rows = reader.getRowsJson() as [string, string, string][];
    return rows.map(([reason, records, example]) => ({ reason, records: Number(records), example }));
  });
}
