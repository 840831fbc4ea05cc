import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withPostgres } from '../../../../engines/sources/postgres/connect.js';
import { startPostgres, type PostgresServer } from '../../../support/postgres-server.js';
import { CERTIFICATE, KEY } from '../../http/certificate.js';
import { temporaryLake, type Lake } from './support.js';

let server: PostgresServer;
let lake: Lake;
let authority: string;
beforeAll(async () => {
  [server, lake] = await Promise.all([
    startPostgres({ tls: { cert: CERTIFICATE, key: KEY } }),
    temporaryLake(),
  ]);
  authority = join(lake.workDir, 'authority.pem');
  await writeFile(authority, CERTIFICATE);
});
afterAll(async () => {
  await server.stop();
  await lake.remove();
});

const encrypted = (query: string) =>
  withPostgres({ url: `${server.url}${query}` }, async (client) => {
    const { rows } = await client.query<{ ssl: boolean }>(
      'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
    );
    return rows[0]?.ssl;
  });

test('without a word about TLS it is used where the server has it', async () => {
  expect(await encrypted('')).toBe(true);
  expect(await encrypted('?sslmode=disable')).toBe(false);
});

test('a given authority is enough for verify-ca, and its name must fit for verify-full', async () => {
  expect(await encrypted(`?sslmode=verify-ca&sslrootcert=${authority}`)).toBe(true);
  await expect(encrypted(`?sslmode=verify-full&sslrootcert=${authority}`)).rejects.toMatchObject({
    type: 'CertificateInvalid',
  });
});

test('a certificate that leads to no known authority is refused', async () => {
  await expect(encrypted('?sslmode=verify-full')).rejects.toMatchObject({ type: 'CertificateInvalid' });
  await expect(encrypted('?sslmode=verify-ca')).rejects.toMatchObject({ type: 'CertificateInvalid' });
  expect(await encrypted('?sslmode=require')).toBe(true);
});

test('a password that has run out is refused for good', async () => {
  await server.sql(`CREATE ROLE past LOGIN PASSWORD 'once' VALID UNTIL '2001-01-01'`);
  const url = server.url.replace(/\/\/[^@]+@/, '//past:once@');
  await expect(withPostgres({ url }, () => Promise.resolve())).rejects.toMatchObject({
    type: 'AccessDenied',
  });
});

test('a role that may not read a table is told what to grant', async () => {
  await server.sql(`CREATE ROLE guest LOGIN PASSWORD 'guest'; CREATE TABLE private (id int)`);
  const url = server.url.replace(/\/\/[^@]+@/, '//guest:guest@');
  const reading = withPostgres({ url }, (client) => client.query('SELECT * FROM private'));
  await expect(reading).rejects.toThrow(/permission denied for table private.*GRANT SELECT/);
});
