import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CHANGES, commitBatches, REPLICATION } from '../../../engines/lake/bronze.js';
import { FULL } from '../../../engines/lake/current-batches.js';
import { openLocalStore } from '../../../engines/lake/local-store.js';
import type { ObjectStore } from '../../../engines/lake/store.js';
import { bindSource } from '../../../engines/warehouse/bind-source.js';
import { openDuckDb } from '../../../engines/warehouse/duckdb.js';
import type { Warehouse } from '../../../engines/warehouse/port.js';
import type { Batch, BronzeSchema } from '../../../schemas/lake.js';
import { Source } from '../../../schemas/source.js';
import { Bronze } from './bronze-of.js';

/** Cases of each property; more for a closer look. */
const RUNS = Number(process.env['MILLRACE_PROPERTY_RUNS'] ?? 8);

/** Runs `work` on an empty lake and warehouse. */
async function inLake(work: (lake: ObjectStore, bronze: Bronze, warehouse: Warehouse) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-same-'));
  const lake = await openLocalStore(join(folder, 'lake'));
  const bronze = await Bronze.open(lake, folder);
  const warehouse = await openDuckDb({ path: ':memory:', memoryLimit: '256MB', threads: 1 });
  try {
    await work(lake, bronze, warehouse);
  } finally {
    bronze.close();
    await warehouse.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function expectSame(lake: ObjectStore, warehouse: Warehouse, spec: Source, relations: string[]) {
  await bindSource({ warehouse, lake, source: 's', spec });
  const anew = await openDuckDb({ path: ':memory:', memoryLimit: '256MB', threads: 1 });
  try {
    await bindSource({ warehouse: anew, lake, source: 's', spec });
    for (const relation of relations) {
      const query = `select * from s.${relation} order by all`;
      expect(await warehouse.query(query)).toEqual(await anew.query(query));
    }
  } finally {
    await anew.close();
  }
}

const SHAPES: BronzeSchema[] = [
  [
    { name: 'id', type: 'int32' },
    { name: 'v', type: 'int32' },
  ],
  [
    { name: 'id', type: 'int64' },
    { name: 'v', type: 'decimal(12,2)' },
    { name: 'w', type: 'text' },
  ],
];
const rowOf = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 3 }));
const batchOf = fc.record({
  rows: fc.array(rowOf, { maxLength: 6 }),
  shape: fc.constantFrom(0, 0, 0, 1),
  scope: fc.constantFrom(undefined, undefined, 'x', 'y', FULL),
  replays: fc.option(fc.nat({ max: 10 }), { freq: 8 }),
  bind: fc.boolean(),
});

for (const disposition of [
  { merge: ['id'], deleteWhen: 'v = 0' },
  { scd2: ['id'], deleteWhen: 'v = 0' },
]) {
  const [kind = ''] = Object.keys(disposition);
  test(`${kind}, batch by batch, gives what it gives at once`, async () => {
    const spec = Source.parse({ kind: 'files', root: '.', streams: { t: { path: '*', disposition } } });
    await fc.assert(
      fc.asyncProperty(fc.array(batchOf, { minLength: 1, maxLength: 10 }), (batches) =>
        inLake(async (lake, bronze, warehouse) => {
          const keys: string[] = [];
          for (const { rows, shape, scope, replays, bind } of batches) {
            const schema = SHAPES[shape] ?? [];
            const values = rows.map(([id, v]) => (shape === 0 ? `(${id}, ${v})` : `(${id}, ${v}, 'w')`));
            const replayed = replays === null ? undefined : keys[replays];
            const { key } = await bronze.add(
              's',
              't',
              schema,
              values.length > 0 ? `values ${values.join(', ')}` : null,
              {
                ...(replayed === undefined ? { scope } : { replays: replayed }),
              },
            );
            keys.push(key);
            if (bind) await bindSource({ warehouse, lake, source: 's', spec });
          }
          await expectSame(lake, warehouse, spec, ['t']);
        }),
      ),
      { numRuns: RUNS },
    );
  });
}

/** What a table holds, and what it ever held, told in plain code. */
class Table {
  readonly rows = new Map<number, { v: number; big: number }>();
  /** each version that a change made */
  versions = 0;
}

const actionOf = fc.record({
  table: fc.constantFrom('a', 'b'),
  what: fc.constantFrom('put', 'put', 'put', 'touch', 'touch', 'move', 'drop', 'drop', 'truncate'),
  id: fc.integer({ min: 1, max: 4 }),
  to: fc.integer({ min: 1, max: 6 }),
  v: fc.integer({ min: 0, max: 99 }),
});
type Action = typeof actionOf extends fc.Arbitrary<infer A> ? A : never;
const flushOf = fc.record({
  /** transactions of the flush */
  transactions: fc.array(fc.array(actionOf, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 }),
  /** table that is copied anew after it */
  copy: fc.constantFrom(undefined, undefined, undefined, 'a', 'b'),
  bind: fc.boolean(),
});

