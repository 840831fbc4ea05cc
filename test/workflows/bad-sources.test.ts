import { createServer as createTlsServer, type Server } from 'node:https';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectTo, type Connected } from '../../clients/connect.js';
import { workerEntry } from '../../clients/worker-entry.js';
import type { Stack } from '../../deploy/local/stack.js';
import type { ErrorType } from '../../schemas/errors.js';
import { copybook, csv, json, parquet } from '../../schemas/format.js';
import { sftp } from '../../schemas/place.js';
import type { ProjectInput } from '../../schemas/project.js';
import { withSession } from '../engines/sources/support.js';
import {
  extractDay,
  failDay,
  makeProject,
  type ExtractProject,
  type StreamInput,
} from '../support/extract-project.js';
import { CERTIFICATES } from '../support/localhost-certificates.js';
import { OddApi, status } from '../support/odd-api.js';
import { startPostgres, type PostgresServer } from '../support/postgres-server.js';
import { hostKey, PASSWORD, startSftpServer, USER, type SftpServer } from '../support/sftp-server.js';
import { packed, saleOf, SALE_BYTES, SALE_COPYBOOK } from '../support/sales.js';
import { startTestStack } from '../support/stack.js';
import { zip } from '../support/zip.js';

const DAYS = ['2026-01-05', '2026-01-06', '2026-01-07'] as const;
const [FIRST, SECOND, THIRD] = DAYS;
const CSV = 'id,name\n1,Ann\n2,Bob\n';
/** Of a worker that reads a file of any size. */
const MOST_MEMORY_MB = 900;

let project: ExtractProject;
let connected: Connected;
let stack: Stack;
let sftpServer: SftpServer;
let database: PostgresServer;
let api: OddApi;
const stops: (() => Promise<unknown> | void)[] = [];

interface BadDelivery {
  /** of the stream */
  name: string;
  /** how the file is called on a day, and what is declared of it */
  file: string;
  stream: Omit<StreamInput, 'path'>;
  good: () => Promise<string | Uint8Array> | string | Uint8Array;
  bad: (good: Buffer) => Promise<string | Uint8Array> | string | Uint8Array;
  type: ErrorType;
  says: (string | RegExp)[];
}

const sales = (
  options: Parameters<typeof copybook>[1] = {},
  path = 'sale.cpy',
): Omit<StreamInput, 'path'> => ({
  format: copybook(path, options),
});
const rdw = (record: Buffer): Buffer => {
  const header = Buffer.alloc(4);
  header.writeUInt16BE(record.length);
  return Buffer.concat([header, record]);
};
const three = Buffer.concat([saleOf(1), saleOf(2), saleOf(3)]);
const parquetOf = (rows: number): Promise<Buffer> =>
  withSession(async (session) => {
    const path = join(project.root, `made-${rows}.parquet`);
    await session.run(
      `COPY (SELECT i AS id, 'name ' || i AS name FROM range(${rows}) t(i)) TO '${path}' (FORMAT parquet)`,
    );
    return readFileSync(path);
  });

