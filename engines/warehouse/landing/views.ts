import type { Batch, BronzeSchema } from '../../../schemas/lake.js';
import { CHANGES } from '../../lake/bronze.js';
import { currentSchema } from '../../lake/contract.js';
import { currentBatches, FULL } from '../../lake/current-batches.js';
import { quoteIdent } from '../port.js';
import { isChangeColumn } from './keyed-spec.js';
import { keyedTables } from './land-keyed.js';
import { emptyQuery, rowsQuery, withLineage, type LocalFile } from './rows.js';
import type { BoundStream } from './streams.js';

export interface View {
  name: string;
  query: string;
}

/**
 * What readers see of a stream.
 *
 * @param landed columns of its tables, where it has some
 * @returns the views, and what they show of files: batches, and their columns
 */
export async function viewsOf(
  bound: BoundStream,
  batches: Batch[],
  landed: BronzeSchema | undefined,
  localFile: LocalFile,
): Promise<{ views: View[]; shown: Batch[]; schema: BronzeSchema }> {
  const { stream, keyed } = bound;
  if (!keyed) {
    const shown = shownBatches(bound, batches);
    const schema = currentSchema(shown) ?? declaredSchema(bound);
    return { views: [{ name: stream, query: await rowsQuery(shown, schema, localFile) }], shown, schema };
  }
  const schema = landed ?? currentSchema(batches) ?? declaredSchema(bound);
  if (keyed.kind === 'merge')
    return { views: [{ name: stream, query: stateQuery(bound, landed, schema) }], shown: [], schema };
  if (keyed.kind === 'scd2')
    return { views: [{ name: stream, query: historyQuery(bound, landed, schema) }], shown: [], schema };
  const shown = currentBatches(batches);
  const all = currentSchema(shown) ?? schema;
  const views = [
    { name: stream, query: stateQuery(bound, landed, schema) },
    { name: `${stream}__history`, query: historyQuery(bound, landed, schema) },
    { name: `${stream}__changes`, query: await rowsQuery(shown, all, localFile) },
  ];
  return { views, shown, schema: all };
}

/** Of a stream that is loaded whole the last load; of others all, unless the project wants the last run's only. */
function shownBatches({ disposition }: BoundStream, batches: Batch[]): Batch[] {
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

function declaredSchema({ columns = {}, keyed }: BoundStream): BronzeSchema {
  const own = Object.entries(columns).map(([name, column]) => ({
    name,
    type: typeof column === 'string' ? column : column.type,
  }));
  return keyed?.kind === 'changes' ? [...own, ...CHANGES] : own;
}

/** The tables' columns without those that only matter for making them. */
const shownColumns = (schema: BronzeSchema): BronzeSchema =>
  schema.filter(({ name }) => !isChangeColumn(name) || name === '_lsn' || name === '_commit_at');

const list = (schema: BronzeSchema): string =>
  withLineage(shownColumns(schema))
    .map(({ name }) => quoteIdent(name))
    .join(', ');

function stateQuery({ keyed }: BoundStream, landed: BronzeSchema | undefined, schema: BronzeSchema): string {
  if (!landed || !keyed) return emptyQuery(shownColumns(schema));
  return `select ${list(schema)} from ${keyedTables(keyed).state}`;
}

const PERIOD = {
  scd2: { now: '_valid_from, null::timestamptz as _valid_to', past: '_valid_from, _valid_to' },
  changes: {
    now: '_valid_from, null::timestamptz as _valid_to, _valid_from_lsn, null::bigint as _valid_to_lsn',
    past: '_valid_from, _valid_to, _valid_from_lsn, _valid_to_lsn',
  },
};

function historyQuery(
  { keyed }: BoundStream,
  landed: BronzeSchema | undefined,
  schema: BronzeSchema,
): string {
  const { now, past } = PERIOD[keyed?.kind === 'changes' ? 'changes' : 'scd2'];
  if (!landed || !keyed) {
    const none = `(select null::timestamptz as _valid_from, null::bigint as _valid_from_lsn)`;
    return `select rows.*, ${now}, true as _is_current from (${emptyQuery(shownColumns(schema))}) rows, ${none} none`;
  }
  const tables = keyedTables(keyed);
  return `select ${list(schema)}, ${now}, true as _is_current from ${tables.state}
    union all select ${list(schema)}, ${past}, false as _is_current from ${tables.past}`;
}
