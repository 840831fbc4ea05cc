import { MillraceError } from '../../../schemas/errors.js';
import { str, type Value } from '../jinja/values.js';
import { hasContract, materialization, type Manifest, type Node } from '../manifest.js';
import { isRecord } from './config.js';
import type { Parsing } from './parsing.js';

/** What can only be said when everything has been read. @throws MillraceError DuplicateNode, DbtProjectInvalid */
export function checkManifest({ manifest }: Parsing): void {
  checkRelations(manifest);
  const groups = new Set([...manifest.groups.values()].map(({ name }) => name));
  for (const each of [...manifest.nodes.values(), ...manifest.semantics.values()])
    if (each.group && !groups.has(each.group))
      throw invalid(each, `has the group '${each.group}', which does not exist`, groupFix(groups));
  for (const node of manifest.nodes.values()) {
    if (node.kind === 'model') checkModel(node);
    if (node.kind === 'snapshot') checkSnapshot(node);
  }
}

const groupFix = (groups: ReadonlySet<string>): string =>
  groups.size > 0 ? `Groups are: ${[...groups].join(', ')}` : 'Declare it under groups: in a .yml file';

const invalid = (node: { id: string; file: string }, what: string, fix: string): MillraceError =>
  new MillraceError('DbtProjectInvalid', {
    what: `${node.id} ${what}`,
    where: { file: node.file, line: 1 },
    fix,
  });

/** Two nodes may not become one relation, nor may a name have versions and none. */
function checkRelations(manifest: Manifest): void {
  const taken = new Map<string, Node>();
  const names = new Map<string, Node>();
  for (const node of manifest.nodes.values()) {
    const { relation } = node;
    if (!relation) continue;
    const name = `${node.package}.${node.name}`;
    const other = node.kind === 'test' ? undefined : names.get(name);
    if (other && (other.version === undefined) !== (node.version === undefined))
      throw new MillraceError('DuplicateNode', {
        what: `'${node.name}' is there with versions and without: ${other.file} and ${node.file}`,
        where: { file: node.file, line: 1 },
        fix: 'Give the versions another name, or make this one a version, too',
      });
    if (node.kind !== 'test') names.set(name, node);
    const key = [relation.database, relation.schema, relation.name]
      .filter((part) => part !== undefined)
      .join('.')
      .toLowerCase();
    const former = taken.get(key);
    if (former)
      throw new MillraceError('DuplicateNode', {
        what: `${former.id} and ${node.id} would both be built as ${key}`,
        where: { file: node.file, line: 1 },
        fix: 'Give one of them another alias or schema',
      });
    taken.set(key, node);
  }
}

function checkModel(node: Node): void {
  const made = materialization(node);
  if (node.access === 'public' && made === 'ephemeral')
    throw invalid(node, 'is ephemeral and public', 'Give it another materialization, or protected access');
  if (hasContract(node)) checkContract(node, made);
  if (made === 'incremental' && node.config.get('incremental_strategy') === 'microbatch')
    checkMicrobatch(node);
  const keys = node.columns.filter(({ constraints = [] }) =>
    constraints.some(({ type }) => type === 'primary_key'),
  );
  if (keys.length > 1)
    throw invalid(
      node,
      `has ${keys.length} columns with a primary key: ${keys.map(({ name }) => name).join(', ')}`,
      'Declare one primary key over several columns under constraints: of the model',
    );
  if (keys.length > 0 && node.constraints?.some(({ type }) => type === 'primary_key'))
    throw invalid(node, 'has a primary key at a column and at the model', 'Keep one of the two');
}

function checkContract(node: Node, made: string): void {
  if (node.columns.length === 0)
    throw invalid(
      node,
      'has an enforced contract and no columns',
      'List its columns with their data_type in a .yml file',
    );
  if (node.language !== 'sql')
    throw invalid(
      node,
      `has an enforced contract and is written in ${node.language}`,
      'Use SQL, or no contract',
    );
  const change = str(node.config.get('on_schema_change') ?? 'ignore');
  if (made === 'incremental' && change !== 'append_new_columns' && change !== 'fail')
    throw invalid(
      node,
      `has an enforced contract and on_schema_change: ${change}`,
      "Set on_schema_change to 'append_new_columns' or 'fail'",
    );
}

const SIZES = ['hour', 'day', 'month', 'year'];

function checkMicrobatch(node: Node): void {
  const { config } = node;
  const need = (key: string, fix: string): Value => {
    const value = config.get(key) ?? null;
    if (value === null) throw invalid(node, `is a microbatch model without '${key}'`, fix);
    return value;
  };
  if (typeof need('event_time', 'Set event_time to the column that says when a row happened') !== 'string')
    throw invalid(node, 'has an event_time that is no text', 'Name a column');
  const begin = str(need('begin', "Set begin to the first instant, e.g. '2024-01-01'"));
  if (Number.isNaN(Date.parse(begin)))
    throw invalid(node, `has the begin '${begin}', which is no date`, "Write it as '2024-01-01'");
  const size = str(need('batch_size', `Set batch_size to one of ${SIZES.join(', ')}`));
  if (!SIZES.includes(size))
    throw invalid(node, `has the batch_size '${size}'`, `Write one of ${SIZES.join(', ')}`);
  const lookback = config.get('lookback') ?? null;
  if (lookback !== null && !Number.isInteger(lookback))
    throw invalid(node, `has the lookback ${str(lookback)}`, 'Write a whole number of batches');
}

function checkSnapshot(node: Node): void {
  const { config } = node;
  const set = (key: string): boolean => {
    const value = config.get(key) ?? null;
    return value !== null && value !== '' && !(Array.isArray(value) && value.length === 0);
  };
  if (!set('strategy') || !set('unique_key'))
    throw invalid(
      node,
      `is a snapshot without a ${set('strategy') ? 'unique_key' : 'strategy'}`,
      'Set strategy (timestamp or check) and unique_key',
    );
  if (config.get('strategy') === 'check' && !set('check_cols'))
    throw invalid(node, 'has the strategy check and no check_cols', "List columns, or write 'all'");
  if (config.get('strategy') === 'timestamp' && !set('updated_at'))
    throw invalid(node, 'has the strategy timestamp and no updated_at', 'Name the column of the last change');
  const columns = config.get('snapshot_meta_column_names') ?? null;
  if (columns !== null && !(columns instanceof Map) && !isRecord(columns))
    throw invalid(node, 'has snapshot_meta_column_names that are no names', 'Write `dbt_valid_from: name`');
}