const DELIVERIES: BadDelivery[] = [
  {
    ...{ name: 'truncated_record', file: 'sales.dat', stream: sales(), good: () => three },
    bad: (good) => good.subarray(0, 2 * SALE_BYTES + 9),
    type: 'ToleranceExceeded',
    says: [new RegExp(`record 3 \\(.*byte ${2 * SALE_BYTES}\\)`), `9 of ${SALE_BYTES} bytes are there`],
  },
  {
    ...{ name: 'bad_packed_digit', file: 'sales.dat', stream: sales(), good: () => three },
    bad: () => Buffer.concat([saleOf(1), saleOf(2, packed('a1')), saleOf(3)]),
    type: 'ToleranceExceeded',
    says: [`AMOUNT: bad packed digit 0xa1 at byte ${SALE_BYTES + 25}`, 'Nothing of it was loaded'],
  },
  {
    name: 'wrong_rdw',
    file: 'sales.dat',
    stream: sales({ record_format: 'V', is_rdw_big_endian: true }),
    good: () => Buffer.concat([rdw(saleOf(1)), rdw(saleOf(2))]),
    bad: () => Buffer.concat([rdw(saleOf(1)), Buffer.from([0, 0, 0, 0]), rdw(saleOf(2))]),
    type: 'RecordInvalid',
    says: [new RegExp(`byte ${SALE_BYTES + 4}\\b`)],
  },
  {
    name: 'mixed_encodings',
    file: 'people.csv',
    stream: { format: csv({ encoding: 'utf-8' }), columns: { id: 'int64', name: 'text' } },
    good: () => CSV,
    bad: () => Buffer.concat([Buffer.from('id,name\n1,Zoë\n'), Buffer.from('2,Zo\xeb\n', 'latin1')]),
    type: 'ToleranceExceeded',
    says: ['record 2 (line 3, byte 15)', 'it is not valid utf-8'],
  },
  {
    name: 'long_line',
    file: 'people.csv.gz',
    stream: { columns: { id: 'int64', name: 'text' } },
    good: () => gzipSync(CSV),
    bad: () => gzipSync(Buffer.concat([Buffer.from(CSV), Buffer.alloc(200 << 20, 'x'), Buffer.from('\n')])),
    type: 'ToleranceExceeded',
    says: ['record 3 (line 4, byte 20)', 'it is longer than'],
  },
  {
    name: 'zip_bomb',
    file: 'people.zip',
    stream: { columns: { id: 'int64', name: 'text' } },
    good: () => zip([{ name: 'people.csv', content: CSV }]),
    bad: () => zip([{ name: 'people.csv', content: Buffer.alloc(300 << 20, '1') }]),
    type: 'ArchiveTooLarge',
    says: ['314,572,800', 'unpack the file before it is read'],
  },
  {
    name: 'gzip_bomb',
    file: 'people.csv.gz',
    stream: { columns: { id: 'int64', name: 'text' } },
    good: () => gzipSync(CSV),
    bad: () => gzipSync(Buffer.alloc(300 << 20, '1,x\n')),
    type: 'ArchiveTooLarge',
    says: ['packed bytes become'],
  },
  {
    name: 'gzip_cut',
    file: 'people.csv.gz',
    stream: { columns: { id: 'int64', name: 'text' } },
    good: () => gzipSync(CSV),
    bad: () =>
      gzipSync(Array.from({ length: 9_000 }, (_, id) => `${id},name ${id * 7919}`).join('\n')).subarray(
        0,
        5_000,
      ),
    type: 'SourceUnreadable',
    says: ['The gzip data ends or breaks at byte 5000', 'deliver it again'],
  },
  {
    ...{ name: 'parquet_cut', file: 'people.parquet', stream: { format: parquet() } },
    good: () => parquetOf(3),
    bad: async () => (await parquetOf(9_000)).subarray(0, 8_000),
    type: 'SourceUnreadable',
    says: ['it lacks its footer', 'byte 8000', 'deliver it again'],
  },
  {
    ...{ name: 'html', file: 'people.json', stream: { format: json() } },
    good: () => '[{"id":1,"name":"Ann"}]',
    bad: () => '<!doctype html>\n<html><body>Please sign in</body></html>',
    type: 'FormatMismatch',
    says: [/HTML|<!doctype/, /people\.json/],
  },
];

const sources = (): NonNullable<ProjectInput['sources']> => ({
  files: {
    ...{ kind: 'files', root: 'in' },
    streams: Object.fromEntries(
      DELIVERIES.map(({ name, file, stream }) => [
        name,
        { path: `${name}/{start:yyyy-MM-dd}-${file}`, ...stream },
      ]),
    ),
  },
  host: {
    ...{ kind: 'files', root: 'in' },
    streams: {
      code_page: { path: 'host/*.dat', ...sales({ ebcdic_code_page: 'cp99999' }) },
      syntax: { path: 'host/*.dat', ...sales({}, 'broken.cpy') },
    },
  },
});

beforeAll(async () => {
  project = makeProject(sources(), 'bad');
  stops.push(() => project.remove());
  project.put('sale.cpy', SALE_COPYBOOK);
  project.put('broken.cpy', SALE_COPYBOOK.replace('PIC X(20)', 'PIC X(2Q)'));
  project.put('in/host/sales.dat', three);
  project.put('remote/people.csv', CSV);
  stack = await startTestStack({
    projects: [project.root],
    workerEntry: workerEntry(),
    env: {
      ...{ SFTP_PASSWORD: PASSWORD, NODE_EXTRA_CA_CERTS: project.put('trusted.pem', CERTIFICATES.one.cert) },
      ...{ MILLRACE_IO_SLOTS: '1' },
    },
  });
  stops.push(() => stack.stop());
  connected = await connectTo({ ...stack, uiUrl: undefined });
  stops.push(() => connected.close());
});
afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
});

