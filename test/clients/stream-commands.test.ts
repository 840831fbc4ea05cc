import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { main } from '../../clients/cli/main.js';
import { load, streamProject } from './stream-project.js';
import { temporaryFolder } from './support.js';

let folder: string;
let printed: string;

beforeEach(async () => {
  folder = temporaryFolder();
  mkdirSync(join(folder, 'in'));
  writeFileSync(join(folder, 'in/a.csv'), 'id,name\n1,Ana\nx2,Bo\n3,Cy\n');
  declare(`id: 'int32'`, 'freeze');
  await load(folder, 'customers');
  printed = '';
  const take = (text: unknown): boolean => Boolean((printed += String(text)));
  vi.spyOn(process.stdout, 'write').mockImplementation(take);
  vi.spyOn(process.stderr, 'write').mockImplementation(take);
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

const declare = (id: string, contract: string): void =>
  streamProject(folder, {
    ...{ name: 'customers', format: 'csv()', path: '*.csv' },
    more: `tolerance: 0.5, contract: '${contract}', columns: { ${id}, name: 'text' }, freshness: { errorAfter: '1d' }`,
  });

async function run(...args: string[]): Promise<{ code: number; text: string }> {
  printed = '';
  process.exitCode = undefined;
  const code = await main([...args, '-C', folder]);
  return { code, text: printed };
}

test('from the list of streams to the replay, as somebody types it', async () => {
  const listed = await run('streams');
  expect(listed).toMatchObject({ code: 0 });
  expect(listed.text).toMatch(/crm\.customers +1 +2 +1 +2 \(v1\) +\S+Z +ok 3 read/);
  expect((await run('freshness', 'crm')).text).toMatch(/crm\.customers +fresh +\d+s/);

  const open = await run('quarantine', 'list');
  expect(open.text).toMatch(
    /crm\.customers +[0-9a-f]{12} +1 +open +\d+s +1× column "id": … is not int32 +a\.csv/,
  );
  const shown = await run('quarantine', 'show', 'crm.customers');
  expect(shown.text).toContain('a.csv record 2, line 3, byte 14');
  expect(shown.text).toContain('│ x2,Bo');

  const refused = await run('quarantine', 'replay', 'crm.customers');
  expect(refused.code).toBe(1);
  expect(refused.text).toContain('1 record left open');
  declare(`id: 'text'`, 'evolve');
  const replayed = await run('quarantine', 'replay', 'crm.customers', '--who', 'ana', '--json');
  expect(JSON.parse(replayed.text)).toMatchObject([{ read: 1, loaded: 1, quarantined: 0 }]);
  expect((await run('quarantine', 'list')).text).toBe('no open quarantine\n');
  expect((await run('quarantine', 'list', '--all')).text).toContain('replayed');
});

test('a preview and a profile are tables', async () => {
  const preview = await run('extract', 'preview', 'crm.customers', '--rows', '1');
  expect(preview.text).toContain('3 read = 2 loaded + 1 quarantined + 0 filtered');
  expect(preview.text).toMatch(/record 2, line 3: column "id": 'x2' is not int32/);
  expect(preview.text).toContain("columns: {\n  id: 'int32',\n  name: 'text',\n},");
  const profile = await run('extract', 'profile', 'crm.customers');
  expect(profile.text).toMatch(/id +int32 +1 +3 +2\.00000 +2\n/);
  expect(profile.text).toMatch(/name +text +2 to 3 +2\n/);
});

test('what is named wrongly is said, with the way out', async () => {
  const wrong = await run('quarantine', 'drop', 'crm.customers', '--batch', 'zzz', '--why', 'because');
  expect(wrong.code).toBe(2);
  expect(wrong.text).toContain(`has the key 'zzz'`);
  expect((await run('quarantine', 'show', 'customers')).text).toContain('Write source.stream');
  expect((await run('quarantine', 'show', 'crm.customers', '-n', 'many')).text).toContain(
    `--limit is 'many'`,
  );
});
