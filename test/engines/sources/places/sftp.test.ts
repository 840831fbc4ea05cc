import { appendFile, mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { z } from 'zod';
import { sha256 } from '../../../../engines/lake/content.js';
import { fingerprint } from '../../../../engines/sources/places/host-key.js';
import type { Place, PlacedFile } from '../../../../engines/sources/places/place.js';
import { openSftpPlace } from '../../../../engines/sources/places/sftp.js';
import { SftpPlace } from '../../../../schemas/place.js';
import { startCuttingProxy, type CuttingProxy } from '../../../support/cutting-proxy.js';
import { hostKey, PASSWORD, startSftpServer, USER, type SftpServer } from '../../../support/sftp-server.js';

const MB = 1 << 20;
const KEY = hostKey();
const login = ssh2.utils.generateKeyPairSync('ed25519', {
  passphrase: 'open sesame',
  cipher: 'aes256-cbc',
  rounds: 16,
});
const SECRETS: Record<string, string> = {
  'env:PASSWORD': PASSWORD,
  'env:WRONG': 'not-the-password',
  'env:KEY': login.private,
  'env:PASSPHRASE': 'open sesame',
};
const secret = (reference: string) => Promise.resolve(SECRETS[reference] ?? '');

let root: string;
let work: string;
let server: SftpServer;
let proxy: CuttingProxy;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'millrace-sftp-'));
  root = join(work, 'served');
  await mkdir(root);
  server = await startSftpServer(root, { keys: [KEY], publicKey: login.public });
  proxy = await startCuttingProxy(server.port);
});
afterAll(async () => {
  await proxy.close();
  await server.close();
  await rm(work, { recursive: true });
});
beforeEach(async () => {
  await rm(root, { recursive: true });
  await mkdir(root);
  server.behave = {};
  proxy.heal();
});

async function put(file: string, content: string | Buffer = file): Promise<void> {
  await mkdir(dirname(join(root, file)), { recursive: true });
  await writeFile(join(root, file), content);
}

function open(more: Partial<z.input<typeof SftpPlace>> = {}): Place {
  const place = openSftpPlace(
    SftpPlace.parse({
      ...{ kind: 'sftp', host: '127.0.0.1', port: server.port, user: USER, password: 'env:PASSWORD' },
      ...{ hostKey: KEY.public, complete: { settled: '50ms' } },
      ...more,
    }),
    secret,
  );
  onTestFinished(() => place.close());
  return place;
}

const names = (files: PlacedFile[]) => files.map(({ file }) => file);

describe('listing', () => {
  test('goes only where the pattern can match, in name order, with size and time', async () => {
    for (const file of [
      'b.csv',
      'a.csv',
      'x.txt',
      '2025/01/o.csv',
      '2025/02/o.csv',
      '2024/01/o.csv',
      '.hidden.csv',
    ])
      await put(file);
    await utimes(join(root, 'a.csv'), 1_700_000_000, 1_700_000_000);
    const place = open();
    expect(await place.list('*.csv')).toMatchObject([
      { file: 'a.csv', bytes: 5, mtimeMs: 1_700_000_000_000 },
      { file: 'b.csv', bytes: 5 },
    ]);
    expect(names(await place.list('2025/*/o.csv'))).toEqual(['2025/01/o.csv', '2025/02/o.csv']);
    expect(names(await place.list('**/o.csv'))).toHaveLength(3);
    expect(names(await place.list('{2024,2025}/01/*'))).toEqual(['2024/01/o.csv', '2025/01/o.csv']);
    expect(await place.list('none/*.csv')).toEqual([]);
    expect(await place.names('')).toContain('x.txt');
  });

  test('begins at the declared folder, and follows links but not in circles', async () => {
    await put('out/day/a.csv');
    await symlink(join(root, 'out/day'), join(root, 'out/latest'));
    await symlink(join(root, 'out'), join(root, 'out/day/up'));
    await symlink(join(root, 'nowhere'), join(root, 'out/broken.csv'));
    const place = open({ folder: '/out' });
    expect(names(await place.list('**/*.csv'))).toEqual(['day/a.csv']);
    expect(names(await place.list('latest/*.csv'))).toEqual(['latest/a.csv']);
    expect(names(await place.list('*.csv'))).toEqual([]);
  });

  test('a file that is still growing is not complete', async () => {
    await put('still.csv', 'id\n');
    await put('done.csv', 'id\n1\n');
    const place = open({ complete: { settled: '200ms' } });
    const listed = await place.list('*.csv');
    const looked = place.complete(listed);
    await appendFile(join(root, 'still.csv'), '1\n');
    expect(names(await looked)).toEqual(['done.csv']);
  });

  test('a file without its marker has not arrived, and a marker is no file', async () => {
    for (const file of ['a.csv', 'a.csv.done', 'b.csv', 'c.csv', 'c.ready']) await put(file);
    expect(names(await open({ complete: { marker: '{file}.done' } }).list('*'))).toEqual(['a.csv']);
    expect(names(await open({ complete: { marker: '{stem}.ready' } }).list('*'))).toEqual(['c.csv']);
  });
});

