import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from './support.js';

const bin = fileURLToPath(new URL('../../bin/millrace.mjs', import.meta.url));

test('copybook decode ends in silence when its reader has enough', async () => {
  const folder = temporaryFolder();
  const [copybook, data, options] = ['r.cpy', 'r.dat', 'o.json'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(copybook, '       01 R.\n         05 A PIC X(10).\n');
  writeFileSync(data, 'abcdefghij'.repeat(500_000));
  writeFileSync(options, '{"encoding": "ascii"}');
  const args = ['copybook', 'decode', '--copybook', copybook, '--data', data, '--options', options];
  const child = spawn(process.execPath, [bin, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let told = '';
  child.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
  const [first] = (await once(child.stdout, 'data')) as [Buffer];
  child.stdout.destroy();
  const [code] = (await once(child, 'exit')) as [number | null];
  expect(first.toString().split('\n')[0]).toBe('{"A":"abcdefghij"}');
  expect({ code, told }).toEqual({ code: 0, told: '' });
});

test('copybook decode of a file that is not there names it', async () => {
  const folder = temporaryFolder();
  const [copybook, data] = [join(folder, 'r.cpy'), join(folder, 'none.dat')];
  writeFileSync(copybook, '       01 R.\n         05 A PIC X(10).\n');
  const args = ['copybook', 'decode', '--copybook', copybook, '--data', data];
  const child = spawn(process.execPath, [bin, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let told = '';
  child.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
  await once(child, 'close');
  expect(told).toContain('SourceMissing');
  expect(told).toContain(data);
});
