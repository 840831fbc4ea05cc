import { describe, expect, test } from 'vitest';
import {
  findNamed,
  quoteIdent,
  quoteRelation,
  quoteStored,
  type ListedRelation,
  type RelationType,
  type Row,
  type Warehouse,
} from '../../../engines/warehouse/port.js';
import { MillraceError } from '../../../schemas/errors.js';

/** What a kind of warehouse is, as far as its SQL differs. */
export interface Subject {
  /** gives an empty one; it is closed after each test */
  open: () => Promise<Warehouse>;
  /** a query of one row with the columns of {@link VALUES} */
  values: string;
  /** those that this server cannot give, with the reason in the test's file */
  without?: (keyof typeof VALUES)[];
  /** names that this server cannot take, with the reason in the test's file */
  refuses?: string[];
  /** a query that takes minutes */
  endless: string;
  /** `create table` and `insert` are taken back together; else only what changes rows is */
  transactionalDdl: boolean;
  /** the warehouse tells the line of an error */
  tellsLine: boolean;
  /** it can lose a transaction against another one, which then tries again */
  conflicts: boolean;
}

/** The one shape that values have, whatever warehouse they come from. */
const VALUES = {
  small: 1,
  large: '9007199254740993',
  amount: '12.50',
  ratio: 0.25,
  day: '2024-02-29',
  clock: '10:00:00',
  moment: '2024-02-29T10:00:00.5',
  instant: '2024-02-29T09:00:00Z',
  yes: true,
  nothing: null,
  words: 'ü',
  document: '{"a":1}',
  bytes: '00ff',
};