const COLUMNS: BronzeSchema = [
  { name: 'id', type: 'int64' },
  { name: 'v', type: 'int64' },
  { name: 'big', type: 'int64' },
  ...CHANGES,
];

/** The change rows of one action on a table, which takes it on; values that nobody touched are left out. */
function act(table: Table, { what, id, to, v }: Action, lsn: number, seq: number): string[] {
  const change = (
    op: string,
    key: number | null,
    row: { v: number; big: number } | null,
    left: boolean,
    at = seq,
  ) =>
    `(${key ?? 'null'}, ${row?.v ?? 'null'}, ${left ? 'null' : (row?.big ?? 'null')}, '${op}', ${lsn}, ${at}, ` +
    `to_timestamp(${lsn}), ${left ? "['big']" : 'null'})`;
  const had = table.rows.get(id);
  if (what === 'truncate') {
    if (v % 3 > 0) return [];
    table.rows.clear();
    return [change('t', null, null, false)];
  }
  if (what === 'drop') return table.rows.delete(id) ? [change('d', id, null, false)] : [];
  if (what === 'put') {
    const row = { v, big: v * 1000 + lsn };
    table.rows.set(id, row);
    table.versions++;
    return [change(had ? 'u' : 'i', id, row, false)];
  }
  if (!had || (what === 'move' && table.rows.has(to))) return [];
  const row = { v, big: had.big };
  table.versions++;
  if (what === 'touch') {
    table.rows.set(id, row);
    return [change('u', id, row, true)];
  }
  table.rows.delete(id);
  table.rows.set(to, row);
  return [change('d', id, null, false), change('i', to, row, true, seq + 1)];
}

test('replicated tables, flush by flush, hold what the source does, and each change once', async () => {
  const spec = Source.parse({
    kind: 'postgres',
    url: 'env:U',
    streams: { a: { load: 'cdc' }, b: { load: 'cdc' } },
  });
  await fc.assert(
    fc.asyncProperty(fc.array(flushOf, { minLength: 1, maxLength: 6 }), (flushes) =>
      inLake(async (lake, bronze, warehouse) => {
        const tables = { a: new Table(), b: new Table() };
        const stage = (stream: string, rows: string[], more: Partial<Batch> = {}) =>
          bronze.stage('s', stream, COLUMNS, rows.length > 0 ? `values ${rows.join(', ')}` : null, {
            ...{ stream, rowKey: ['id'], ...more },
          });
        let lsn = 0;
        for (const [number, { transactions, copy, bind }] of flushes.entries()) {
          const rows = { a: [] as string[], b: [] as string[] };
          for (const actions of transactions) {
            lsn++;
            let seq = 1;
            for (const action of actions) {
              const name = action.table;
              const made = act(tables[name], action, lsn, seq);
              rows[name].push(...made);
              seq += made.length;
            }
          }
          const changed = Object.entries(rows).filter(([, changes]) => changes.length > 0);
          if (changed.length > 0) {
            const staged = await Promise.all(changed.map(([name, changes]) => stage(name, changes)));
            await commitBatches(lake, 's', REPLICATION, staged);
          }
          if (copy) {
            lsn++;
            const all = [...tables[copy].rows].map(
              ([id, { v, big }]) => `(${id}, ${v}, ${big}, 'r', ${lsn}, 0, to_timestamp(${lsn}), null)`,
            );
            const half = Math.floor(all.length / 2);
            for (const [chunk, complete] of [
              [all.slice(0, half), false],
              [all.slice(half), true],
            ] as const) {
              await commitBatches(lake, 's', REPLICATION, [
                await stage(copy, chunk, { scope: FULL, generation: { id: `g${number}`, complete } }),
              ]);
            }
          }
          if (bind) await bindSource({ warehouse, lake, source: 's', spec });
        }
        await expectSame(lake, warehouse, spec, ['a', 'b', 'a__history', 'b__history', 'a__changes']);
        for (const name of ['a', 'b'] as const) {
          if ((await warehouse.describe({ schema: 's', name }))?.columns[0]?.name !== 'id') continue;
          expect(await warehouse.query(`select id, v, big from s.${name} order by id`)).toEqual(
            [...tables[name].rows].map(([id, row]) => ({ id, ...row })).sort((x, y) => x.id - y.id),
          );
          const [found] = await warehouse.query(
            `select count(*)::int as n, count(*) filter (_is_current)::int as now from s.${name}__history`,
          );
          expect(found).toEqual({ n: tables[name].versions, now: tables[name].rows.size });
        }
      }),
    ),
    { numRuns: 2 * RUNS },
  );
});
