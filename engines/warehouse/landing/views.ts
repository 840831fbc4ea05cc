import type { Batch, BronzeSchema } from '../../../schemas/lake.js';
import { currentSchema } from '../../lake/contract.js';
import { currentBatches } from '../../lake/current-batches.js';
import { quoteIdent } from '../port.js';
import { childView } from './child-view.js';
import { isChangeColumn } from './keyed-spec.js';
import { keyedTables } from './land-keyed.js';
import { emptyQuery, rowsQuery, withLineage, type LocalFile } from './rows.js';
import { declaredSchema, shownBatches, type View } from './shown.js';
import type { BoundStream } from './streams.js';

/**
 * What readers see of a stream.
 *
 * @param landed columns of its tables, where it has some
 * @param parents of a child that follows its parent, the parent's batches
 * @returns the views, and what they show of files: batches, and their columns
 */
export async function viewsOf(
  bound: BoundStream,
  batches: Batch[],
  landed: BronzeSchema | undefined,
  localFile: LocalFile,
  parents: Batch[] = [],
): Promise<{ views: View[]; shown: Batch[]; schema: BronzeSchema }> {
  const { stream, keyed } = bound;
  if (bound.follows) return childView(bound, batches, parents, localFile);
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
