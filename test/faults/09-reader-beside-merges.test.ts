import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { CHANGES, commitBatches, REPLICATION } from '../../engines/lake/bronze.js';
import { openLocalStore } from '../../engines/lake/local-store.js';
import type { ObjectStore } from '../../engines/lake/store.js';
import { bindSource } from '../../engines/warehouse/bind-source.js';
import { openDuckDb } from '../../engines/warehouse/duckdb.js';
import type { Warehouse } from '../../engines/warehouse/port.js';
import { Source } from '../../schemas/source.js';
import { Bronze } from '../engines/warehouse/bronze-of.js';

/** Runs `work` with an empty lake and warehouse. */
async function inFolder(
  work: (parts: { lake: ObjectStore; bronze: Bronze; warehouse: Warehouse }) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-reader-'));
  const lake = await openLocalStore(join(folder, 'lake'));
  const bronze = await Bronze.open(lake, folder);
  const warehouse = await openDuckDb({ path: join(folder, 'w.duckdb'), memoryLimit: '512MB' });
  try {
    await work({ lake, bronze, warehouse });
  } finally {
    bronze.close();
    await warehouse.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Asks again and again while `work` goes on. @returns how often it was answered */
async function beside(ask: () => Promise<void>, work: () => Promise<void>): Promise<number> {
  let [asked, done] = [0, false];
  const reader = async (): Promise<void> => {
    while (!done) {
      await ask();
      asked++;
      await sleep(2); // the cores are for the merges
    }
  };
  const readers = Promise.all([reader(), reader()]);
  try {
    await work();
  } finally {
    done = true;
    await readers;
  }
  return asked;
}

const ACCOUNTS = 20;
const everyone = Array.from({ length: ACCOUNTS }, (_, id) => id);

test('a reader beside 1,000 incremental merges never sees a partial state', { timeout: 300_000 }, () =>
  inFolder(async ({ lake, bronze, warehouse }) => {
    const schema = [
      { name: 'id', type: 'int64' },
      { name: 'amount', type: 'int64' },
      { name: 'merge', type: 'int64' },
    ];
    const streams = { accounts: { path: '*.csv', disposition: { merge: ['id'] } } };
    const spec = Source.parse({ kind: 'files', root: '.', streams });
    const merge = async (rows: string[]): Promise<void> => {
      await bronze.add('bank', 'accounts', schema, `values ${rows.join(', ')}`);
      await bindSource({ warehouse, lake, source: 'bank', spec });
    };
    await merge(everyone.map((id) => `(${id}, 100, 0)`));
    const seen = new Set<number>();
    const ask = async (): Promise<void> => {
      const [found] = await warehouse.query<{ total: number; rows: number; last: number; touched: number }>(
        `select sum(amount)::int as total, count(*)::int as rows, max("merge")::int as last,
           count(*) filter ("merge" = (select max("merge") from bank.accounts))::int as touched
         from bank.accounts`,
      );
      expect(found).toMatchObject({ total: ACCOUNTS * 100, rows: ACCOUNTS });
      expect(found?.touched).toBe(found?.last === 0 ? ACCOUNTS : 2);
      seen.add(found?.last ?? 0);
    };
    // each merge moves money from one account to the next, so that both rows or none say so
    const amounts = everyone.map(() => 100);
    const asked = await beside(ask, async () => {
      for (let n = 1; n <= 1000; n++) {
        const [from, to] = [n % ACCOUNTS, (n + 1) % ACCOUNTS];
        amounts[from] = (amounts[from] ?? 0) - (n % 7);
        amounts[to] = (amounts[to] ?? 0) + (n % 7);
        await merge([`(${from}, ${amounts[from]}, ${n})`, `(${to}, ${amounts[to]}, ${n})`]);
      }
    });
    expect(asked).toBeGreaterThan(100);
    expect(seen.size).toBeGreaterThan(50);
    expect(await warehouse.query('select amount from bank.accounts order by id')).toEqual(
      amounts.map((amount) => ({ amount })),
    );
  }),
);

test('a reader of two replicated tables sees both at one position of their log', () =>
  inFolder(async ({ lake, bronze, warehouse }) => {
    const schema = [{ name: 'id', type: 'int64' }, { name: 'amount', type: 'int64' }, ...CHANGES];
    const streams = { giro: { load: 'cdc' }, savings: { load: 'cdc' } };
    const spec = Source.parse({ kind: 'postgres', url: 'env:U', streams });
    const row = (id: number, amount: number, op: string, lsn: number, seq: number): string =>
      `(${id}, ${amount}, '${op}', ${lsn}, ${seq}, to_timestamp(${lsn}), null)`;
    const flush = async (giro: string[], savings: string[]): Promise<void> => {
      const stage = (stream: string, rows: string[]) =>
        bronze.stage('bank', stream, schema, `values ${rows.join(', ')}`, { stream, rowKey: ['id'] });
      const staged = [await stage('giro', giro), await stage('savings', savings)];
      await commitBatches(lake, 'bank', REPLICATION, staged);
      await bindSource({ warehouse, lake, source: 'bank', spec });
    };
    await flush(
      everyone.map((id) => row(id, 100, 'i', 1, id)),
      everyone.map((id) => row(id, 100, 'i', 1, ACCOUNTS + id)),
    );
    const ask = async (): Promise<void> => {
      const [found] = await warehouse.query(
        `select sum(amount)::int as total, count(*)::int as rows,
           (select max(_lsn) from bank.giro) = (select max(_lsn) from bank.savings) as same
         from (select amount from bank.giro union all select amount from bank.savings)`,
      );
      expect(found).toEqual({ total: ACCOUNTS * 200, rows: ACCOUNTS * 2, same: true });
    };
    await beside(ask, async () => {
      for (let n = 1; n <= 50; n++) {
        await flush(
          [row(n % ACCOUNTS, 100 - (n % 7), 'u', n + 1, 1)],
          [row(n % ACCOUNTS, 100 + (n % 7), 'u', n + 1, 2)],
        );
      }
    });
    const [versions] = await warehouse.query('select count(*)::int as n from bank.giro__history');
    expect(versions).toEqual({ n: ACCOUNTS + 50 });
  }));
