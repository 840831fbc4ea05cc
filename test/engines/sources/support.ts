import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { FileStream } from '../../../schemas/source.js';
import type { StagedBatch } from '../../../engines/lake/bronze.js';
import { extractFile } from '../../../engines/sources/extract-file.js';
import type { ExtractFileInput, SourceFile } from '../../../engines/sources/extract-input.js';
import type { z } from 'zod';

export const INTERVAL = { start: '2025-01-06T00:00:00Z', end: '2025-01-13T00:00:00Z' };

/** A folder for one test file: sources below `in`, work below `work`. */
export class Bench {
  private constructor(readonly root: string) {}

  static async open(): Promise<Bench> {
    const root = await mkdtemp(join(tmpdir(), 'millrace-extract-'));
    await mkdir(join(root, 'work'));
    return new Bench(root);
  }

  get workDir(): string {
    return join(this.root, 'work');
  }

  async file(name: string, content: string | Uint8Array): Promise<SourceFile> {
    const path = join(this.root, 'in', name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    const { size, mtimeMs } = await stat(path);
    return { file: name, path, bytes: size, mtimeMs };
  }

  async extract(
    content: string | Uint8Array,
    spec: Partial<z.input<typeof FileStream>> = {},
    more: Partial<ExtractFileInput> = {},
  ): Promise<StagedBatch> {
    return extractFile({
      ...{ source: 'crm', stream: 'customers', spec: FileStream.parse({ path: '*', ...spec }) },
      ...{ file: await this.file('data.csv', content), interval: INTERVAL, run: 'run-1' },
      ...{ extractedAt: '2025-01-13T02:00:00.000Z', workDir: this.workDir },
      ...more,
    });
  }

  /** Compresses text with DuckDB, as Node 20 cannot. */
  async zstd(text: string): Promise<Buffer> {
    const { path } = await this.file('plain.txt', text);
    await withSession((session) =>
      session.run(
        `COPY (SELECT content FROM read_text('${path}')) TO '${path}.zst'
         (FORMAT csv, COMPRESSION zstd, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x1f')`,
      ),
    );
    return readFile(`${path}.zst`);
  }

  close(): Promise<void> {
    return rm(this.root, { recursive: true, force: true });
  }
}

/** Rows of a Parquet file as JSON values, in file order. */
export const readParquet = (path: string, columns = '*'): Promise<unknown[][]> =>
  withSession(async (session) =>
    (await session.runAndReadAll(`SELECT ${columns} FROM read_parquet('${path}')`)).getRowsJson(),
  );

export async function withSession<T>(work: (session: DuckDBConnection) => Promise<T>): Promise<T> {
  const instance = await DuckDBInstance.create(':memory:');
  const session = await instance.connect();
  try {
    await session.run("SET TimeZone = 'UTC'");
    return await work(session);
  } finally {
    session.closeSync();
    instance.closeSync();
  }
}

const LINEAGE = '_source_file, _source_position, _batch, _extracted_at';

/** The loaded rows without their lineage, in record order. */
export async function rowsOf({ files }: StagedBatch): Promise<unknown[][]> {
  const path = files[0]?.path ?? '';
  const rows = await readParquet(path, `* EXCLUDE (${LINEAGE}), _source_position`);
  return rows.sort((a, b) => Number(a.at(-1)) - Number(b.at(-1))).map((row) => row.slice(0, -1));
}

export interface Quarantined {
  record: number;
  line: number;
  byte: number;
  reason: string;
  raw: Buffer;
}

export async function quarantineOf({ files }: StagedBatch): Promise<Quarantined[]> {
  const kept = files.find(({ key }) => key.startsWith('quarantine/'));
  if (!kept) return [];
  const rows = await readParquet(kept.path, 'record, line, byte, reason, hex(raw)');
  return rows.map(([record, line, byte, reason, raw]) => ({
    ...{ record: Number(record), line: Number(line), byte: Number(byte) },
    ...{ reason: String(reason), raw: Buffer.from(String(raw), 'hex') },
  }));
}
