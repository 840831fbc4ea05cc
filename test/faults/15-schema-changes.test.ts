import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jsonl } from '../../schemas/format.js';
import type { ProjectInput } from '../../schemas/project.js';
import type { ContractMode } from '../../schemas/stream.js';
import { withSession } from '../engines/sources/support.js';
import { extractDay, failDay, makeProject, type ExtractProject } from '../support/extract-project.js';
import { startExtracting, type Extracting } from '../support/extract-run.js';
import { startPostgres, type PostgresServer } from '../support/postgres-server.js';

const [FIRST, SECOND] = ['2026-01-05', '2026-01-06'];
const MODES: ContractMode[] = ['evolve', 'freeze', 'discard_row', 'discard_value'];

let project: ExtractProject;
let database: PostgresServer;
let run: Extracting;
let stop: () => Promise<void>;

beforeAll(async () => {
  database = await startPostgres();
  const each = <T>(make: (mode: ContractMode) => T): Record<string, T> =>
    Object.fromEntries(MODES.map((mode) => [mode, make(mode)]));
  const file = (folder: string, more: object) =>
    each((mode) => ({ path: `${folder}/${mode}/*`, contract: mode, tolerance: 0.5, ...more }));
  const sources = {
    csv: { kind: 'files', root: 'in', streams: file('csv', {}) },
    gone: { kind: 'files', root: 'in', streams: file('gone', {}) },
    json: { kind: 'files', root: 'in', streams: file('json', { format: jsonl() }) },
    db: {
      ...{ kind: 'postgres', url: 'env:DATABASE' },
      streams: each((mode) => ({
        ...{ table: `t_${mode}`, contract: mode, tolerance: 0.5 },
        load: { cursor: 'id' },
      })),
    },
  } as unknown as NonNullable<ProjectInput['sources']>;
  project = makeProject(sources, 'changing');
  for (const mode of MODES) {
    await database.sql(`CREATE TABLE t_${mode} (id int primary key, amount int, note text);
      INSERT INTO t_${mode} VALUES (1, 10, 'a'), (2, 20, 'b')`);
  }
  [run, stop] = await startExtracting(project, { env: { DATABASE: database.url } });
});
afterAll(async () => {
  await stop();
  await database.stop();
  project.remove();
});

/** Texts of all quarantined records of a stream. */
async function quarantined(stream: string): Promise<[reason: string, raw: string][]> {
  const store = await project.lake();
  const kept = (await project.batches(stream)).flatMap(({ quarantine }) =>
    quarantine ? [quarantine.uri] : [],
  );
  const paths = await Promise.all(kept.map((uri) => store.localFile(uri)));
  if (paths.length === 0) return [];
  return withSession(async (session) => {
    const list = paths.map((path) => `'${path}'`).join(', ');
    const rows = await session.runAndReadAll(
      `SELECT reason, decode(raw) FROM read_parquet([${list}]) ORDER BY record`,
    );
    return rows.getRowsJson() as [string, string][];
  });
}

const discarded = async (stream: string): Promise<number> =>
  (await project.batches(stream)).reduce((sum, batch) => sum + (batch.discarded ?? 0), 0);

const columns = async (stream: string): Promise<string[]> => [
  ...new Set((await project.batches(stream)).flatMap(({ schema }) => schema.map(({ name }) => name))),
];

describe('a column that appears between two files of one run', () => {
  const put = (mode: string): void => {
    project.put(`in/csv/${mode}/a.csv`, 'id,name\n1,Ann\n2,Bob\n');
    project.put(`in/csv/${mode}/b.csv`, 'id,name,age\n3,Cid,\n4,Dan,\n5,Eva,40\n');
  };

  test('evolve takes it on; earlier rows have none', async () => {
    put('evolve');
    expect(await extractDay(run.client, project, 'csv.evolve', FIRST)).toMatchObject({
      batches: 2,
      loaded: 5,
    });
    expect(await project.rows('csv.evolve', 'id, name, age')).toEqual([
      ...[
        ['1', 'Ann', null],
        ['2', 'Bob', null],
        ['3', 'Cid', null],
        ['4', 'Dan', null],
        ['5', 'Eva', '40'],
      ],
    ]);
  });

  test('freeze fails, names it, and commits nothing of the group', async () => {
    put('freeze');
    const failed = await failDay(run.client, project, 'csv.freeze', FIRST);
    expect(failed).toMatchObject({ type: 'SchemaMismatch', attempts: 1 });
    expect(failed.message).toMatch(/'age'.*b\.csv/s);
    expect(await project.objects('csv.freeze')).toEqual([]);
  });

  test('discard_row quarantines the rows that have a value in it, whole', async () => {
    put('discard_row');
    expect(await extractDay(run.client, project, 'csv.discard_row', FIRST)).toMatchObject({
      ...{ read: 5, loaded: 4, quarantined: 1 },
    });
    expect(await columns('csv.discard_row')).toEqual(['id', 'name']);
    expect(await quarantined('csv.discard_row')).toEqual([[expect.stringContaining('age'), '5,Eva,40']]);
  });

  test('discard_value leaves the values out, and counts them', async () => {
    put('discard_value');
    expect(await extractDay(run.client, project, 'csv.discard_value', FIRST)).toMatchObject({ loaded: 5 });
    expect(await columns('csv.discard_value')).toEqual(['id', 'name']);
    expect(await discarded('csv.discard_value')).toBe(1);
  });
});

