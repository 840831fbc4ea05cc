import { writeFile } from 'node:fs/promises';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { asDiskFull } from '../../../engines/lake/disk-full.js';
import { withDuckDb } from '../../../engines/lake/duckdb.js';

// /dev/full answers every write as a full disk does
test.runIf(process.platform === 'linux')(
  'a full disk is DiskFull in Node’s words and in DuckDB’s, and may be retried',
  async () => {
    const words = await writeFile('/dev/full', 'x').catch((error: unknown) => asDiskFull(error, '/lake'));
    expect(words).toMatchObject({ type: 'DiskFull', retryable: true, where: { file: '/lake' } });

    const workDir = await mkdtemp(join(tmpdir(), 'millrace-full-'));
    try {
      await expect(
        withDuckDb({ workDir }, ([session]) =>
          (session ?? expect.fail()).run("COPY (FROM range(1000000)) TO '/dev/full' (FORMAT parquet)"),
        ),
      ).rejects.toMatchObject({ type: 'DiskFull' });
      expect(await readdir(workDir)).toEqual([]);
    } finally {
      await rm(workDir, { recursive: true });
    }
  },
);

test('other errors pass as they are', () => {
  const error = new Error('EACCES: permission denied');
  expect(asDiskFull(error, '/lake')).toBe(error);
});
