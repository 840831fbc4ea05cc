import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import iconv from 'iconv-lite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateWeek } from '../../examples/engagement/generate.js';
import { rocAuc } from '../../examples/engagement/generator/outcome.js';
import { STORE_HEADER, WEB_HEADER } from '../../examples/engagement/generator/record.js';
import engagement from '../../examples/engagement/millrace.js';
import { Project } from '../../schemas/project.js';
import type { Week } from '../../examples/engagement/generate.js';

const WEEK = '2025-11-03';
const NEXT = '2025-11-10';

let root: string;
let first: Week;
let second: Week;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-engagement-'));
  first = await generateWeek({ out: root, week: WEEK, customers: 20_000 });
  second = await generateWeek({ out: root, week: NEXT, customers: 20_000 });
});
afterAll(() => rm(root, { recursive: true, force: true }));

const web = async (week: string, out = root): Promise<Buffer> =>
  readFile(join(out, 'customers', week, 'web.csv'));
const stores = async (week: string, out = root): Promise<Buffer> =>
  gunzipSync(await readFile(join(out, 'customers', week, 'stores.csv.gz')));
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Intact records only, by column name; no field of theirs holds a quote or a delimiter. */
function records(text: string, delimiter: string): Record<string, string>[] {
  const [header = '', ...lines] = text.trimEnd().split('\n');
  const names = header.split(delimiter);
  return lines
    .filter((line) => !/["\ufffd]/.test(line) && line.split(delimiter).length === names.length)
    .map((line) =>
      Object.fromEntries(
        line.split(delimiter).map((field, at): [string, string] => [names[at] ?? '', field]),
      ),
    );
}

describe('the engagement generator', () => {
  test('writes the same bytes for the same options, and others for another seed', async () => {
    const hashes = async (folder: string, seed?: number): Promise<string[]> => {
      const out = join(root, folder);
      await generateWeek({ out, week: WEEK, customers: 3_000, ...(seed === undefined ? {} : { seed }) });
      return [sha256(await web(WEEK, out)), sha256(await stores(WEEK, out))];
    };
    const once = await hashes('once');
    expect(await hashes('again')).toEqual(once);
    expect(await hashes('seed', 8)).not.toEqual(once);
    expect(once.map((hash) => hash.slice(0, 16))).toEqual(['f3baba8c7fa013c7', '6ef7e8fe2ab35e55']);
  });

  test('gives a customer the same record however many customers there are', async () => {
    const out = join(root, 'few');
    await generateWeek({ out, week: WEEK, customers: 500 });
    const few = (await web(WEEK, out)).toString('utf8').split('\n')[1];
    expect((await web(WEEK)).toString('utf8').split('\n')[1]).toBe(few);
  });

  test('counts what it writes: every customer, duplicates, and about 0.3 % broken records', async () => {
    for (const week of [first, second]) {
      expect(week.rows).toBe(week.customers + week.duplicates + week.brokenRows);
      expect(week.rows).toBe(week.files[0]!.rows + week.files[1]!.rows);
      expect(week.brokenRows / week.rows).toBeGreaterThan(0.002);
      expect(week.brokenRows / week.rows).toBeLessThan(0.004);
      expect(week.duplicates / week.rows).toBeGreaterThan(0.02);
    }
    const ids = new Set(
      [...records((await web(WEEK)).toString('utf8'), ',').map((row) => row.customer_id)].concat(
        records(iconv.decode(await stores(WEEK), 'win1252'), ';').map((row) => row.customer_no),
      ),
    );
    expect(ids.size).toBe(20_000);
  });

  test('writes the web file in UTF-8, but for the records damaged on purpose', async () => {
    const lines = (await web(WEEK)).toString('utf8').split('\n');
    const damaged = lines.filter((line) => line.includes('\ufffd'));
    expect(damaged.length).toBeGreaterThan(0);
    expect(damaged.length).toBeLessThan(30);
    expect(damaged.every((line) => line.includes('Jos\ufffd Mu\ufffdoz'))).toBe(true);
    expect(lines.some((line) => line.includes('Lefèvre'))).toBe(true);
  });

  test("writes the stores' file in windows-1252", async () => {
    const bytes = await stores(WEEK);
    expect(() => new TextDecoder('utf-8', { fatal: true }).decode(bytes)).toThrow();
    const text = iconv.decode(bytes, 'win1252');
    for (const name of ['Müller', 'Šimek', 'Žák', 'Bœuf', 'D’Amico']) expect(text).toContain(name);
    expect(text).not.toMatch(/[\u0080-\u009f\ufffd]/);
  });

  test("mixes three ways to write a date in the stores' file", async () => {
    const joined = records(iconv.decode(await stores(WEEK), 'win1252'), ';').map((row) => row.joined ?? '');
    const share = (pattern: RegExp): number =>
      joined.filter((date) => pattern.test(date)).length / joined.length;
    expect(share(/^\d\d\/\d\d\/\d{4}$/)).toBeGreaterThan(0.7);
    expect(share(/^\d{4}-\d\d-\d\d$/)).toBeGreaterThan(0.1);
    expect(share(/^\d\d [A-Z][a-z]{2} \d{4}$/)).toBeGreaterThan(0.02);
  });

  test('remembers the weeks: what was counted last week is still part of the 28 days', async () => {
    const column = (rows: Record<string, string>[]) =>
      new Map(
        rows
          .filter(
            (row) =>
              row.engaged_7d &&
              /^\d{1,3}$/.test(row.sessions_28d ?? '') &&
              /^\d{1,3}$/.test(row.sessions_7d ?? ''),
          )
          .map((row) => [row.customer_id, row]),
      );
    const before = column(records((await web(WEEK)).toString('utf8'), ','));
    const after = column(records((await web(NEXT)).toString('utf8'), ','));
    let compared = 0;
    for (const [id, row] of after) {
      const past = before.get(id);
      if (!past) continue;
      compared++;
      expect(past.full_name).toBe(row.full_name);
      expect(Number(row.sessions_28d)).toBeGreaterThanOrEqual(Number(past.sessions_7d));
    }
    expect(compared).toBeGreaterThan(8_000);
  });

  test('states an attainable AUC between 0.84 and 0.88', () => {
    for (const { attainableAuc } of [first, second]) {
      expect(attainableAuc).toBeGreaterThan(0.84);
      expect(attainableAuc).toBeLessThan(0.88);
    }
  });

  test('leaves no half-written file behind', async () => {
    expect((await readdir(join(root, 'customers', WEEK))).sort()).toEqual(['stores.csv.gz', 'web.csv']);
  });

  test('refuses a day that is no Monday, a week before its customers, and no customers', async () => {
    const make = (week: string, customers: number) => generateWeek({ out: root, week, customers });
    await expect(make('2025-11-04', 10)).rejects.toThrow("not '2025-11-04'");
    await expect(make('2025-08-25', 10)).rejects.toThrow('Monday from 2025-09-01');
    await expect(make(WEEK, 0)).rejects.toThrow('customers must be a whole number');
  });
});

test('ranks tie at their mean in the AUC', () => {
  expect(rocAuc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])).toBe(0.75);
  expect(rocAuc([1, 1, 1, 1], [0, 1, 0, 1])).toBe(0.5);
});

test('the project is valid and declares every column of its files in their order', () => {
  const { sources } = Project.parse(engagement);
  const inFile = (stream: string): string[] =>
    Object.entries(sources.crm?.streams[stream]?.columns ?? {}).map(([name, column]) =>
      typeof column === 'string' ? name : (column.from ?? name),
    );
  expect(inFile('web_customers')).toEqual(WEB_HEADER.split(','));
  expect(inFile('store_customers')).toEqual(STORE_HEADER.split(';'));
});
