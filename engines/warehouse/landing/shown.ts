import type { Batch, BronzeSchema } from '../../../schemas/lake.js';
import { CHANGES } from '../../lake/bronze.js';
import { currentBatches, FULL } from '../../lake/current-batches.js';
import type { BoundStream } from './streams.js';

export interface View {
  name: string;
  query: string;
}

/** Of a stream that is loaded whole the last load; of others all, unless the project wants the last run's only. */
export function shownBatches({ disposition }: BoundStream, batches: Batch[]): Batch[] {
  // who says `append` of a table that is loaded whole wants each of its loads
  if (disposition === 'append')
    return currentBatches(batches.map((batch) => (isLoad(batch) ? { ...batch, scope: undefined } : batch)));
  const current = currentBatches(batches);
  const last = current.findLast(({ replays }) => replays === undefined);
  if (disposition !== 'replace' && last?.scope !== FULL) return current;
  const inLast = (batch: Batch): boolean =>
    last?.scope === FULL ? batch.scope === FULL : batch.scope === last?.scope && batch.run === last?.run;
  const keys = new Set(
    current.filter((batch) => batch.replays === undefined && inLast(batch)).map(({ key }) => key),
  );
  return current.filter((batch) => {
    const shown = keys.has(batch.key) || keys.has(batch.replays ?? '');
    if (shown) keys.add(batch.key);
    return shown;
  });
}

const isLoad = (batch: Batch): boolean => batch.scope === FULL && batch.generation === undefined;

/** Columns of a stream of which nothing has come. */
export function declaredSchema({ columns = {}, keyed }: BoundStream): BronzeSchema {
  const own = Object.entries(columns).map(([name, column]) => ({
    name,
    type: typeof column === 'string' ? column : column.type,
  }));
  return keyed?.kind === 'changes' ? [...own, ...CHANGES] : own;
}
