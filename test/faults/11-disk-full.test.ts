import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FilesSource } from '../../schemas/source.js';

const ENTRY = fileURLToPath(new URL('../support/small-disk.mjs', import.meta.url));
const ROWS = 60_000;

interface Failure {
  type: string;
  retryable: boolean | null;
  message: string;
}
interface Seen {
  first: Failure | null;
  /** checksums of everything in the lake, before the disk was full and after the attempts */
  before: Record<string, string>;
  after: Record<string, string>;
  failures: (Failure | null)[];
  /** in the folder for work, after the attempts */
  left: string[];
  spill?: Failure | null;
  retried: Failure | null;
  batches: [string, number][];
}

/** How a process gets a small disk of its own: as root, or as root of a user namespace; not everywhere. */
const NAMESPACE = [['-m'], ['-Urm']].find((flags) => {
  const mounts = ['sh', '-c', 'mount -t tmpfs -o size=1m tmpfs /mnt'];
  return process.platform === 'linux' && spawnSync('unshare', [...flags, ...mounts]).status === 0;
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-full-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function extractOnSmallDisk(where: 'lake' | 'work', megabytes: number): Seen {
  const root = join(folder, 'project');
  mkdirSync(join(root), { recursive: true });
  // digits that do not repeat, so that they stay large when packed
  const text = (seed: number) =>
    Array.from(
      { length: ROWS },
      (_, n) =>
        `${n},${Math.sin(n * seed)
          .toString()
          .slice(3)}`,
    ).join('\n');
  const files = [1, 2].map((seed) => {
    const path = join(folder, `file-${seed}.csv`);
    writeFileSync(path, `id,text\n${text(seed)}\n`);
    return path;
  });
  const source = FilesSource.parse({
    ...{ kind: 'files', root: '.' },
    streams: { rows: { path: '*.csv', columns: { id: 'int64', text: 'text' } } },
  });
  const input = JSON.stringify({ folder, megabytes, where, source, stream: 'rows', root, files });
  const child = spawnSync('unshare', [...(NAMESPACE ?? []), process.execPath, ENTRY, input], {
    encoding: 'utf8',
  });
  if (child.status !== 0) throw new Error(child.stderr);
  return JSON.parse(child.stdout) as Seen;
}

function expectIntactAndResumed({ first, before, after, failures, left, retried, batches }: Seen): void {
  expect(first).toBeNull();
  expect(failures).toHaveLength(3);
  for (const failure of failures) {
    expect(failure).toMatchObject({ type: 'DiskFull', retryable: true });
    expect(failure?.message).toMatch('Free space');
  }
  expect(after).toMatchObject(before);
  // a small file of an attempt may have found room; the retry brings it under the same name, and nothing names it yet
  const committed = (files: Seen['after']): string[] =>
    Object.keys(files).filter((file) => file.includes('_manifest'));
  expect(committed(after)).toEqual(committed(before));
  expect(left).toEqual([]);
  expect(retried).toBeNull();
  expect(batches).toEqual([
    ['delivered-0.csv', ROWS],
    ['delivered-1.csv', ROWS],
  ]);
}

test.runIf(NAMESPACE)(
  'a lake without room: DiskFull, what was there is intact, and the retry goes on',
  () => {
    expectIntactAndResumed(extractOnSmallDisk('lake', 16));
  },
);

test.runIf(NAMESPACE)(
  'no room to extract or to spill: DiskFull, nothing is left over, and the retry goes on',
  () => {
    const seen = extractOnSmallDisk('work', 16);
    expectIntactAndResumed(seen);
    expect(seen.spill).toMatchObject({ type: 'DiskFull', retryable: true });
  },
);