/** What every warehouse must do. */
export function testAdapter(name: string, subject: Subject): void {
  const using = (work: (warehouse: Warehouse) => Promise<void>) => async (): Promise<void> => {
    const warehouse = await subject.open();
    try {
      await warehouse.run('create schema s');
      await work(warehouse);
    } finally {
      await warehouse.close();
    }
  };
  const failure = async (work: Promise<unknown>): Promise<MillraceError> => {
    const cause: unknown = await work.catch((error: unknown) => error);
    expect(cause).toBeInstanceOf(MillraceError);
    return cause as MillraceError;
  };

  describe(name, () => {
    test(
      'gives plain values',
      using(async (warehouse) => {
        const [row = {}] = await warehouse.query(subject.values);
        const without = new Set<string>(subject.without);
        const plain = (all: Row): Row =>
          Object.fromEntries(Object.entries(all).filter(([key]) => !without.has(key)));
        // a warehouse may write JSON in its own way
        const told = { ...row, document: String(row['document']).replace(/\s/g, '') };
        expect(plain(told)).toEqual(plain(VALUES));
      }),
    );

    test(
      'finds relations by names as dbt writes them',
      using(async (warehouse) => {
        await warehouse.run('create table s.orders (id integer, "Net Amount" varchar(20))');
        await warehouse.run('create view s.recent as select id from s.orders');
        const table = await warehouse.describe({ schema: 's', name: 'orders' });
        expect(table?.type).toBe('table');
        expect(table?.columns.map(({ name }) => name.toLowerCase())).toEqual(['id', 'net amount']);
        expect((await warehouse.describe({ schema: 'S', name: 'RECENT' }))?.type).toBe('view');
        expect(await warehouse.describe({ schema: 's', name: 'none' })).toBeNull();
        expect(await warehouse.describe({ schema: 'nowhere', name: 'orders' })).toBeNull();
        const listed = await warehouse.relations({ database: warehouse.database, schema: 's' });
        expect(listed.map(({ name, type }) => [name.toLowerCase(), type]).sort()).toEqual([
          ['orders', 'table'],
          ['recent', 'view'],
        ]);
        expect(await warehouse.relations({ schema: 'nowhere' })).toEqual([]);
        const stored = quoteStored(warehouse.dialect, { schema: 's', name: 'orders' });
        expect(await warehouse.query(`select count(*) as n from ${stored}`)).toEqual([{ n: 0 }]);
      }),
    );

    test(
      'takes back what a transaction did when it fails',
      using(async (warehouse) => {
        await warehouse.run('create table s.t (a integer)');
        const failing = warehouse.transaction(async (session) => {
          await session.run('insert into s.t values (1)');
          if (subject.transactionalDdl) await session.run('create table s.u (a integer)');
          await session.run('insert into s.t values (2)');
          throw new Error('stop');
        });
        await expect(failing).rejects.toThrow('stop');
        expect(await warehouse.query('select a from s.t')).toEqual([]);
        expect(await warehouse.describe({ schema: 's', name: 'u' })).toBeNull();
        const changed = await warehouse.transaction((session) =>
          session.run('insert into s.t values (2), (3)'),
        );
        expect(changed).toBe(2);
        expect(await warehouse.query('select count(*) as n from s.t')).toEqual([{ n: 2 }]);
      }),
    );

    test(
      'changes rows after DDL all or nothing, too',
      using(async (warehouse) => {
        await warehouse.run('create table s.t as select 1 as a');
        const failing = warehouse.transaction(async (session) => {
          await session.run('create table s.fresh as select 2 as a');
          await session.run('delete from s.t');
          await session.run('insert into s.t select a from s.fresh');
          throw new Error('stop');
        });
        await expect(failing).rejects.toThrow('stop');
        expect(await warehouse.query('select a from s.t')).toEqual([{ a: 1 }]);
      }),
    );

    test.runIf(subject.conflicts)(
      'tries a transaction again that lost against another one',
      using(async (warehouse) => {
        await warehouse.run('create table s.counter as select 0 as n');
        const add = (): Promise<number> =>
          warehouse.transaction((session) => session.run('update s.counter set n = n + 1'));
        await Promise.all(Array.from({ length: 6 }, add));
        expect(await warehouse.query('select n from s.counter')).toEqual([{ n: 6 }]);
      }),
    );

    test(
      'stops a statement in the warehouse when its signal aborts, and goes on working',
      using(async (warehouse) => {
        await warehouse.run('create table s.t as select 1 as a');
        const controller = new AbortController();
        const started = performance.now();
        const work = warehouse.transaction(
          async (session) => {
            await session.run('insert into s.t values (2)');
            await session.query(subject.endless);
          },
          { signal: controller.signal },
        );
        setTimeout(() => controller.abort(new Error('cancelled')), 200);
        await expect(work).rejects.toThrow('cancelled');
        expect(performance.now() - started).toBeLessThan(5_000);
        expect(await warehouse.query('select a from s.t')).toEqual([{ a: 1 }]);
      }),
    );

    test(
      'classifies what is wrong with a statement',
      using(async (warehouse) => {
        const column = await failure(warehouse.query('select 1,\n  nothing_here from (select 2 as a) x'));
        expect(column.type).toBe('SqlError');
        expect(column.message.toLowerCase()).toContain('nothing_here');
        if (subject.tellsLine) expect(column.where.line).toBe(2);
        const table = await failure(warehouse.query('select * from s.no_such_table'));
        expect(table.type).toBe('SqlError');
        expect(table.message.toLowerCase()).toContain('no_such_table');
        expect(table.retryable).toBe(false);
        expect((await failure(warehouse.run('selec 1'))).type).toBe('SqlError');
      }),
    );

    test(
      'runs several statements, and refuses them where one is meant',
      using(async (warehouse) => {
        const { rows } = await warehouse.execute(
          "create table s.t (a varchar(9)); -- one; two\ninsert into s.t values ('x;y'); select a from s.t",
        );
        expect(rows.map((row) => Object.values(row))).toEqual([['x;y']]);
        const two = await failure(warehouse.query('drop table s.t; select 1'));
        expect(two.type).toBe('SqlError');
        expect(await warehouse.query('select count(*) as n from s.t;')).toEqual([{ n: 1 }]);
      }),
    );

    test(
      'names and types the columns of an answer, also of one without rows',
      using(async (warehouse) => {
        const { columns, rows } = await warehouse.execute("select 1 as a, 'x' as b, 2 as a where 1 = 0");
        expect(rows).toEqual([]);
        expect(columns.map(({ name }) => name.toLowerCase().slice(0, 1))).toEqual(['a', 'b', 'a']);
        expect(new Set(columns.map(({ name }) => name)).size).toBe(3);
        for (const { type } of columns) expect(type).not.toBe('');
      }),
    );

    test(
      'quotes names that try to be more than names',
      using(async (warehouse) => {
        const names = ['with space', 'semi;colon', "it's", '数据', 'drop schema s; --'];
        for (const name of names.filter((each) => !subject.refuses?.includes(each))) {
          await warehouse.run(
            `create table ${quoteRelation({ schema: quoted(warehouse, 's'), name })} (${quoteIdent(name)} integer)`,
          );
          const found = await warehouse.describe({ schema: 's', name });
          expect(found?.columns.map((column) => column.name)).toEqual([name]);
        }
      }),
    );

    test(
      'puts a relation in the place of another, of the same type or not',
      using(async (warehouse) => {
        const database = warehouse.database;
        const live = { database, schema: 's', name: 'live' };
        const made = { database, schema: 's', name: 'made' };
        const steps: [RelationType | null, RelationType][] = [
          [null, 'table'],
          ['table', 'table'],
          ['table', 'view'],
          ['view', 'view'],
          ['view', 'table'],
        ];
        for (const [index, [former, type]] of steps.entries()) {
          await warehouse.run(`create ${type} s.made as select ${index} as n`);
          await warehouse.replace({ ...made, type }, live, former);
          expect(await warehouse.query('select n from s.live')).toEqual([{ n: index }]);
          expect((await warehouse.describe(live))?.type).toBe(type);
          expect(await warehouse.describe(made)).toBeNull();
        }
      }),
    );

    test(
      'drops what stands under a name, whatever it is',
      using(async (warehouse) => {
        await warehouse.run('create table s.gone (n integer)');
        await warehouse.run('create view s.seen as select 1 as n');
        const listed = await warehouse.relations({ schema: 's' });
        for (const name of ['Gone', 'seen']) await warehouse.drop(findNamed(listed, name) as ListedRelation);
        expect(await warehouse.relations({ schema: 's' })).toEqual([]);
      }),
    );

    test(
      'keeps a temporary table for the work of one connection',
      using(async (warehouse) => {
        await warehouse.run('create table s.t (a integer)');
        await warehouse.transaction(async (session) => {
          await session.run('create temporary table made_here as select 7 as a');
          await session.run('insert into s.t select a from made_here');
          await session.run('drop table made_here');
        });
        expect(await warehouse.query('select a from s.t')).toEqual([{ a: 7 }]);
      }),
    );

    test(
      'serves more statements at once than it has connections',
      using(async (warehouse) => {
        const rows = await Promise.all(
          Array.from({ length: 20 }, (_, n) => warehouse.query(`select ${n} as n`)),
        );
        expect(rows.map(([row]) => row?.['n'])).toEqual(Array.from({ length: 20 }, (_, n) => n));
      }),
    );

    test('says that it was closed', async () => {
      const warehouse = await subject.open();
      await warehouse.close();
      expect((await failure(warehouse.query('select 1'))).type).toBe('WarehouseUnavailable');
    });
  });
}

const quoted = ({ dialect }: Warehouse, name: string): string =>
  dialect === 'snowflake' ? name.toUpperCase() : name;
