import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openLocalStore } from '../../../engines/lake/local-store.js';
import type { ObjectStore } from '../../../engines/lake/store.js';
import { bindSource } from '../../../engines/warehouse/bind-source.js';
import { openDuckDb } from '../../../engines/warehouse/duckdb.js';
import type { Warehouse } from '../../../engines/warehouse/port.js';
import { journal } from '../../../schemas/format.js';
import type { BronzeSchema } from '../../../schemas/lake.js';
import { Source } from '../../../schemas/source.js';
import { Bronze } from './bronze-of.js';

let folder: string;
let lake: ObjectStore;
let bronze: Bronze;
let warehouse: Warehouse;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-landing-'));
  lake = await openLocalStore(join(folder, 'lake'));
  bronze = await Bronze.open(lake, folder);
  warehouse = await openDuckDb({ path: ':memory:', memoryLimit: '512MB' });
});
afterEach(async () => {
  bronze.close();
  await warehouse.close();
  await rm(folder, { recursive: true, force: true });
});

const SCHEMA: BronzeSchema = [
  { name: 'id', type: 'int32' },
  { name: 'name', type: 'text' },
  { name: '_op', type: 'text' },
  { name: '_sequence', type: 'int64' },
  { name: '_changed_at', type: 'timestamptz' },
];

const bind = (disposition: object): Promise<unknown> =>
  bindSource({
    ...{ warehouse, lake, source: 's' },
    spec: Source.parse({
      ...{ kind: 'files', root: '.' },
      streams: {
        t: { path: '*', format: journal({ copybooks: 'a.cpy', dateOrder: 'ymd' }), disposition },
      },
    }),
  });

type Change = [op: string, id: number | null, name: string | null];
let sequence = 0;
const add = (...changes: Change[]) => {
  const values = changes.map(([op, id, name]) => {
    const at = `2026-01-05 08:00:${String(++sequence).padStart(2, '0')}+00`;
    return `(${id}, ${name === null ? 'null' : `'${name}'`}, '${op}', ${sequence}, timestamptz '${at}')`;
  });
  return bronze.add('s', 't', SCHEMA, `values ${values.join(', ')}`);
};
beforeEach(() => void (sequence = 0));

const shown = (columns: string) => warehouse.query(`select ${columns} from s.t order by all`);

test('a journal merges into the rows that its file has: deleted and cleared ones are gone', async () => {
  await add(['i', 1, 'a'], ['i', 2, 'b'], ['u', 1, 'c'], ['d', 2, 'b']);
  await bind({ merge: ['id'] });
  expect(await shown('id, name, _sequence')).toEqual([{ id: 1, name: 'c', _sequence: 3 }]);
  await add(['i', 3, 'd'], ['t', null, null], ['i', 4, 'e']);
  await bind({ merge: ['id'] });
  expect(await shown('id, name')).toEqual([{ id: 4, name: 'e' }]);
});

test('its history has the times of the system, and no version for an update that changed nothing', async () => {
  await add(['i', 1, 'a'], ['u', 1, 'a'], ['u', 1, 'b']);
  await add(['d', 1, 'b']);
  await bind({ scd2: ['id'] });
  const seconds = "strftime(_valid_from, '%S') as since, strftime(_valid_to, '%S') as until, _is_current";
  expect(await shown(`name, ${seconds}`)).toEqual([
    { name: 'a', since: '01', until: '03', _is_current: false },
    { name: 'b', since: '03', until: '04', _is_current: false },
  ]);
});

test('another rule for deletions may be said', async () => {
  await add(['i', 1, 'gone'], ['i', 2, 'b']);
  await bind({ merge: ['id'], deleteWhen: "name = 'gone'" });
  expect(await shown('id')).toEqual([{ id: 2 }]);
});
