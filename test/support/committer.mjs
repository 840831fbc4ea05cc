// One of several processes that do the same work at the same moment: it prepares each round, waits until all are ready,
// and then commits. Messages: { round, lake, workDir, file, who } → 'ready'; 'go' → the outcome.
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { commitBatches } from '../../dist/engines/lake/bronze.js';
import { openLocalStore } from '../../dist/engines/lake/local-store.js';
import { openRegistry } from '../../dist/engines/ml/registry.js';
import { extractFile } from '../../dist/engines/sources/extract-file.js';
import { FileStream } from '../../dist/schemas/source.js';

const INTERVAL = { start: '2026-01-05T00:00:00Z', end: '2026-01-12T00:00:00Z' };
let store;

const works = {
  async load({ file, workDir, who }) {
    const { size, mtimeMs } = await stat(file);
    const staged = await extractFile({
      ...{ source: 'crm', stream: 'orders', spec: FileStream.parse({ path: '*' }), workDir },
      file: { file: basename(file), path: file, bytes: size, mtimeMs },
      // another attempt of another run: its bytes differ, so that one can see whose are in
      ...{ interval: INTERVAL, extractedAt: `2026-01-12T0${who}:00:00.000Z`, run: `run-${who}` },
    });
    return async () => {
      const [committed] = await commitBatches(store, 'crm', 'orders', [staged]);
      return { won: committed.won, run: committed.batch.run, parts: committed.batch.parts };
    };
  },
  async promote({ version, hash, run, expectedChampion }) {
    const registry = openRegistry(store, 'renewal');
    await registry.read();
    return async () => {
      await registry.promote({ version, hash, run, expectedChampion, by: 'ana@example.com', why: 'better' });
      return { serving: (await registry.read()).aliases.champion };
    };
  },
};

let commit;
process.on('message', async (message) => {
  if (message !== 'go') {
    store ??= await openLocalStore(message.lake);
    commit = await works[message.work](message);
    process.send('ready');
    return;
  }
  process.send(await commit().catch((error) => ({ refused: error.type ?? String(error) })));
});
