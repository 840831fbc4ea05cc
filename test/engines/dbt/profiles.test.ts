import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readProfile, type Profile, type ProfileRequest } from '../../../engines/dbt/project/profiles.js';
import { putFiles, writeProject } from './project.js';

function read(text: string, more: Partial<ProfileRequest> = {}): Profile & { dir: string } {
  const dir = writeProject({ 'profiles.yml': text });
  return { ...readProfile({ dir, profile: 'shop', env: {}, vars: {}, profilesDir: dir, ...more }), dir };
}

const DUCKDB = `
shop:
  target: dev
  outputs:
    dev: {type: duckdb, path: warehouse/dev.duckdb, threads: 4, extensions: [httpfs]}
    prod: {type: duckdb, path: "{{ env_var('DB_PATH') }}", schema: live}
`;

test('a DuckDB output is relative to the project and has defaults', () => {
  const { dir, ...profile } = read(DUCKDB);
  expect(profile).toMatchObject({
    name: 'shop',
    target: 'dev',
    type: 'duckdb',
    schema: 'main',
    database: 'dev',
    threads: 4,
  });
  expect(profile.settings['path']).toBe(join(dir, 'warehouse/dev.duckdb'));
  expect(profile.fields).toMatchObject({ type: 'duckdb', schema: 'main', extensions: ['httpfs'] });
});

test('only the target that is used is rendered', () => {
  expect(read(DUCKDB, { target: 'prod', env: { DB_PATH: '/tmp/x.db' } })).toMatchObject({
    schema: 'live',
    database: 'x',
  });
  expect(() => read(DUCKDB, { target: 'prod' })).toThrow(/env_var\('DB_PATH'\).*not set/);
});

test('secrets are settings, and no field of the target', () => {
  const profile = read(
    `shop: {outputs: {default: {type: postgres, host: h, port: "{{ env_var('PORT') | int }}", user: u, pass: "{{ env_var('DBT_ENV_SECRET_PASS') }}", dbname: d, schema: s}}}`,
    { env: { PORT: '5433', DBT_ENV_SECRET_PASS: 'hush' } },
  );
  expect(profile).toMatchObject({
    type: 'postgres',
    database: 'd',
    target: 'default',
    threads: 1,
    secrets: ['hush'],
  });
  expect(profile.settings).toMatchObject({ password: 'hush', port: 5433, database: 'd' });
  expect(JSON.stringify(profile.fields)).not.toContain('hush');
});

test('the project folder is looked at, and a folder that is named wins', () => {
  const dir = writeProject({ 'profiles.yml': DUCKDB });
  putFiles(dir, {
    'other/profiles.yml': DUCKDB.replace('target: dev', 'target: third').replace('dev:', 'third:'),
  });
  const request = { dir, profile: 'shop', env: {}, vars: {} };
  expect(readProfile(request).target).toBe('dev');
  expect(readProfile({ ...request, profilesDir: join(dir, 'other') }).target).toBe('third');
});

test.each<[string, string, Partial<ProfileRequest>, RegExp]>([
  ['no such profile', DUCKDB, { profile: 'shoop' }, /no profile 'shoop'.*Did you mean 'shop'/],
  ['no such target', DUCKDB, { target: 'prd' }, /no target 'prd'.*profiles\.yml:5.*Did you mean 'prod'/],
  ['no profile named', DUCKDB, { profile: undefined }, /names no profile.*Profiles are: shop/],
  [
    'another warehouse',
    'shop: {outputs: {default: {type: bigquery, schema: x}}}',
    {},
    /type 'bigquery'.*Adapters are/,
  ],
  ['no schema', 'shop: {outputs: {default: {type: postgres}}}', {}, /names no schema/],
  ['no outputs', 'shop: {target: dev}', {}, /has no outputs/],
  ['odd threads', 'shop: {outputs: {default: {type: duckdb, threads: many}}}', {}, /no number of threads/],
  ['no file', DUCKDB, { profilesDir: '/nowhere' }, /no profiles\.yml in \/nowhere/],
])('%s is a clear error', (_, text, more, message) => {
  expect(() => read(text, more)).toThrow(message);
});
