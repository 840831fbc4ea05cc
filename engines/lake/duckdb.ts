import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { asDiskFull } from './disk-full.js';

export interface DuckDbOptions {
  /** folder for what does not fit in memory */
  workDir: string;
  signal?: AbortSignal | undefined;
  /** DuckDB's way of writing sizes */
  memoryLimit?: string;
  /** statements that may run at once, each on one thread, so that what they write does not depend on chance */
  sessions?: number;
}

/**
 * Lends an in-memory DuckDB for one piece of work on files, and closes it whatever happens. An aborted signal
 * interrupts the running statement and rejects with the signal's reason; a full disk becomes `DiskFull`.
 */
export async function withDuckDb<T>(
  { workDir, signal, memoryLimit = '512MB', sessions: count = 1 }: DuckDbOptions,
  work: (sessions: [DuckDBConnection, ...DuckDBConnection[]]) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const spill = await mkdtemp(join(workDir, 'duckdb-'));
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: memoryLimit,
    threads: '1',
    temp_directory: spill,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const sessions: [DuckDBConnection, ...DuckDBConnection[]] = [await instance.connect()];
  for (let n = 1; n < count; n++) sessions.push(await instance.connect());
  const interrupt = (): void => sessions.forEach((session) => session.interrupt());
  signal?.addEventListener('abort', interrupt, { once: true });
  try {
    for (const session of sessions) await session.run("SET TimeZone = 'UTC'");
    const result = await work(sessions);
    signal?.throwIfAborted();
    return result;
  } catch (error) {
    signal?.throwIfAborted();
    throw asDiskFull(error, workDir);
  } finally {
    signal?.removeEventListener('abort', interrupt);
    for (const session of sessions) session.closeSync();
    instance.closeSync();
    await rm(spill, { recursive: true, force: true });
  }
}
