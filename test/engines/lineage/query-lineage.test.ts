import { beforeAll, describe, expect, test } from 'vitest';
import { loadParser, queryLineage, type Parse } from '../../../engines/lineage/query-lineage.js';
import type { Catalog } from '../../../engines/lineage/trace.js';

let parse: Parse;
beforeAll(async () => {
  parse = await loadParser();
});

const TABLES: Record<string, string[]> = {
  orders: ['id', 'customer', 'total', 'placed'],
  lines: ['order_id', 'sku', 'qty', 'price'],
  people: ['id', 'name', 'mail'],
};
const catalog: Catalog = {
  table: ({ name }) => ({ relation: name, columns: TABLES[name.toLowerCase()] ?? null }),
  cte: () => null,
};
const MARKS = { identity: '', transformation: '~', aggregation: '+', condition: '?' };

/** `a=orders.id b=~orders.total` */
function traced(sql: string, outputs: string[] | null = null, dialect = 'duckdb'): string[] {
  const { columns, unknown } = queryLineage(parse, sql, dialect, catalog, outputs);
  return [
    ...columns.map(
      ({ name, sources, unknown: why }) =>
        `${name}=${sources
          .map(({ relation, column, use }) => `${MARKS[use]}${relation}.${column}`)
          .sort()
          .join(',')}${why === null ? '' : '!'}`,
    ),
    ...(unknown === null ? [] : ['!']),
  ];
}

const CASES: [what: string, sql: string, columns: string[]][] = [
  ['a renamed column', 'select o.id as order_id from orders o', ['order_id=orders.id']],
  ['an expression', 'select total / 100 as euros from orders', ['euros=~orders.total']],
  ['a cast', 'select placed::date as day from orders', ['day=~orders.placed']],
  ['a constant', "select 1 as one, 'x' as two", ['one=', 'two=']],
  ['a count of rows', 'select count(*) as n from orders', ['n=']],
  ['aggregates', 'select sum(qty * price) as worth from lines', ['worth=+lines.price,+lines.qty']],
  ['a star', 'select * from people', ['id=people.id', 'name=people.name', 'mail=people.mail']],
  [
    'a star without, with another and with a new name',
    'select * exclude (mail) replace (upper(name) as name) rename (id as person) from people',
    ['person=people.id', 'name=~people.name'],
  ],
  [
    'a join with USING, whose column is one',
    'select * from (select id, total from orders) join (select id, mail from people) using (id)',
    ['id=orders.id', 'total=orders.total', 'mail=people.mail'],
  ],
  [
    'a full join with USING, whose column is of both',
    'select id from orders full join people using (id)',
    ['id=~orders.id,~people.id'],
  ],
  [
    'CTEs that read one another',
    'with a as (select id, total * 2 as twice from orders), b as (select * from a) select twice from b',
    ['twice=~orders.total'],
  ],
  [
    'a CTE that hides a table of its name',
    'with people as (select id as mail from orders) select mail from people',
    ['mail=orders.id'],
  ],
  [
    'a union by position',
    'select id, total from orders union all select id, mail from people',
    ['id=orders.id,people.id', 'total=orders.total,people.mail'],
  ],
  [
    'a union by name',
    'select id, total from orders union all by name select mail, id from people',
    ['id=orders.id,people.id', 'total=orders.total', 'mail=people.mail'],
  ],
  ['what EXCEPT leaves', 'select id from orders except select id from people', ['id=orders.id']],
  [
    'a case, whose conditions decide',
    'select case when qty > 1 then price else 0 end as p from lines',
    ['p=?lines.qty,~lines.price'],
  ],
  [
    'a window',
    'select sum(total) over (partition by customer order by placed) as so_far, row_number() over w as n from orders window w as (order by id)',
    ['so_far=+orders.total,?orders.customer,?orders.placed', 'n=?orders.id'],
  ],
  [
    'a filtered aggregate',
    "select sum(total) filter (where customer = 'a') as a from orders",
    ['a=+orders.total,?orders.customer'],
  ],
  [
    'a scalar subquery',
    'select (select max(price) from lines l where l.order_id = o.id) as top from orders o',
    ['top=+lines.price'],
  ],
  [
    'exists, which asks about rows',
    'select exists (select 1 from lines l where l.order_id = o.id) as has from orders o',
    ['has=?lines.order_id,?orders.id'],
  ],
  [
    'a name of the select list used again',
    'select total + 1 as more, more * 2 as most from orders',
    ['more=~orders.total', 'most=~orders.total'],
  ],
  [
    'a struct and its field',
    "with s as (select {'a': total, 'b': id} as st from orders) select st.a as a from s",
    ['a=~orders.id,~orders.total'],
  ],
  [
    'a lambda, whose parameter is no column',
    'select list_transform(list(price), p -> p * 2) as prices from lines',
    ['prices=+lines.price'],
  ],
  [
    'a function that gives rows',
    'select d as day, placed from orders, generate_series(placed, placed, interval 1 day) as t(d)',
    ['day=~orders.placed', 'placed=orders.placed'],
  ],
  ['rows written down', 'select b from (values (1, 2)) as v(a, b)', ['b=']],
  [
    'a recursive CTE',
    'with recursive up(id, n) as (select id, 1 from orders union all select id, n + 1 from up where n < 3) select id, n from up',
    ['id=orders.id', 'n='],
  ],
  [
    'a lateral join',
    'select l.top from orders o left join lateral (select max(price) as top from lines where order_id = o.id) l on true',
    ['top=+lines.price'],
  ],
  [
    'a table nobody knows',
    'select a.x, b.id from nowhere a join orders b on a.id = b.id',
    ['x=nowhere.x', 'id=orders.id'],
  ],
  ['a semi join', 'select id from orders semi join people using (id)', ['id=orders.id']],
];

test.each(CASES)('%s is traced', (_what, sql, columns) => {
  expect(traced(sql)).toEqual(columns);
});

describe('what cannot be told is said', () => {
  test.each([
    ['a pivot', "select * from orders pivot (sum(total) for customer in ('a', 'b'))", ['!']],
    ['a column of one of two unknown tables', 'select x from here join there on true', ['x=!']],
    ['the star of an unknown table', 'select * from nowhere', ['!']],
    ['a column that is not there', 'select nothing from orders', ['nothing=!']],
    ['SQL that is none', 'select from where', ['!']],
    ['two statements', 'select 1; select 2', ['!']],
  ])('%s', (_what, sql, columns) => {
    expect(traced(sql)).toEqual(columns);
  });
});

test('the warehouse says what the columns are called, and what a star of an unknown table gives', () => {
  expect(traced('select count(*), max(total) from orders', ['count_star()', 'max(total)'])).toEqual([
    'count_star()=',
    'max(total)=+orders.total',
  ]);
  expect(traced('select *, 1 as one from nowhere', ['a', 'b', 'one'])).toEqual([
    'a=nowhere.a',
    'b=nowhere.b',
    'one=',
  ]);
});

test("Snowflake's own ways are traced", () => {
  expect(
    traced(
      'select iff(qty > 1, price, 0) as p, dateadd(day, 1, sku) as d, f.value:name::string as n from lines, lateral flatten(input => qty) f qualify row_number() over (order by price) = 1',
      null,
      'snowflake',
    ),
  ).toEqual(['p=?lines.qty,~lines.price', 'd=~lines.sku', 'n=~lines.qty']);
});
