import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openLocalStore } from '../../../engines/lake/local-store.js';
import { openConnector } from '../../../engines/sources/open-connector.js';
import { Source } from '../../../schemas/source.js';

test('a batch without the column that the disposition names as key does not go in', async () => {
  const root = await mkdtemp(join(tmpdir(), 'millrace-keys-'));
  try {
    await writeFile(join(root, 'a.csv'), 'id,name\n1,a\n');
    const lake = await openLocalStore(join(root, 'lake'));
    const context = {
      ...{ source: 's', stream: 't', root, lake, batches: [], signal: new AbortController().signal },
      interval: { start: '2025-01-01T00:00:00Z', end: '2025-01-02T00:00:00Z' },
      secret: (reference: string) => Promise.resolve(reference),
    };
    const load = async (key: string): Promise<number> => {
      const streams = { t: { path: '*.csv', format: { kind: 'csv' }, disposition: { merge: [key] } } };
      const connector = await openConnector(Source.parse({ kind: 'files', root: '.', streams }), 't');
      const [unit] = await connector.plan(context);
      const more = {
        extractedAt: '2025-01-02T00:00:00Z',
        run: 'r',
        workDir: root,
        onProgress: () => undefined,
      };
      let rows = 0;
      for await (const staged of connector.load(unit, { ...context, ...more }))
        for (const { batch } of staged) rows += batch.loaded;
      return rows;
    };
    await expect(load('ident')).rejects.toMatchObject({
      type: 'ProjectInvalid',
      what: "s.t has no column 'ident', which is to be its key",
      where: { file: 'a.csv' },
    });
    expect(await load('ID')).toBe(1);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
