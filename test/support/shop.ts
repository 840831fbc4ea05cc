import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDuckDb } from '../../engines/warehouse/duckdb.js';
import type { Row, Warehouse } from '../../engines/warehouse/port.js';

/** Mondays of the two weeks that the shop has data of. */
export const WEEKS = ['2026-01-05', '2026-01-12'] as const;
const FIXTURE = fileURLToPath(new URL('../fixtures/shop', import.meta.url));

export interface Shop {
  root: string;
  remove: () => void;
}

/** A copy of the small project of the tests, with seeded data: `customers` rows a week, some of them broken. */
export function makeShop({ customers = 2_000, broken = 5 } = {}): Shop {
  const root = mkdtempSync(join(tmpdir(), 'millrace-shop-'));
  cpSync(FIXTURE, root, { recursive: true });
  for (const [index, week] of WEEKS.entries()) {
    mkdirSync(join(root, 'data'), { recursive: true });
    writeFileSync(join(root, 'data', `customers-${week}.csv`), weekOf(week, index + 1, customers, broken));
  }
  return { root, remove: () => rmSync(root, { recursive: true, force: true, maxRetries: 5 }) };
}

/** The shop's warehouse, opened after the worker that held it has ended. */
async function inShop<T>(root: string, read: (warehouse: Warehouse) => Promise<T>): Promise<T> {
  const warehouse = await openDuckDb({
    path: join(root, '.millrace', 'warehouse.duckdb'),
    memoryLimit: '512MB',
  });
  try {
    return await read(warehouse);
  } finally {
    await warehouse.close();
  }
}

export const readShop = <T extends Row>(root: string, sql: string): Promise<T[]> =>
  inShop(root, (warehouse) => warehouse.query<T>(sql));

/**
 * Count and order-independent hash of every published relation, to compare two histories of the same work. What differs
 * by nature, the start of the run as a lineage column, is left out.
 */
export const fingerprint = (root: string): Promise<Record<string, string>> =>
  inShop(root, async (warehouse) => {
    const tables = await warehouse.query<{ s: string; t: string }>(
      `select table_schema as s, table_name as t from information_schema.tables
       where table_schema not in ('information_schema', 'pg_catalog', 'millrace', 'millrace_landing') order by all`,
    );
    const prints: Record<string, string> = {};
    for (const { s, t } of tables) {
      const [row] = await warehouse.query<{ n: string; h: string }>(
        `select count(*)::varchar as n, coalesce(sum(md5_number_lower(to_json(x)::varchar)), 0)::varchar as h from (select columns(c -> c <> '_extracted_at') from "${s}"."${t}") x`,
      );
      prints[`${s}.${t}`] = `${row?.n} ${row?.h}`;
    }
    return prints;
  });

/** Customers whose renewal depends on what they do, with noise; deterministic. */
function weekOf(week: string, seed: number, customers: number, broken: number): string {
  let state = seed * 2_654_435_761;
  const random = (): number => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 0x9e3779b9) | 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
  const lines = ['customer_id,signup_date,region,visits,spend,week,renewed'];
  for (let id = 1; id <= customers; id++) {
    const visits = Math.floor(random() * 20);
    const spend = (random() * 200).toFixed(2);
    const region = ['north', 'south', 'east', 'west'][Math.floor(random() * 4)] ?? 'north';
    const score = visits / 10 + Number(spend) / 100 - 2 + (region === 'north' ? 0.5 : 0) + (random() - 0.5);
    lines.push(
      `${id},2025-0${1 + (id % 9)}-1${id % 10},${region},${visits},${spend},${week},${score > 0 ? 1 : 0}`,
    );
  }
  for (let i = 0; i < broken; i++)
    lines.splice(1 + Math.floor(random() * customers), 0, `${customers + i + 1},not a date,north,x`);
  return `${lines.join('\n')}\n`;
}