describe('fetching', () => {
  const content = Buffer.from(Array.from({ length: 3 * MB + 5 }, (_, n) => n * 31 + (n >> 8)));
  const fetch = async (place: Place, file = 'large.dat', options = {}) => {
    const listed = (await place.list('*')).find((one) => one.file === file)!;
    return place.fetch(listed, join(work, 'fetched'), options);
  };

  test('brings the bytes, many requests at once', async () => {
    await put('large.dat', content);
    await put('empty.dat', '');
    const place = open();
    const seen: number[] = [];
    const file = await fetch(place, 'large.dat', { onProgress: (bytes: number) => seen.push(bytes) });
    expect(file).toMatchObject({ file: 'large.dat', bytes: content.length });
    expect(sha256(await readFile(file.path))).toBe(sha256(content));
    expect(seen.at(-1)).toBe(content.length);
    expect(await readFile((await fetch(place, 'empty.dat')).path)).toHaveLength(0);
    await expect.poll(() => server.seen.open).toBe(0);
  });

  test('goes on over a new connection where the last one broke', async () => {
    const large = Buffer.alloc(12 * MB, content);
    await put('large.dat', large);
    const place = open({ port: proxy.port });
    const [logins, bytes, cuts] = [server.seen.logins, server.seen.bytes, proxy.cuts];
    proxy.cut({ after: 5 * MB, direction: 'down', times: 2 });
    const file = await fetch(place);
    expect(sha256(await readFile(file.path))).toBe(sha256(large));
    expect([proxy.cuts - cuts, server.seen.logins - logins]).toEqual([2, 3]);
    // what had arrived was not read again, but for what was under way
    expect(server.seen.bytes - bytes).toBeLessThan(1.5 * large.length);
  });

  test('gives up after connections that bring nothing, and says that a retry may help', async () => {
    await put('large.dat', content);
    const place = open({ port: proxy.port });
    const [listed] = await place.list('*');
    proxy.cut({ after: 10_000, direction: 'down' });
    const failed = place.fetch(listed!, join(work, 'fetched'));
    await expect(failed).rejects.toMatchObject({ type: 'Unavailable', retryable: true });
    proxy.heal();
    await expect(place.fetch(listed!, join(work, 'fetched'))).resolves.toMatchObject({
      bytes: content.length,
    });
  });

  test('refuses a file that changes while it is read', async () => {
    await put('large.dat', content);
    const place = open();
    server.behave = {
      onRead: async (_path, position) => {
        if (position > MB && position < MB + 40_000) await appendFile(join(root, 'large.dat'), 'more');
      },
    };
    await expect(fetch(place)).rejects.toMatchObject({ type: 'Unavailable' });
    await expect(fetch(place)).rejects.toThrow('changed while it was read');
  });

  test('takes the file as it is by now, when it was delivered anew since it was listed', async () => {
    await put('large.dat', 'first');
    const place = open();
    const [listed] = await place.list('*');
    await put('large.dat', 'second, longer');
    const file = await place.fetch(listed!, join(work, 'fetched'));
    expect(file.bytes).toBe(14);
    expect(await readFile(file.path, 'utf8')).toBe('second, longer');
  });

  test('says that a listed file is gone', async () => {
    await put('large.dat', content);
    const place = open();
    const [listed] = await place.list('*');
    await rm(join(root, 'large.dat'));
    await expect(place.fetch(listed!, join(work, 'fetched'))).rejects.toMatchObject({
      type: 'SourceMissing',
    });
  });

  // /dev/full answers every write as a full disk does
  test.runIf(process.platform === 'linux')('says that the disk is full', async () => {
    await put('large.dat', content);
    const place = open();
    const [listed] = await place.list('*');
    await expect(place.fetch(listed!, '/dev/full')).rejects.toMatchObject({
      type: 'DiskFull',
      retryable: true,
    });
  });

  test('stops when it is cancelled', async () => {
    await put('large.dat', content);
    const place = open();
    const [listed] = await place.list('*');
    server.behave = { readDelay: 1_000 };
    const controller = new AbortController();
    const fetching = place.fetch(listed!, join(work, 'fetched'), { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('cancelled')), 100);
    await expect(fetching).rejects.toThrow('cancelled');
  });
});

