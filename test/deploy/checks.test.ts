import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runChecks, type Check } from '../../deploy/local/checks.js';
import { anyFreePort, choosePort, holderOf } from '../../deploy/local/ports.js';
import { temporaryHome } from './support.js';

const named = (checks: Check[], name: string) => checks.find((check) => check.name === name);

test('the checks cover the machine and tell what is missing and what to do', async () => {
  const checks = await runChecks(temporaryHome());
  expect(checks.map(({ name }) => name)).toEqual([
    ...['Node', 'folder', 'dependencies', 'build', 'temporal', 'xgboost'],
    ...['Temporal port', 'Temporal UI port', 'disk', 'memory'],
  ]);
  expect(named(checks, 'Node')).toMatchObject({ ok: true, detail: process.versions.node });
  expect(named(checks, 'temporal')?.detail).toMatch(/server \d+\.\d+/);
  expect(named(checks, 'xgboost')).toMatchObject({ ok: false, fix: 'Run `npm run setup`' });
});

test('a home that cannot be written is one clear line', async () => {
  const home = temporaryHome();
  writeFileSync(join(home, 'file'), '');
  const folder = named(await runChecks(join(home, 'file', 'home')), 'folder');
  expect(folder).toMatchObject({ ok: false, detail: expect.stringContaining('cannot write to') });
});

test('without a wish the next free port is taken, and no port is promised twice', async () => {
  const fallback = await anyFreePort();
  const taken = new Set<number>();
  const wish = { purpose: 'test', option: '--port', fallback, taken };
  const ports = [await choosePort(wish), await choosePort(wish)];
  expect(ports[0]).toBe(fallback);
  expect(ports[1]).toBeGreaterThan(fallback);
  await expect(choosePort({ ...wish, port: fallback })).rejects.toMatchObject({ type: 'PortInUse' });
});

test('nobody holds a free port', async () => {
  expect(await holderOf(await anyFreePort())).toBeNull();
});
