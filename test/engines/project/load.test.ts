import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadProject } from '../../../engines/project/load.js';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'millrace-project-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

const write = (body: string): Promise<void> => writeFile(join(folder, 'millrace.ts'), body);
const declared = (body: string): Promise<void> =>
  write(`import { csv, project } from 'millrace';\nexport default project(${body});\n`);
const problem = (part: object): unknown => expect.objectContaining({ type: 'ProjectInvalid', ...part });

describe('a project file', () => {
  test('gets the defaults that the types promise', async () => {
    await declared(`{ name: 'sales', pipelines: { daily: {} } }`);
    const { spec } = await loadProject(folder);
    expect(spec.warehouse).toMatchObject({
      kind: 'duckdb',
      path: '.millrace/warehouse.duckdb',
      schema: 'main',
    });
    expect(spec.pipelines['daily']).toMatchObject({ cadence: 'day', timezone: 'UTC', extract: [] });
  });

  test('is read anew each time', async () => {
    await declared(`{ name: 'one' }`);
    await loadProject(folder);
    await declared(`{ name: 'two' }`);
    expect((await loadProject(folder)).spec.name).toBe('two');
  });

  test('that is not there says how to make one', async () => {
    await expect(loadProject(folder)).rejects.toThrow(
      expect.objectContaining({ type: 'ProjectNotFound', fix: expect.stringContaining('init') }),
    );
  });

  test('that throws names its line', async () => {
    await write(`export default {};\nthrow new Error('no licence');\n`);
    await expect(loadProject(folder)).rejects.toThrow(
      problem({
        what: expect.stringContaining('no licence'),
        where: expect.objectContaining({ file: join(folder, 'millrace.ts'), line: 2 }),
      }),
    );
  });

  test('without a default export is told to have one', async () => {
    await write(`export const a = 1;\n`);
    await expect(loadProject(folder)).rejects.toThrow(
      problem({ what: expect.stringContaining('default export') }),
    );
  });

  test.each([
    [`{ name: 'Sales' }`, 'name', 'lower case'],
    [`{ name: 'sales', pipeline: {} }`, '', "did you mean 'pipelines'"],
    [
      `{ name: 'sales', warehouse: { kind: 'duckdb', memoryLimit: 'lots' } }`,
      'warehouse.memoryLimit',
      "'2GB'",
    ],
    [
      `{ name: 'sales', pipelines: { daily: { extract: ['crm.customers'] } } }`,
      'pipelines.daily.extract.0',
      "no source is called 'crm'",
    ],
    [
      `{ name: 'sales', sources: { crm: { kind: 'files', root: '.', streams: { customers: { path: 'a.csv' } } } }, pipelines: { daily: { extract: ['crm.custmers'] } } }`,
      'pipelines.daily.extract.0',
      "did you mean 'customers'",
    ],
    [
      `{ name: 'sales', pipelines: { daily: { train: ['churn'] } } }`,
      'pipelines.daily.train.0',
      "no predictor is called 'churn'",
    ],
    [
      `{ name: 'sales', pipelines: { daily: { timezone: 'Mars/Olympus' } } }`,
      'pipelines.daily.timezone',
      'IANA',
    ],
    [
      `{ name: 'sales', schedules: { nightly: { pipeline: 'daily', cron: '0 1 * * *' } } }`,
      'schedules.nightly.pipeline',
      'daily',
    ],
    [
      `{ name: 'sales', pipelines: { hourly: { cadence: 'hour' } }, schedules: { each: { pipeline: 'hourly', cron: '5 * * * *', timezone: 'Europe/Berlin' } } }`,
      'schedules.each.timezone',
      'use UTC',
    ],
    [
      `{ name: 'sales', pipelines: { daily: {} }, schedules: { nightly: { pipeline: 'daily' } } }`,
      'schedules.nightly.cron',
      'cron or calendars',
    ],
    [
      `{ name: 'sales', sources: { crm: { kind: 'files', root: '.', streams: { c: { path: 'a.csv', columns: { a: 'varchar' } } } } } }`,
      'sources.crm.streams.c.columns.a',
      'int64',
    ],
    [
      `{ name: 'sales', sources: { crm: { kind: 'files', root: '.', streams: { c: { path: 'a.csv', toleranc: 1 } } } } }`,
      'sources.crm.streams.c',
      "did you mean 'tolerance'",
    ],
    [
      `{ name: 'sales', sources: { crm: { kind: 'files', root: '.', streams: { c: { path: 'a.csv', format: { kind: 'csv', delimeter: ';' } } } } } }`,
      'sources.crm.streams.c.format',
      "did you mean 'delimiter'",
    ],
    [
      `{ name: 'sales', sources: { crm: { kind: 'files', root: '.', streams: { c: { path: 'a.csv', disposition: 'merge' } } } } }`,
      'sources.crm.streams.c.disposition',
      "{ merge: ['key'] }",
    ],
  ])('%s: the error names path and expectation', async (body, path, expected) => {
    await declared(body);
    await expect(loadProject(folder)).rejects.toThrow(
      problem({
        what: expect.stringContaining(expected),
        where: expect.objectContaining(path ? { path } : {}),
      }),
    );
  });

  test('with several problems lists them all', async () => {
    await declared(`{ name: 'X', pipelines: { 'Daily Run': {}, nightly: { train: 'churn' } } }`);
    await expect(loadProject(folder)).rejects.toThrow(
      problem({ what: expect.stringMatching(/3 problems.*name.*Daily Run.*nightly/s) }),
    );
  });
});
