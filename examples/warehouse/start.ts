import { createServer } from 'node:http';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { startPostgres } from '../../test/support/postgres-server.js';
import { prepare } from '../support/play.js';

const TOKEN = 'token-of-the-example';
const RATES: Record<string, number> = { EUR: 1, USD: 0.92, GBP: 1.17, CHF: 1.05, SEK: 0.087 };

/** A shop's database by change data capture, an API and files: to raw, staging and marts. */
export async function start(): Promise<void> {
  const postgres = await startPostgres();
  const api = await startRates();
  try {
    const play = await prepare('warehouse', {
      SHOP_DATABASE_URL: postgres.url,
      RATES_URL: api.url,
      RATES_TOKEN: TOKEN,
    });
    await mkdir(join(play.root, 'incoming'), { recursive: true });
    await postgres.sql(SHOP);
    await returns(play.root, '2026-01-05', ['17;1;1;broken', '42;2;1;wrong size', 'not a number;1;1;lost']);
    play.say('2026-01-05: the first run copies the tables, and follows their changes from then on');
    await play.millrace('run', 'daily', '--interval', '2026-01-05');

    await postgres.sql(NEXT_DAY);
    await returns(play.root, '2026-01-06', ['2017;1;1;late']);
    play.say('2026-01-06: new orders, cancelled ones, and customers that changed tier');
    await play.millrace('run', 'daily', '--interval', '2026-01-06');
    await play.millrace('replicate', 'status', 'shop');
    await play.show('Revenue by tier (marts)', 'select * from revenue_by_tier order by all');
    await play.show(
      'Changes of tier (from the history)',
      'select * from tier_changes order by customer_id limit 5',
    );
    const [there] = await postgres.sql('select count(*)::int as orders, sum(total) as total from orders');
    play.say(
      `The shop's own database says: ${String(there?.['orders'])} orders, ${String(there?.['total'])} in total. The warehouse:`,
    );
    await play.show('shop.orders', 'select count(*) as orders, sum(total) as total from shop.orders');
  } finally {
    await api.stop();
    await postgres.stop();
  }
}

const SHOP = `
  create table customers (id bigint primary key, name text not null, tier text not null, changed_at timestamptz default now());
  create table orders (id bigint primary key, customer_id bigint not null, ordered_at timestamptz not null,
                       currency text not null, status text not null, total numeric(12,2) not null);
  create table order_lines (order_id bigint, line_no int, product text not null, quantity int not null,
                            price numeric(10,2) not null, primary key (order_id, line_no));
  insert into customers select i, 'Customer ' || i, (array['basic','plus','prime'])[1 + i % 3] from generate_series(1, 500) i;
  insert into orders select i, 1 + i % 500, '2026-01-05T08:00:00Z'::timestamptz + i * interval '20 seconds',
    (array['EUR','USD','GBP','CHF','SEK'])[1 + i % 5], 'paid', 0 from generate_series(1, 2000) i;
  insert into order_lines select i, n, 'P' || (1 + (i * 7 + n) % 40), 1 + (i + n) % 4, 4.99 + (i * n) % 60
    from generate_series(1, 2000) i, generate_series(1, 1 + i % 3) n;
  update orders set total = (select sum(quantity * price) from order_lines where order_id = orders.id);`;

const NEXT_DAY = `
  insert into orders select i, 1 + i % 500, '2026-01-06T08:00:00Z'::timestamptz + i * interval '5 seconds',
    (array['EUR','USD'])[1 + i % 2], 'paid', 0 from generate_series(2001, 3000) i;
  insert into order_lines select i, 1, 'P' || (1 + i % 40), 2, 9.99 from generate_series(2001, 3000) i;
  update orders set total = (select sum(quantity * price) from order_lines where order_id = orders.id) where id > 2000;
  update orders set status = 'cancelled' where id % 97 = 0;
  update customers set tier = 'prime', changed_at = now() where tier = 'plus' and id % 10 = 0;
  delete from order_lines where order_id % 501 = 0;
  delete from orders where id % 501 = 0;`;

const returns = (root: string, day: string, lines: string[]): Promise<void> =>
  writeFile(
    join(root, 'incoming', `returns-${day}.csv`),
    ['order_id;line_no;quantity;reason', ...lines, ...filler(lines.length)].join('\n') + '\n',
  );

/** Ordinary returns, so that one broken line stays below what is tolerated. */
const filler = (from: number): string[] =>
  Array.from({ length: 60 }, (_, index) => `${100 + from + index * 3};1;1;changed mind`);

/** An API that wants a token and gives two rates a page. */
async function startRates(): Promise<{ url: string; stop: () => Promise<void> }> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const send = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return send(401, { error: 'who are you?' });
    const all = Object.entries(RATES).map(([currency, euros]) => ({
      day: url.searchParams.get('day'),
      currency,
      euros,
    }));
    const from = Number(url.searchParams.get('after') ?? 0);
    const next = from + 2 < all.length ? String(from + 2) : null;
    send(200, { rates: all.slice(from, from + 2), next });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