describe('a column that is gone from the second file of one run', () => {
  const put = (mode: string): void => {
    project.put(`in/gone/${mode}/a.csv`, 'id,name,age\n1,Ann,30\n2,Bob,31\n');
    project.put(`in/gone/${mode}/b.csv`, 'id,name\n3,Cid\n4,Dan\n');
  };

  test.each(['evolve', 'discard_value'])('%s keeps it, without a value in the new rows', async (mode) => {
    put(mode);
    expect(await extractDay(run.client, project, `gone.${mode}`, FIRST)).toMatchObject({ loaded: 4 });
    const rows = await project.rows(`gone.${mode}`, 'id, name, age');
    expect(rows.map((row) => row.at(-1))).toEqual(['30', '31', null, null]);
  });

  test('freeze fails and names it', async () => {
    put('freeze');
    const failed = await failDay(run.client, project, 'gone.freeze', FIRST);
    expect(failed).toMatchObject({
      type: expect.stringMatching(/SchemaMismatch|ColumnMissing/),
      attempts: 1,
    });
    expect(failed.message).toMatch(/'age'/);
    expect(await project.objects('gone.freeze')).toEqual([]);
  });

  test('discard_row takes none of the rows, which is more than any tolerance', async () => {
    put('discard_row');
    const failed = await failDay(run.client, project, 'gone.discard_row', FIRST);
    expect(failed).toMatchObject({ type: 'ToleranceExceeded', attempts: 1 });
    expect(failed.message).toMatch(/age/);
    expect(await project.objects('gone.discard_row')).toEqual([]);
  });
});

describe('a key that is new in a later delivery of JSON Lines', () => {
  const put = (mode: string, name: string, rows: object[]): string =>
    project.put(`in/json/${mode}/${name}.jsonl`, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const first = [{ id: 1, name: 'Ann' }];
  const second = [
    { id: 2, name: 'Bob' },
    { id: 3, name: 'Cid', home: { city: 'Rome' } },
  ];
  const both = async (mode: string) => {
    put(mode, 'a', first);
    await extractDay(run.client, project, `json.${mode}`, FIRST);
    put(mode, 'b', second);
  };

  test('evolve takes it on with its structure', async () => {
    await both('evolve');
    expect(await extractDay(run.client, project, 'json.evolve', SECOND)).toMatchObject({ loaded: 2 });
    expect(await project.rows('json.evolve', 'id, name, home.city')).toEqual([
      ...[
        ['1', 'Ann', null],
        ['2', 'Bob', null],
        ['3', 'Cid', 'Rome'],
      ],
    ]);
  });

  test('freeze fails, and the first delivery stays as it is', async () => {
    await both('freeze');
    const before = await project.objects('json.freeze');
    const failed = await failDay(run.client, project, 'json.freeze', SECOND);
    expect(failed).toMatchObject({ type: 'SchemaMismatch', attempts: 1 });
    expect(failed.message).toMatch(/'home'/);
    expect(await project.objects('json.freeze')).toEqual(before);
  });

  test('discard_row quarantines its row, discard_value counts its value', async () => {
    await both('discard_row');
    expect(await extractDay(run.client, project, 'json.discard_row', SECOND)).toMatchObject({
      loaded: 1,
      quarantined: 1,
    });
    const [[reason, raw] = []] = await quarantined('json.discard_row');
    expect(reason).toMatch(/home/);
    expect(JSON.parse(String(raw))).toEqual(second[1]);
    await both('discard_value');
    expect(await extractDay(run.client, project, 'json.discard_value', SECOND)).toMatchObject({ loaded: 2 });
    expect(await discarded('json.discard_value')).toBe(1);
  });
});

describe('a table whose column changes its type between two loads', () => {
  const change = async (mode: string): Promise<void> => {
    await extractDay(run.client, project, `db.${mode}`, FIRST);
    await database.sql(`ALTER TABLE t_${mode} ALTER COLUMN amount TYPE text;
      INSERT INTO t_${mode} VALUES (3, '30', 'c'), (4, '4,5', 'd')`);
  };

  test('evolve loses no value: what does not fit stays as text beside it', async () => {
    await change('evolve');
    expect(await extractDay(run.client, project, 'db.evolve', SECOND)).toMatchObject({ loaded: 2 });
    const schema = await columns('db.evolve');
    const value = schema.includes('amount__variant')
      ? 'coalesce(amount::VARCHAR, amount__variant)'
      : 'amount';
    expect(await project.rows('db.evolve', `id, ${value}`)).toEqual([
      ...[
        [1, '10'],
        [2, '20'],
        [3, '30'],
        [4, '4,5'],
      ],
    ]);
  });

  test('freeze fails and says from what to what', async () => {
    await change('freeze');
    const before = await project.objects('db.freeze');
    const failed = await failDay(run.client, project, 'db.freeze', SECOND);
    expect(failed).toMatchObject({ type: 'SchemaMismatch', attempts: 1 });
    expect(failed.message).toMatch(/'amount' is text and was int32/);
    expect(await project.objects('db.freeze')).toEqual(before);
  });

  test('discard_row quarantines the row whose value does not fit', async () => {
    await change('discard_row');
    expect(await extractDay(run.client, project, 'db.discard_row', SECOND)).toMatchObject({
      loaded: 1,
      quarantined: 1,
    });
    expect(await quarantined('db.discard_row')).toEqual([
      [expect.stringContaining('amount'), expect.stringContaining('4,5')],
    ]);
  });

  test('discard_value leaves out the value, and counts it', async () => {
    await change('discard_value');
    expect(await extractDay(run.client, project, 'db.discard_value', SECOND)).toMatchObject({ loaded: 2 });
    expect(await project.rows('db.discard_value', 'id, amount')).toEqual([
      ...[
        [1, 10],
        [2, 20],
        [3, 30],
        [4, null],
      ],
    ]);
    expect(await discarded('db.discard_value')).toBe(1);
  });
});
