import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openLocalStore } from '../../../engines/lake/local-store.js';
import { bindSource, boundSources } from '../../../engines/warehouse/bind-source.js';
import type { Warehouse } from '../../../engines/warehouse/port.js';
import type { BronzeSchema } from '../../../schemas/lake.js';
import { Source } from '../../../schemas/source.js';
import { Bronze } from './bronze-of.js';

const SCHEMA: BronzeSchema = [
  { name: 'id', type: 'int32' },
  { name: 'name', type: 'text' },
  { name: 'amount', type: 'decimal(10,2)' },
];

/** What a warehouse must do with bronze that it cannot read where it lies. */
export function testLoading(name: string, open: () => Promise<Warehouse>): void {
  describe(name, () => {
    test('loads each batch of the lake once, with new columns, and takes back what no longer counts', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'millrace-loading-'));
      const warehouse = await open();
      const lake = await openLocalStore(join(folder, 'lake'));
      const bronze = await Bronze.open(lake, folder);
      const streams = { t: { path: '*.csv' } };
      const spec = Source.parse({ kind: 'files', root: '.', streams });
      const bind = (): Promise<void> => bindSource({ warehouse, lake, source: 'crm', spec });
      const rows = async (): Promise<unknown[][]> =>
        (await warehouse.query('select id, name, amount from crm.t order by id')).map(Object.values);
      try {
        await bronze.add('crm', 't', SCHEMA, "values (1, 'a, \"b\"', 10.5), (2, '', null)", { scope: 'one' });
        await bind();
        await bind();
        expect(await rows()).toEqual([
          [1, 'a, "b"', '10.50'],
          [2, '', null],
        ]);
        const before = (await boundSources(warehouse))['crm.t'];
        await bronze.add(
          'crm',
          't',
          [...SCHEMA, { name: 'moment', type: 'timestamp' }],
          "values (3, null, 1, timestamp '2024-01-01 10:00:00')",
          {
            scope: 'two',
          },
        );
        await bind();
        expect(await rows()).toHaveLength(3);
        expect(await warehouse.query('select moment from crm.t where id = 3')).toEqual([
          { moment: '2024-01-01T10:00:00' },
        ]);
        const after = (await boundSources(warehouse))['crm.t'];
        expect(after?.relation).toEqual({ schema: 'crm', name: 't' });
        expect(after?.key).not.toBe(before?.key);

        await bronze.add('crm', 't', SCHEMA, "values (9, 'anew', 1)", { scope: 'one' });
        await bind();
        expect((await rows()).map(([id]) => id)).toEqual([3, 9]);
      } finally {
        bronze.close();
        await warehouse.close();
        await rm(folder, { recursive: true, force: true });
      }
    });
  });
}
