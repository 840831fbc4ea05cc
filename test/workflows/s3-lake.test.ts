import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readManifest } from '../../engines/lake/bronze.js';
import { openS3Store } from '../../engines/lake/s3-store.js';
import { secret, startS3Server, type S3Server } from '../support/s3-server.js';
import { makeShop, type Shop } from '../support/shop.js';
import { runWeek, withFaults } from '../support/shop-run.js';

let s3: S3Server;
let shop: Shop;
beforeAll(async () => {
  s3 = await startS3Server();
  await s3.createBucket('lake');
  shop = makeShop();
  const file = join(shop.root, 'millrace.ts');
  const spec = JSON.stringify(s3.spec('lake', { prefix: 'shop' }));
  writeFileSync(file, readFileSync(file, 'utf8').replace("name: 'shop',", `name: 'shop', lake: ${spec},`));
});
afterAll(async () => {
  shop.remove();
  await s3.stop();
});

test('a run whose lake is a bucket goes from files to scores, and its worker may be killed on the way', async () => {
  const env = { KEY: await secret('env:KEY'), SECRET: await secret('env:SECRET') };
  await withFaults(
    shop.root,
    [{ activity: 'loadUnit', when: 'after', do: 'kill', times: 1 }],
    async (run) => {
      const result = await runWeek(run.client, shop.root, 'weekly');
      expect(result.extract[0]).toMatchObject({ batches: 1, loaded: 2_000, quarantined: 5 });
      expect(result.train[0]).toMatchObject({ outcome: 'promoted' });
      expect(result.score[0]).toMatchObject({ scored: 2_000 });
      expect(run.happened(0)).toHaveLength(1);
    },
    env,
  );
  const lake = await openS3Store(s3.spec('lake', { prefix: 'shop' }), secret);
  expect((await readManifest(lake, 'crm', 'customers')).batches).toHaveLength(1);
}, 120_000);
