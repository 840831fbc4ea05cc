import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { commitBatches, readManifest } from '../../engines/lake/bronze.js';
import { openLocalStore } from '../../engines/lake/local-store.js';
import { extractFile } from '../../engines/sources/extract-file.js';
import { csv } from '../../schemas/format.js';
import { FileStream } from '../../schemas/source.js';
import { Bench, readParquet } from '../engines/sources/support.js';
import { makeShop, readShop, WEEKS, type Shop } from '../support/shop.js';
import { runWeek, withFaults } from '../support/shop-run.js';

const SPEC = FileStream.parse({
  path: '*.csv',
  format: csv({ encoding: 'utf-8' }),
  columns: { id: { type: 'int32', required: true }, name: 'text', amount: 'decimal(10,2)' },
  tolerance: 0.5,
});
const HEADER = 'id,name,amount';
const GOOD = ['1,Ann,10.50', '2,"Bob, jun.",', '3,"two\nlines",7', '4,Zoë,0.01'].map((line) =>
  Buffer.from(line),
);
const POISON: [kind: string, raw: Buffer, reason: string][] = [
  ['too few fields', Buffer.from('5,x'), 'it has 2 fields where 3 are expected'],
  ['too many fields', Buffer.from('5,x,1,2'), 'it has 4 fields where 3 are expected'],
  [
    'a value of another type',
    Buffer.from('5,x,"ten, or so"'),
    `column "amount": 'ten, or so' is not decimal(10,2)`,
  ],
  ['a missing key', Buffer.from(',x,1'), 'column "id": a value is required'],
  ['bytes that are not UTF-8', Buffer.from([0x35, 0x2c, 0xff, 0xfe, 0x2c, 0x31]), 'it is not valid utf-8'],
  ['a quote that is not closed', Buffer.from('5,"x,1'), ''],
  ['text after a closing quote', Buffer.from('5,"x"y,1'), 'there is text after a closing quote'],
  ['a NUL in a number', Buffer.from('5\0,x,1'), `column "id": '5\0' is not int32`],
];
const POSITIONS: [where: string, index: number][] = [
  ['first', 0],
  ['in the middle', 2],
  ['last', GOOD.length],
];
const LF = Buffer.from('\n');

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

/** Loads a file into a lake of its own. @returns its batch, and rows and quarantine read back from there */
async function load(text: Buffer) {
  const lake = await openLocalStore(join(bench.root, 'lake'));
  const file = await bench.file('data.csv', text);
  const staged = await extractFile({
    ...{ source: 'crm', stream: 'orders', spec: SPEC, file, workDir: bench.workDir, run: 'run-1' },
    interval: { start: '2026-01-05T00:00:00Z', end: '2026-01-12T00:00:00Z' },
    extractedAt: '2026-01-12T00:00:00.000Z',
  });
  await commitBatches(lake, 'crm', 'orders', [staged]);
  const [batch] = (await readManifest(lake, 'crm', 'orders')).batches;
  if (!batch?.quarantine) throw new Error('nothing is in quarantine');
  const rows = await readParquet(await lake.localFile(batch.parts[0]?.uri ?? ''), '_source_position, id');
  const columns = 'record, line, byte, reason, hex(raw), file';
  const quarantine = await readParquet(await lake.localFile(batch.quarantine.uri), columns);
  return { batch, rows, quarantine };
}

describe.each(POISON)('%s', (_kind, raw, reason) => {
  test.each(POSITIONS)(
    '%s is put aside with its position and its bytes, and every other record is loaded',
    async (_where, index) => {
      const records = [...GOOD.slice(0, index), raw, ...GOOD.slice(index)];
      const before = Buffer.concat(
        [HEADER, ...records.slice(0, index)].flatMap((line) => [Buffer.from(line), LF]),
      );
      const text = Buffer.concat([Buffer.from(HEADER), LF, ...records.flatMap((line) => [line, LF])]);

      const { batch, rows, quarantine } = await load(text);
      expect(batch).toMatchObject({ read: 5, loaded: 4, quarantined: 1, filtered: 0 });
      expect(batch.read).toBe(batch.loaded + batch.quarantined + batch.filtered);
      const position = [
        String(index + 1),
        String(before.toString().split('\n').length),
        String(before.length),
      ];
      expect(quarantine).toEqual([
        [...position, expect.stringContaining(reason), raw.toString('hex').toUpperCase(), 'data.csv'],
      ]);
      const expected = [1, 2, 3, 4].map((id) => [String(id + (id > index ? 1 : 0)), id]);
      expect(rows).toEqual(expect.arrayContaining(expected));
      expect(rows).toHaveLength(4);
    },
  );
});

describe('a run of the pipeline', () => {
  let shop: Shop;
  afterAll(() => shop.remove());

  test(
    'accounts for every record it has read, in every run and every repetition',
    { timeout: 110_000 },
    async () => {
      shop = makeShop({ customers: 1_000, broken: 0 });
      const good = (id: number, week: string): Buffer =>
        Buffer.from(`${id},2025-01-10,north,3,10.50,${week},1\n`);
      const poison = [
        Buffer.from('x\n'),
        Buffer.from('1,soon,north,3,10.50,2026-01-05,1\n'),
        Buffer.from([...Buffer.from('1,2025-01-10,n'), 0xff, ...Buffer.from('rth,3,10.50,2026-01-05,1\n')]),
        Buffer.from('1,2025-01-10,"north,3,10.50,2026-01-05,1\n'),
      ];
      for (const [n, week] of WEEKS.entries()) {
        const rows = Array.from({ length: 1_000 }, (_, id) => good(id + 1, week));
        rows.splice(500, 0, ...poison);
        rows.unshift(...poison);
        if (n === 1) rows.push(...poison.slice(0, 2));
        const header = Buffer.from('customer_id,signup_date,region,visits,spend,week,renewed\n');
        writeFileSync(join(shop.root, 'data', `customers-${week}.csv`), Buffer.concat([header, ...rows]));
      }
      const quarantined = [8, 10];
      await withFaults(shop.root, [], async ({ client }) => {
        for (const [n, week] of WEEKS.entries()) {
          const { extract } = await runWeek(client, shop.root, 'load', week);
          const [{ bytes } = { bytes: 0 }] = extract;
          expect(bytes).toBe(statSync(join(shop.root, 'data', `customers-${week}.csv`)).size);
          const read = 1_000 + (quarantined[n] ?? 0);
          expect(extract).toMatchObject([{ read, loaded: 1_000, quarantined: quarantined[n], filtered: 0 }]);
          const again = await runWeek(client, shop.root, 'load', week);
          expect(again.extract).toMatchObject([
            { batches: 0, read: 0, loaded: 0, quarantined: 0, filtered: 0 },
          ]);
        }
      });
      const counted = await readShop(
        shop.root,
        `select count(*)::int as rows, (select count(*)::int from read_parquet('${shop.root}/.millrace/lake/quarantine/**/*.parquet')) as aside
       from crm.customers`,
      );
      expect(counted).toEqual([{ rows: 2_000, aside: 18 }]);
    },
  );
});
