import { quoteStored } from '../../engines/warehouse/port.js';
import type { NodeRecord } from '../../schemas/transform.js';
import type { Log } from './log/log.js';
import { previewTable } from './log/preview.js';
import type { Opened } from './open.js';

const ROWS = 10;

/** `seed --show`: the first rows of every seed that was loaded. */
export async function showSeeds(
  log: Log,
  { environment, warehouse, signal }: Opened,
  records: readonly NodeRecord[],
): Promise<void> {
  for (const { result } of records) {
    const node = environment.manifest.nodes.get(result.id);
    if (node?.kind !== 'seed' || !node.relation || result.status !== 'success') continue;
    const answer = await warehouse.execute(
      `select * from ${quoteStored(warehouse.dialect, node.relation)} limit ${ROWS}`,
      {
        signal,
      },
    );
    log.info(`\nRows of seed ${node.name}:\n${previewTable(answer)}`);
  }
}
