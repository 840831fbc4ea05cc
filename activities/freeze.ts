import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256, sha256File } from '../engines/lake/content.js';
import type { ObjectStore } from '../engines/lake/store.js';
import { quoteText, type Session } from '../engines/warehouse/port.js';
import type { DatasetRef } from '../schemas/dataset.js';
import type { ObjectRef } from '../schemas/common.js';

interface Export {
  session: Session;
  lake: ObjectStore;
  /** folder of the files in the lake */
  prefix: string;
  /** one query for each file; each must have a total order, so that equal rows give equal bytes */
  queries: string[];
  signal: AbortSignal;
}

/** Freezes query results as Parquet in the lake, named by their content: the same rows are stored once. */
export async function freeze({ session, lake, prefix, queries, signal }: Export): Promise<DatasetRef> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-freeze-'));
  try {
    const files: ObjectRef[] = [];
    let rows = 0;
    for (const [index, query] of queries.entries()) {
      const path = join(folder, `part-${index}.parquet`);
      await session.run(`copy (${query}) to ${quoteText(path)} (format parquet, compression zstd)`, {
        signal,
      });
      const [counted] = await session.query<{ n: number }>(
        `select count(*)::integer as n from read_parquet(${quoteText(path)})`,
        { signal },
      );
      rows += Number(counted?.n ?? 0);
      const hash = await sha256File(path, signal);
      const { size: bytes } = await stat(path);
      const uri = `${prefix}/${hash.slice(0, 32)}.parquet`;
      await lake.putFile(uri, path);
      files.push({ uri, sha256: hash, bytes });
    }
    return { files, rows, sha256: sha256(files.map((file) => file.sha256).join('\n')) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Local paths of a dataset's files. */
export const localFiles = (lake: ObjectStore, dataset: DatasetRef): Promise<string[]> =>
  Promise.all(dataset.files.map(({ uri }) => lake.localFile(uri)));
