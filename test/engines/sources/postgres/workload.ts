import pg from 'pg';

/** Repeatable chance. */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

export const TABLES = `
  CREATE TYPE status AS ENUM ('new', 'paid', 'sent');
  CREATE TABLE items (id int PRIMARY KEY, name text, big text, n numeric(12, 3), state status, tags text[]);
  ALTER TABLE items ALTER big SET STORAGE EXTERNAL;
  CREATE TABLE pairs (a int, b text, v double precision, PRIMARY KEY (a, b));
  CREATE TABLE whole (k text PRIMARY KEY, big text, v int);
  ALTER TABLE whole ALTER big SET STORAGE EXTERNAL, REPLICA IDENTITY FULL;
  CREATE TABLE bystander (id serial, note text);`;

/** A text that is stored out of line. */
const big = (n: number): string => `repeat(md5('${n}'), 100)`;

/** One transaction or less: some are rolled back, in whole or in part. */
function transaction(next: (below: number) => number): string[] {
  const sql = ['BEGIN'];
  for (let steps = 1 + next(6); steps > 0; steps--) {
    const id = next(300);
    const key = `'k${next(60)}'`;
    const steps: (() => string)[] = [
      () => `INSERT INTO items VALUES (${id}, 'name, "${id}"', ${big(id)}, ${id}.125, 'new', '{a,"b ${id}",NULL}')
               ON CONFLICT (id) DO UPDATE SET name = items.name || '+', state = 'paid'`,
      () => `UPDATE items SET n = n + 1, state = 'sent' WHERE id = ${id}`,
      () => `UPDATE items SET big = ${big(next(1000))} WHERE id = ${id}`,
      () =>
        `UPDATE items SET id = id + 1000 WHERE id = ${id} AND NOT EXISTS (SELECT 1 FROM items WHERE id = ${id + 1000})`,
      () =>
        `UPDATE items SET id = id - 1000 WHERE id = ${id + 1000} AND NOT EXISTS (SELECT 1 FROM items WHERE id = ${id})`,
      () => `DELETE FROM items WHERE id = ${id}`,
      () => `INSERT INTO pairs VALUES (${id % 20}, ${key}, ${id}) ON CONFLICT DO NOTHING`,
      () => `UPDATE pairs SET v = v * 1.5 WHERE a = ${id % 20}`,
      () => `DELETE FROM pairs WHERE b = ${key}`,
      () => `INSERT INTO whole VALUES (${key}, ${big(id)}, ${id}) ON CONFLICT (k) DO UPDATE SET v = ${id}`,
      () =>
        `UPDATE whole SET k = k || 'x' WHERE k = ${key} AND NOT EXISTS (SELECT 1 FROM whole WHERE k = ${key} || 'x')`,
      () => `DELETE FROM whole WHERE v % 7 = ${id % 7}`,
      () => `INSERT INTO bystander (note) SELECT 'n' FROM generate_series(1, 20)`,
      () => `SAVEPOINT s; UPDATE items SET name = 'never' WHERE id < 20; ROLLBACK TO s`,
      () => `SAVEPOINT s; UPDATE pairs SET v = v + 1 WHERE a = 3; RELEASE s`,
    ];
    sql.push((steps[next(steps.length)] as () => string)());
  }
  if (next(60) === 0) sql.push(next(2) === 0 ? 'TRUNCATE pairs' : 'TRUNCATE whole, pairs');
  if (next(40) === 0)
    sql.push(
      `INSERT INTO pairs SELECT n, 'large ' || n, n FROM generate_series(1000, 4000) n ON CONFLICT DO NOTHING`,
    );
  sql.push(next(8) === 0 ? 'ROLLBACK' : 'COMMIT');
  return sql;
}

/** Writes until told to stop; several may run at once. @returns transactions */
export async function writeUntil(url: string, seed: number, stopped: () => boolean): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const next = random(seed);
  let count = 0;
  try {
    for (; !stopped(); count++) {
      for (const sql of transaction(next)) {
        await client.query(sql).catch(async (error: { code?: string }) => {
          // two writers that wait for each other, or race for a key
          if (!['40P01', '23505', '25P02'].includes(error.code ?? '')) throw error;
        });
      }
      if (next(10) === 0) await new Promise((resolve) => setTimeout(resolve, next(20)));
    }
  } finally {
    await client.end();
  }
  return count;
}
