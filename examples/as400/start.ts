import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostKey, PASSWORD, startSftpServer } from '../../test/support/sftp-server.js';
import { prepare } from '../support/play.js';
import { generateDay } from './generate.js';

const DAYS = ['2026-01-05', '2026-01-06', '2026-01-07'];

/** Three nights of an AS/400's exports: over SFTP into bronze, and on to silver and gold. */
export async function start(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-as400-'));
  const key = hostKey();
  const server = await startSftpServer(folder, { keys: [key] });
  try {
    const play = await prepare('as400', {
      IBMI_HOST: '127.0.0.1',
      IBMI_PORT: String(server.port),
      IBMI_PASSWORD: PASSWORD,
      IBMI_HOST_KEY: key.public,
    });
    await mkdir(join(folder, 'export'), { recursive: true });
    for (const [day, date] of DAYS.entries()) {
      const made = await generateDay({ out: join(folder, 'export'), date, day });
      play.say(
        `Night of ${date}: the AS/400 exported ${made.customers} customers, ${made.sales} sales with ${made.lines} lines, ${made.journal} journal entries; ${made.broken} record is damaged`,
      );
      await play.millrace('run', 'daily', '--interval', date);
    }
    await play.millrace('quarantine', 'list');
    await play.show(
      'Revenue by country (gold)',
      'select country, sold_on, sales, revenue from revenue_by_country order by all limit 8',
    );
    await play.show(
      'Customers that moved (every version is kept)',
      `select customer_id, city, is_current from stg_customers
       where customer_id in (select customer_id from stg_customers group by 1 having count(*) > 1)
       order by customer_id, valid_from limit 6`,
    );
    await play.show('Stock, as the journal has it', 'select * from stock_value order by item');
    await play.show(
      'What became of one item (from the journal, with the times of the AS/400)',
      "select * from stock_changes where item in ('IT100', 'IT900') order by item, since",
    );
  } finally {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}
