import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { crc32, deflateRawSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';

const SCRIPTS = new URL('../../scripts/', import.meta.url);
const module = <T>(name: string) => import(new URL(`setup/${name}.mjs`, SCRIPTS).href) as Promise<T>;

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-setup-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** One ZIP entry with its directory, the way wheels have them. */
function zipOf(path: string, content: Buffer, { crc = crc32(content), extra = 0 } = {}): Buffer {
  const packed = deflateRawSync(content);
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(path.length, 26);
  local.writeUInt16LE(extra, 28);
  const central = Buffer.alloc(46);
  central.writeUInt32LE(0x02014b50, 0);
  central.writeUInt16LE(8, 10);
  central.writeUInt32LE(crc, 16);
  central.writeUInt32LE(packed.length, 20);
  central.writeUInt32LE(content.length, 24);
  central.writeUInt16LE(path.length, 28);
  const body = Buffer.concat([local, Buffer.from(path), Buffer.alloc(extra), packed]);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(body.length, 16);
  return Buffer.concat([body, central, Buffer.from(path), end]);
}

describe('the ZIP reader', () => {
  type Unzip = {
    unzip: (zip: Buffer, wanted: (path: string) => boolean) => { path: string; bytes: Buffer }[];
  };
  const content = Buffer.from('library '.repeat(1_000));

  test('takes out what is wanted, past extra fields of the local header', async () => {
    const { unzip } = await module<Unzip>('zip');
    const zip = zipOf('xgboost/lib/libxgboost.so', content, { extra: 9 });
    expect(unzip(zip, () => true)).toEqual([{ path: 'xgboost/lib/libxgboost.so', bytes: content }]);
    expect(unzip(zip, () => false)).toEqual([]);
  });

  test('refuses what is damaged or no ZIP at all', async () => {
    const { unzip } = await module<Unzip>('zip');
    expect(() => unzip(zipOf('a', content, { crc: 1 }), () => true)).toThrow('ZIP entry a is damaged');
    expect(() => unzip(Buffer.from('<html>'), () => true)).toThrow('not a ZIP file');
  });
});

describe('the preflight', () => {
  type Preflight = { checkNode: (version: string) => { ok: boolean; detail: string } };

  test.each([
    ['18.20.8', false],
    ['20.18.3', false],
    ['20.19.0', true],
    ['22.1.0', true],
    ['24.0.0', true],
  ])('of Node %s gives %s', async (version, ok) => {
    const { checkNode } = await module<Preflight>('preflight');
    expect(checkNode(version).ok).toBe(ok);
  });

  test('a home that cannot be written ends set-up with one line', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    const setup = promisify(execFile)(process.execPath, [fileURLToPath(new URL('setup.mjs', SCRIPTS))], {
      env: { ...process.env, MILLRACE_HOME: join(file, 'home') },
    });
    await expect(setup).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^set-up: cannot write to .*\(ENOTDIR\)\. Make the folder writable.*MILLRACE_HOME\n$/,
      ),
    });
  });
});

describe('the lock', () => {
  type Lock = { withLock: <T>(places: { home: string }, work: () => Promise<T>) => Promise<T> };

  test('lets one set-up run at a time', async () => {
    const { withLock } = await module<Lock>('lock');
    const home = temporaryFolder();
    const steps: string[] = [];
    const one = async (name: string) => {
      steps.push(`${name} in`);
      await new Promise((resolve) => setTimeout(resolve, 50));
      steps.push(`${name} out`);
    };
    await Promise.all([withLock({ home }, () => one('a')), withLock({ home }, () => one('b'))]);
    expect(steps).toEqual(['a in', 'a out', 'b in', 'b out']);
    expect(existsSync(join(home, 'setup.lock'))).toBe(false);
  });

  test('of a set-up that was killed is taken over', async () => {
    const { withLock } = await module<Lock>('lock');
    const home = temporaryFolder();
    const gone = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
    await new Promise((resolve) => gone.once('exit', resolve));
    writeFileSync(join(home, 'setup.lock'), String(gone.pid));
    expect(await withLock({ home }, async () => 'done')).toBe('done');
  });
});

describe('the dependencies', () => {
  type Dependencies = { check: (places: { root: string }) => { ok: boolean; detail: string } };

  test('are compared with the lock file, but for what is optional here', async () => {
    const { check } = await module<Dependencies>('dependencies');
    const root = temporaryFolder();
    const lock = (file: string, packages: object) =>
      writeFileSync(join(root, file), JSON.stringify({ packages }));
    const locked = {
      '': {},
      'node_modules/a': { version: '1.0.0' },
      'node_modules/b': { version: '2.0.0', optional: true },
    };
    expect(check({ root }).detail).toBe('installed by npm');
    lock('package-lock.json', locked);
    expect(check({ root })).toMatchObject({ ok: false, detail: 'not installed' });
    mkdirSync(join(root, 'node_modules'));
    lock('node_modules/.package-lock.json', { 'node_modules/a': { version: '1.0.0' } });
    expect(check({ root }).ok).toBe(true);
    lock('node_modules/.package-lock.json', { 'node_modules/a': { version: '0.9.0' } });
    expect(check({ root })).toMatchObject({ ok: false, detail: '1 packages differ from package-lock.json' });
  });
});

describe('the Temporal binary', () => {
  type Temporal = { serverVersion: (path: string) => Promise<{ server?: string; reason?: string }> };

  test.each([
    ['temporal version 1.0.0 (Server 1.25.2, UI 2.30.0)', { reason: 'server 1.25.2 is older than 1.28' }],
    ['temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)', { server: '1.29.1' }],
    ['something else', { reason: "tells no server version ('something else')" }],
  ])('that says %j is judged', async (says, judged) => {
    const { serverVersion } = await module<Temporal>('temporal');
    const file = join(temporaryFolder(), 'temporal');
    writeFileSync(file, `#!/bin/sh\necho '${says}'\n`, { mode: 0o755 });
    expect(await serverVersion(file)).toEqual(judged);
  });
});

describe('the lock file', () => {
  const text = readFileSync(new URL('../package-lock.json', SCRIPTS), 'utf8');

  test('names no registry', () => {
    expect(text).not.toContain('"resolved": "http');
  });

  // `npm ci` refuses it otherwise; `npm run lock` completes it
  test('names the optional packages of every platform', () => {
    const { packages } = JSON.parse(text) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>;
    };
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) => !packages[`node_modules/${name}`] && !packages[`${path}/node_modules/${name}`],
      ),
    );
    expect(missing).toEqual([]);
  });
});
