import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { runFailure } from '../../clients/failure.js';
import { resultOf } from '../../clients/runs.js';
import { Secrets } from '../../engines/secrets/secrets.js';
import { allHistories } from '../support/history.js';
import { makeShop, readShop, type Shop } from '../support/shop.js';
import { startWeek, withFaults } from '../support/shop-run.js';

const MILLRACE = fileURLToPath(new URL('../../bin/millrace.mjs', import.meta.url));
/** With what SQL, JSON and URLs write in another way. */
const CANARY = `canary-7f3a'"\\%2F-9c1e5b`;
const FILE_CANARY = 'filed-canary-44d2c8aa01';
const API_KEY = 'temporal-canary-b51f90e3';
/** The part that every form of them has. */
const TRACES = ['canary-7f3a', '9c1e5b', 'filed-canary', '44d2c8aa01', 'temporal-canary', 'b51f90e3'];

let shop: Shop | undefined;
afterEach(() => shop?.remove());

/** Every file below a folder, as text, but for those that say where the canaries were put. */
function contents(folder: string, besides: string[] = []): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !besides.includes(entry.name))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)).toString('latin1'))
    .join('\n');
}

function expectNone(places: Record<string, string>): void {
  for (const [place, text] of Object.entries(places)) {
    expect(text.length, place).toBeGreaterThan(50);
    for (const trace of TRACES) expect(text.includes(trace), `${trace} in ${place}`).toBe(false);
  }
}

const cli = (args: string[], env: Record<string, string>): Promise<string> =>
  new Promise((resolve) =>
    execFile(
      process.execPath,
      [MILLRACE, ...args],
      { env: { ...process.env, MILLRACE_DEBUG: '1', ...env } },
      (_error, stdout, stderr) => resolve(stdout + stderr),
    ),
  );

test(
  'a secret that templates use is in no history, log, metric, ledger, snapshot or output',
  { timeout: 110_000 },
  async () => {
    shop = makeShop({ customers: 200, broken: 0 });
    const { root } = shop;
    mkdirSync(join(root, 'run'));
    writeFileSync(join(root, 'run', 'token'), `${FILE_CANARY}\n`);
    const project = join(root, 'millrace.ts');
    const env = `{ API_KEY: 'env:CANARY', TOKEN: 'file:${join(root, 'run', 'token')}' }`;
    writeFileSync(
      project,
      readFileSync(project, 'utf8').replace(
        "transform: { dir: 'dbt' }",
        `transform: { dir: 'dbt', env: ${env} }`,
      ),
    );
    const model = (name: string, sql: string): void =>
      writeFileSync(join(root, 'dbt/models', `${name}.sql`), `{{ config(materialized='table') }}\n${sql}`);
    const key = `'{{ env_var("API_KEY") | replace("'", "''") }}'`;
    const token = `'{{ env_var("TOKEN") }}'`;
    // used well, and in every way in which a warehouse or a template shows what it was given
    model('used', `select length(${key}) as a, length(${token}) as b`);
    model('echoed_value', `select cast(${token} as integer) as a`);
    model('echoed_sql', `select ${key} as a, no_such_column_${'x'.repeat(30)}, ${token} as b`);
    model('echoed_piece', `select ${token} as a,${' '.repeat(45)}nope_nope_nope, ${key} as b`);
    model('syntax', `select ${token} as a ${token} b`);
    model(
      'raised',
      `{% if execute %}{{ exceptions.raise_compiler_error('the key is ' ~ env_var('API_KEY')) }}{% endif %} select 1 as a`,
    );
    model('logged', `{{ log('the token is ' ~ env_var('TOKEN'), info=true) }} select error(${token}) as a`);

    const seen = await withFaults(
      root,
      [],
      async (stack) => {
        const { client, address, metricsUrl, logs } = stack;
        const run = await startWeek(client, root, 'load');
        const failure = await resultOf(client, run).then(() => null, runFailure);
        const again = { TEMPORAL_ADDRESS: address, CANARY };
        return {
          failure: JSON.stringify(failure),
          histories: await allHistories(client),
          metrics: metricsUrl ? await (await fetch(metricsUrl)).text() : '',
          logs: contents(logs),
          'command line': await cli(['-C', root, 'run', 'load', '--interval', '2026-01-05'], again),
          json: await cli(['-C', root, '--json', 'show', run.workflowId], again),
          'logs afterwards': contents(logs),
        };
      },
      { CANARY, LOG_LEVEL: 'debug' },
    );
    expect(seen.failure).toContain('[secret]');
    const tables = ['relations', 'audits', 'tests'].map((table) =>
      readShop(root, `select to_json(t)::varchar as t from millrace.${table} t`),
    );
    const [used] = await readShop<{ a: number; b: number }>(
      root,
      'select a::integer as a, b::integer as b from main.used',
    );
    expect(used).toEqual({ a: CANARY.length, b: FILE_CANARY.length });
    expectNone({
      ...seen,
      ledger: JSON.stringify(await Promise.all(tables)),
      'lake and warehouse': contents(join(root, '.millrace')),
    });
  },
);

test('the credentials of the connection are in no error, even when they are what is wrong', async () => {
  const nowhere = { TEMPORAL_ADDRESS: '127.0.0.1:9', TEMPORAL_TLS: 'false' };
  expectNone({
    'no server': await cli(['runs', '-C', fileURLToPath(new URL('../fixtures/shop', import.meta.url))], {
      ...nowhere,
      TEMPORAL_API_KEY: API_KEY,
    }),
    'a key that no header can carry': await cli(
      ['runs', '-C', fileURLToPath(new URL('../fixtures/shop', import.meta.url))],
      { ...nowhere, TEMPORAL_API_KEY: `${API_KEY}\u0007é` },
    ),
  });
});

describe('redaction', () => {
  const secret = 'abc.def-ghi jkl/mno+pqr';
  const secrets = new Secrets({ TEMPORAL_API_KEY: secret, OTHER: 'not one' });

  test.each([
    ['as it stands', `key=${secret};`, 'key=[secret];'],
    ['in a URL', `?k=${encodeURIComponent(secret)}&x`, '?k=[secret]&x'],
    ['cut at its beginning', 'LINE 1: ...ghi jkl/mno+pqr as a', 'LINE 1: ...[secret] as a'],
    ['cut at its end', "select 'abc.def-ghi...", "select '[secret]..."],
    ['cut at both ends', '…ghi jkl/m…', '…[secret]…'],
    ['not there', 'OTHER = not one ... and so on', 'OTHER = not one ... and so on'],
  ])('of a secret %s', (_how, text, clean) => {
    expect(secrets.redact(text)).toBe(clean);
  });
});
