import type { Batch, BronzeSchema } from '../../../schemas/lake.js';
import { currentSchema } from '../../lake/contract.js';
import { currentBatches } from '../../lake/current-batches.js';
import { quoteIdent, quoteText } from '../port.js';
import { placesOf } from './apply-step.js';
import { sameKey } from './keyed-spec.js';
import { keyedTables, type KeyedStream } from './land-keyed.js';
import { emptyQuery, rowsQuery, type LocalFile } from './rows.js';
import { declaredSchema, shownBatches, type View } from './shown.js';
import { stepsOf } from './steps.js';
import type { BoundStream } from './streams.js';

/**
 * What readers see of elements that follow their parents: those that came with the row of the parent that is shown. A
 * parent that comes again without elements leaves none.
 *
 * @param parents the parent's batches
 */
export async function childView(
  bound: BoundStream,
  batches: Batch[],
  parents: Batch[],
  localFile: LocalFile,
): Promise<{ views: View[]; shown: Batch[]; schema: BronzeSchema }> {
  const { stream, follows } = bound;
  const loads = loadsOf([...parents, ...batches]);
  const { keyed } = follows?.parent ?? {};
  const leading = keyed
    ? stepsOf(currentBatches(parents), keyed.dated).flatMap((step) => step.batches)
    : shownBatches(follows?.parent ?? bound, parents);
  const led = new Set(leading.map(({ key }) => loads.get(key)));
  const shown = currentBatches(batches).filter(({ key }) => led.has(loads.get(key)));
  const schema = currentSchema(shown) ?? currentSchema(batches) ?? declaredSchema(bound);
  const rows = shown.length > 0 ? await rowsQuery(shown, schema, localFile) : emptyQuery(schema);
  const columns = parentColumns(follows?.parentKey ?? [], currentSchema(leading) ?? [], schema);
  if (!keyed || !columns || shown.length === 0)
    return { views: [{ name: stream, query: rows }], shown, schema };

  const last = await lastRows(keyed, leading, loads, localFile);
  const values = shown.map(({ key }) => `(${quoteText(key)}, ${quoteText(loads.get(key) ?? '')})`);
  // of whatever types both were read with
  const same = columns.map(
    ([parent, child]) => `p.${quoteIdent(parent)}::varchar = c.${quoteIdent(child)}::varchar`,
  );
  const query = `select c.* from (${rows}) c
    join (values ${values.join(', ')}) l (_mr_key, _mr_load) on c._batch = l._mr_key
    semi join (${last}) p on ${['p._mr_load = l._mr_load', ...same].join(' and ')}`;
  // it differs with its parents, too
  return { views: [{ name: stream, query }], shown: [...shown, ...leading], schema };
}

/** Which load each batch is of; a replay belongs to the one whose records it holds. */
function loadsOf(batches: readonly Batch[]): Map<string, string> {
  const loads = new Map<string, string>();
  for (const { key, replays = '', run, extractedAt } of batches)
    loads.set(key, loads.get(replays) ?? `${run} ${extractedAt}`);
  return loads;
}

/** The parent's columns and those of the elements that name them; none when the key lies inside a column. */
function parentColumns(
  parentKey: string[],
  parent: BronzeSchema,
  child: BronzeSchema,
): [string, string][] | undefined {
  const find = (schema: BronzeSchema, name: string): string | undefined =>
    schema.find((column) => column.name.toLowerCase() === name.toLowerCase())?.name;
  const found = parentKey.map((name) => [find(parent, name), find(child, `_parent_${name}`)] as const);
  const pairs = found.flatMap(([from, to]): [string, string][] => (from && to ? [[from, to]] : []));
  return pairs.length === parentKey.length ? pairs : undefined;
}

/**
 * The last row of each parent that is there, with its load. The table of the parent's rows does not tell it: of a row
 * that says the same again it keeps the first.
 */
async function lastRows(
  keyed: KeyedStream,
  batches: readonly Batch[],
  loads: Map<string, string>,
  localFile: LocalFile,
): Promise<string> {
  const keys = keyed.keys ?? [];
  const places = placesOf(batches, keyed.dated ?? false).map(
    ({ place }, index) => `(${index}, ${place}, ${quoteText(loads.get(batches[index]?.key ?? '') ?? '')})`,
  );
  return `select r.*, _mr_load from (${await rowsQuery(batches, currentSchema(batches) ?? [], localFile, true)}) r
    join (values ${places.join(', ')}) _mr_places (_mr_index, _mr_place, _mr_load) on r._mr_batch = _mr_index
    semi join ${keyedTables(keyed).state} s on ${sameKey(keys, 's', 'r')}
    qualify row_number() over (partition by ${keys.map((key) => `r.${quoteIdent(key)}`).join(', ')}
      order by _mr_place desc, r._source_position desc, _mr_index desc) = 1`;
}