/** Highest resident memory of the worker since its start, in megabytes; nothing where the system doesn't tell. */
function peakMemory(): number {
  const pid = stack.pids()['worker-1'];
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

describe('a bad delivery ends the run at once, with its place and what to do, and leaves bronze as it was', () => {
  test.each(DELIVERIES)('$name: $type', async ({ name, file, good, bad, type, says }) => {
    const { client } = connected;
    const stream = `files.${name}`;
    const content = Buffer.from(await good());
    project.put(`in/${name}/${FIRST}-${file}`, content);
    const first = await extractDay(client, project, stream, FIRST);
    expect(first).toMatchObject({ batches: 1, quarantined: 0 });
    const before = await project.objects(stream);

    project.put(`in/${name}/${SECOND}-${file}`, await bad(content));
    const failed = await failDay(client, project, stream, SECOND);
    expect(failed).toMatchObject({ type, attempts: 1 });
    for (const said of [...says, `${SECOND}-${file}`]) expect(failed.message).toMatch(said);
    expect(await project.objects(stream)).toEqual(before);

    project.put(`in/${name}/${SECOND}-${file}`, content);
    expect(await extractDay(client, project, stream, SECOND)).toMatchObject({
      batches: 1,
      loaded: first.loaded,
    });
    expect(peakMemory()).toBeLessThan(MOST_MEMORY_MB);
  });
});

describe('a copybook that cannot be used', () => {
  test('names an unknown code page', async () => {
    const failed = await failDay(connected.client, project, 'host.code_page', FIRST);
    expect(failed).toMatchObject({ type: 'EncodingUnknown', attempts: 1 });
    expect(failed.message).toMatch('cp99999');
    expect(await project.objects('host.code_page')).toEqual([]);
  });

  test('names file, line and column of what is no COBOL, and what was expected', async () => {
    const failed = await failDay(connected.client, project, 'host.syntax', FIRST);
    expect(failed).toMatchObject({ type: 'CopybookInvalid', attempts: 1 });
    expect(failed.message).toMatch(/broken\.cpy:4:\d+/);
    expect(await project.objects('host.syntax')).toEqual([]);
  });
});

describe('a server that is not what it was', () => {
  const people = { path: '*.csv', columns: { id: 'int64', name: 'text' } } as const;

  test('another host key is refused before anything is sent, and an expired password is said', async () => {
    const { client } = connected;
    const key = hostKey();
    sftpServer = await startSftpServer(join(project.root, 'remote'), { keys: [key] });
    stops.push(() => sftpServer.close());
    const declare = (port: number): void =>
      project.declare({
        drop: {
          kind: 'files',
          root: sftp({
            ...{ host: '127.0.0.1', port, user: USER, password: 'env:SFTP_PASSWORD', hostKey: key.public },
            complete: { settled: '10ms' },
          }),
          streams: { people },
        },
      });
    declare(sftpServer.port);
    expect(await extractDay(client, project, 'drop.people', FIRST)).toMatchObject({ loaded: 2 });
    const before = await project.objects('drop.people');

    const impostor = await startSftpServer(join(project.root, 'remote'));
    stops.push(() => impostor.close());
    declare(impostor.port);
    const changed = await failDay(client, project, 'drop.people', SECOND);
    expect(changed).toMatchObject({ type: 'HostKeyMismatch', attempts: 1 });
    expect(changed.message).toMatch(/SHA256:\S+/);
    expect(impostor.seen.logins).toBe(0);

    declare(sftpServer.port);
    sftpServer.behave = { expired: true };
    const expired = await failDay(client, project, 'drop.people', THIRD);
    expect(expired).toMatchObject({ type: 'AccessDenied', attempts: 1 });
    expect(expired.message).toMatch(/expired/);
    for (const { message } of [changed, expired]) expect(message).not.toContain(PASSWORD);
    expect(await project.objects('drop.people')).toEqual(before);
  });

  test('a certificate of somebody else is refused', async () => {
    const { client } = connected;
    const serve = async ({ key, cert }: { key: string; cert: string }, port = 0): Promise<Server> => {
      const server = createTlsServer({ key, cert }, (_request, response) => response.end('[{"id":1}]'));
      await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
      stops.push(() => {
        server.closeAllConnections();
        server.close();
      });
      return server;
    };
    const close = (server: Server): Promise<void> => {
      server.closeAllConnections();
      return new Promise((done) => server.close(() => done()));
    };
    const trusted = await serve(CERTIFICATES.one);
    const { port } = trusted.address() as AddressInfo;
    project.declare({
      shop: {
        ...{ kind: 'rest', baseUrl: `https://localhost:${port}/`, allowPrivate: ['localhost'] },
        streams: { orders: { path: 'orders' } },
      },
    });
    expect(await extractDay(client, project, 'shop.orders', FIRST)).toMatchObject({ loaded: 1 });
    const before = await project.objects('shop.orders');
    await close(trusted);
    await serve(CERTIFICATES.other, port);
    const failed = await failDay(client, project, 'shop.orders', SECOND);
    expect(failed).toMatchObject({ type: 'CertificateInvalid', attempts: 1 });
    expect(failed.message).toMatch('find out who answers there');
    expect(await project.objects('shop.orders')).toEqual(before);
  });

  test('a database password that has expired is said', async () => {
    const { client } = connected;
    database = await startPostgres();
    stops.push(() => database.stop());
    await database.sql(`CREATE TABLE people (id int primary key); INSERT INTO people VALUES (1);
      CREATE ROLE reader LOGIN PASSWORD 'reader-secret'; GRANT SELECT ON people TO reader`);
    project.put('url', database.url.replace(/\/\/[^@]*@/, '//reader:reader-secret@'));
    project.declare({
      db: {
        ...{ kind: 'postgres', url: `file:${join(project.root, 'url')}` },
        streams: { people: { load: 'full' } },
      },
    });
    expect(await extractDay(client, project, 'db.people', FIRST)).toMatchObject({ loaded: 1 });
    const before = await project.objects('db.people');
    await database.sql(`ALTER ROLE reader VALID UNTIL '2026-01-01'`);
    const failed = await failDay(client, project, 'db.people', SECOND);
    expect(failed).toMatchObject({ type: 'AccessDenied', attempts: 1 });
    expect(failed.message).not.toContain('reader-secret');
    expect(await project.objects('db.people')).toEqual(before);
  });
});

describe('an API that answers something else', () => {
  const answers: [string, (response: Parameters<typeof status>[0]) => unknown, ErrorType, RegExp][] = [
    [
      'an error in a body of status 200',
      () => ({ error: { code: 17, message: 'quota of plan used up' } }),
      'ApiError',
      /quota of plan used up/,
    ],
    [
      'HTML',
      (response) => status(response, 200, '<!doctype html><html>Sign in</html>'),
      'FormatMismatch',
      /HTML.*Sign in/s,
    ],
  ];

  test.each(answers)('%s', async (_what, answer, type, says) => {
    const { client } = connected;
    api = await OddApi.open();
    const opened = api;
    stops.push(() => opened.close());
    const name = type.toLowerCase();
    project.declare({
      [name]: {
        ...{ kind: 'rest', baseUrl: `${api.url}/`, allowPrivate: ['127.0.0.1'] },
        streams: { orders: { path: 'orders' } },
      },
    });
    api.on('/orders', () => [{ id: 1 }, { id: 2 }]);
    expect(await extractDay(client, project, `${name}.orders`, FIRST)).toMatchObject({ loaded: 2 });
    const before = await project.objects(`${name}.orders`);
    api.on('/orders', (_asked, response) => answer(response));
    const failed = await failDay(client, project, `${name}.orders`, SECOND);
    expect(failed).toMatchObject({ type, attempts: 1 });
    expect(failed.message).toMatch(says);
    expect(failed.message).toMatch(`${api.url}/orders`);
    expect(await project.objects(`${name}.orders`)).toEqual(before);
  });
});
