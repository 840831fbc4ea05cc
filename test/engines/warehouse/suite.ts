import { describe, expect, test } from 'vitest';
import type { Warehouse } from '../../../engines/warehouse/port.js';
import { quoteIdent, quoteRelation } from '../../../engines/warehouse/port.js';
import { MillraceError } from '../../../schemas/errors.js';

/** What every warehouse must do. @param open gives an empty one; it is closed after each test */
export function testWarehouse(name: string, open: () => Promise<Warehouse>): void {
  const using = (work: (warehouse: Warehouse) => Promise<void>) => async (): Promise<void> => {
    const warehouse = await open();
    try {
      await work(warehouse);
    } finally {
      await warehouse.close();
    }
  };
  const typeOf = (cause: unknown): unknown => (cause instanceof MillraceError ? cause.type : cause);

  describe(name, () => {
    test(
      'gives plain values',
      using(async (warehouse) => {
        const [row] = await warehouse.query(
          "select 1 as small, 9007199254740993 as large, 12.50::decimal(6,2) as amount, date '2024-02-29' as day, " +
            "timestamp '2024-02-29 10:00:00.5' as moment, true as yes, null as nothing, 'ü' as text",
        );
        expect(row).toEqual({
          ...{ small: 1, large: '9007199254740993', amount: '12.50', day: '2024-02-29' },
          ...{ moment: '2024-02-29T10:00:00.5', yes: true, nothing: null, text: 'ü' },
        });
      }),
    );

    test(
      'describes tables and views, and says null of what is not there',
      using(async (warehouse) => {
        await warehouse.run(
          'create schema s; create table s.t (a integer, b varchar); create view s.v as select a from s.t',
        );
        expect(await warehouse.describe({ schema: 's', name: 't' })).toEqual({
          type: 'table',
          columns: [
            { name: 'a', type: 'INTEGER' },
            { name: 'b', type: 'VARCHAR' },
          ],
        });
        expect((await warehouse.describe({ schema: 's', name: 'v' }))?.type).toBe('view');
        expect(await warehouse.describe({ schema: 's', name: 'none' })).toBeNull();
      }),
    );

    test(
      'rolls a transaction back as a whole',
      using(async (warehouse) => {
        await warehouse.run('create table t (a integer)');
        const failing = warehouse.transaction(async (session) => {
          await session.run('insert into t values (1); create table u (a integer)');
          throw new Error('stop');
        });
        await expect(failing).rejects.toThrow('stop');
        expect(await warehouse.query('select * from t')).toEqual([]);
        await warehouse.transaction((session) => session.run('insert into t values (2)'));
        expect(await warehouse.query('select * from t')).toEqual([{ a: 2 }]);
      }),
    );

    test(
      'tries a transaction again that lost against another one',
      using(async (warehouse) => {
        await warehouse.run('create table counter as select 0 as n');
        const add = (): Promise<number> =>
          warehouse.transaction((session) => session.run('update counter set n = n + 1'));
        await Promise.all(Array.from({ length: 12 }, add));
        expect(await warehouse.query('select n from counter')).toEqual([{ n: 12 }]);
      }),
    );

    test(
      'stops a statement when its signal aborts, and goes on working',
      using(async (warehouse) => {
        const controller = new AbortController();
        const started = performance.now();
        const endless = warehouse.query(
          'select count(*) from range(1000000) a, range(1000000) b where (a.range * b.range) % 7 = 3',
          {
            signal: controller.signal,
          },
        );
        setTimeout(() => controller.abort(new Error('cancelled')), 100);
        await expect(endless).rejects.toThrow('cancelled');
        expect(performance.now() - started).toBeLessThan(3000);
        expect(await warehouse.query('select 1 as one')).toEqual([{ one: 1 }]);
      }),
    );

    test(
      'takes back a transaction whose signal aborts',
      using(async (warehouse) => {
        const controller = new AbortController();
        const work = warehouse.transaction(
          async (session) => {
            await session.run('create table half (a integer)');
            await session.query(
              'select count(*) from range(1000000) a, range(1000000) b where (a.range * b.range) % 7 = 3',
            );
          },
          { signal: controller.signal },
        );
        setTimeout(() => controller.abort(new Error('cancelled')), 100);
        await expect(work).rejects.toThrow('cancelled');
        expect(await warehouse.describe({ schema: 'main', name: 'half' })).toBeNull();
      }),
    );

    test(
      'classifies a wrong statement and tells its line',
      using(async (warehouse) => {
        const cause = await warehouse
          .query('select 1,\n  nothing_here from (select 2 as a)')
          .catch((error: unknown) => error);
        expect(typeOf(cause)).toBe('SqlError');
        expect((cause as MillraceError).message).toContain('nothing_here');
        expect((cause as MillraceError).where.line).toBe(2);
      }),
    );

    test(
      'quotes names that try to be more than names',
      using(async (warehouse) => {
        const names = ['a"; drop schema main; --', 'with space', 'semi;colon', "it's", '数据', '"'];
        for (const name of names) {
          await warehouse.run(
            `create table ${quoteRelation({ schema: 'main', name })} (${quoteIdent(name)} integer)`,
          );
          const found = await warehouse.describe({ schema: 'main', name });
          expect(found?.columns.map((column) => column.name)).toEqual([name]);
        }
      }),
    );

    test(
      'serves more queries at once than it has connections',
      using(async (warehouse) => {
        const rows = await Promise.all(
          Array.from({ length: 20 }, (_, n) => warehouse.query(`select ${n} as n`)),
        );
        expect(rows.map(([row]) => row?.['n'])).toEqual(Array.from({ length: 20 }, (_, n) => n));
      }),
    );
  });
}