describe('connecting', () => {
  test('takes a key with passphrase, and any of several host keys', async () => {
    await put('a.csv');
    const byKey = { password: undefined, privateKey: 'env:KEY', passphrase: 'env:PASSPHRASE' };
    expect(await open(byKey).list('*')).toHaveLength(1);
    const shown = fingerprint(Buffer.from(KEY.public.split(' ')[1] ?? '', 'base64'));
    expect(await open({ hostKey: [hostKey().public, shown] }).list('*')).toHaveLength(1);
    expect(await open({ hostKey: `# scanned\n[127.0.0.1]:22 ${KEY.public}` }).list('*')).toHaveLength(1);
  });

  test('refuses a server with another host key before anything is sent, and names both', async () => {
    const other = hostKey();
    const logins = server.seen.logins;
    const failed = open({ hostKey: other.public }).list('*');
    await expect(failed).rejects.toMatchObject({ type: 'HostKeyMismatch', retryable: false });
    const both = [KEY, other].map((key) =>
      fingerprint(Buffer.from(key.public.split(' ')[1] ?? '', 'base64')),
    );
    for (const one of both) await expect(failed).rejects.toThrow(one);
    expect(server.seen.logins).toBe(logins);
  });

  test('asks a server that has several keys for the one that is known', async () => {
    const rsa = ssh2.utils.generateKeyPairSync('rsa', { bits: 2048 });
    const both = await startSftpServer(root, { keys: [KEY, rsa] });
    onTestFinished(() => both.close());
    expect(await open({ port: both.port, hostKey: rsa.public }).list('*')).toEqual([]);
  });

  test.each([
    ['a wrong password', { password: 'env:WRONG' }, 'AccessDenied', 'wrong password or key'],
    [
      'a passphrase that is missing',
      { password: undefined, privateKey: 'env:KEY' },
      'AccessDenied',
      'private key',
    ],
    ['nobody at that port', { port: 9 }, 'Unavailable', 'cannot be reached'],
    ['no credentials', { password: undefined }, 'ProjectInvalid', 'neither password nor privateKey'],
  ] as const)('says so with %s', async (_what, more, type, text) => {
    const failed = open(more).list('*');
    await expect(failed).rejects.toMatchObject({ type });
    await expect(failed).rejects.toThrow(text);
    await expect(failed).rejects.not.toThrow('not-the-password');
  });

  test('says that a password has expired', async () => {
    server.behave = { expired: true };
    await expect(open().list('*')).rejects.toThrow('has expired');
  });

  test('a host key that is none is refused at once', () => {
    expect(() => open({ hostKey: 'ssh-ed25519' })).toThrow('neither a key nor a fingerprint');
  });
});
