import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { quoteRelation, type RelationName } from '../../warehouse/port.js';
import type { Environment } from '../context/environment.js';
import { fromPlain, str, type Dict, type Value } from '../jinja/values.js';
import { hasContract, materialization, type Node, type Reference, type Resource } from '../manifest.js';
import { columnDicts, constraintDict, contractChecksum } from './column-dict.js';
import { configDict, HOOKS } from './config-dict.js';

/**
 * A node as dbt writes it into its manifest: `graph.nodes[...]` in templates, and what naming macros are given.
 *
 * It is a fresh dict at every call, which its caller may change.
 */
export function nodeDict(node: Node, environment: Environment): Dict {
  const config = configDict(node);
  const { database, schema, alias } = namesOf(node, environment);
  const made: Dict = new Map<Value, Value>([
    ['database', database],
    ['schema', schema],
    ...identity(node, environment),
    ['fqn', [...node.fqn]],
    ['alias', alias],
    ['checksum', checksum(node)],
    ['config', config],
    ['tags', config.get('tags') ?? []],
    ['description', node.description],
    ['columns', columnDicts(node.columns)],
    ['meta', config.get('meta') ?? new Map()],
    ['group', node.group ?? config.get('group') ?? null],
    ['docs', config.get('docs') ?? fromPlain({ show: true, node_color: null })],
    ['patch_path', node.patch ?? null],
    ['build_path', null],
    ['unrendered_config', unrendered(node)],
    ['created_at', createdAt(environment)],
    ['relation_name', relationName(node, environment)],
    ['raw_code', node.raw],
    ['doc_blocks', [...(node.docBlocks ?? [])]],
  ]);
  const more = node.kind === 'seed' ? ofSeed(node, environment) : ofCompiled(node, config);
  for (const [key, value] of more) made.set(key, value);
  return made;
}

/** while a project is read a node may not have its names yet */
function namesOf(node: Node, { target }: Environment): NonNullable<Node['names']> {
  const { database, schema } = target;
  const alias = node.config.get('alias');
  return node.names ?? { database, schema, alias: typeof alias === 'string' ? alias : node.name };
}

/** What `model` is in templates: dbt leaves out what is None there, at every level of its own fields. */
export function modelDict(node: Node, environment: Environment): Dict {
  const made = withoutNone(nodeDict(node, environment));
  for (const key of ['config', 'contract', 'docs', 'checksum']) {
    const inner = made.get(key);
    if (inner instanceof Map) made.set(key, withoutNone(inner));
  }
  const columns = made.get('columns');
  if (columns instanceof Map)
    for (const [name, column] of columns) if (column instanceof Map) columns.set(name, withoutNone(column));
  return made;
}

const withoutNone = (dict: Dict): Dict => new Map([...dict].filter(([, value]) => value !== null));

/** What every kind of resource begins with. */
export function identity(
  {
    id,
    kind,
    name,
    package: owner,
    path,
    file,
  }: Pick<Resource, 'id' | 'name' | 'package' | 'path' | 'file'> & { kind: string },
  environment: Environment,
): [Value, Value][] {
  return [
    ['name', name],
    ['resource_type', kind],
    ['package_name', owner],
    ['path', path],
    ['original_file_path', withoutPackage(file, owner, environment)],
    ['unique_id', id],
  ];
}

/** dbt's paths begin at the package, ours at the root project */
export function withoutPackage(file: string, owner: string, { packages }: Environment): string {
  const prefix = packages.find(({ name }) => name === owner)?.prefix ?? '';
  return file.startsWith(prefix) ? file.slice(prefix.length) : file;
}

/** seconds since 1970, the same at every retry of a run */
export const createdAt = (environment: Environment): number => Date.parse(environment.run.startedAt) / 1000;

export function relationText(name: RelationName, environment: Environment): string {
  return quoteRelation({ ...name, database: name.database ?? environment.target.database });
}

function relationName(node: Node, environment: Environment): string | null {
  if (!node.relation || node.kind === 'analysis' || node.kind === 'operation') return null;
  if (node.kind === 'model' && materialization(node) === 'ephemeral') return null;
  return relationText(node.relation, environment);
}

/** configs as they were written, before rendering: what `state:modified` compares */
export const unrendered = ({ unrendered: given }: { unrendered?: Dict }): Dict =>
  new Map([...(given ?? [])].map(([key, value]) => [HOOKS[str(key)] ?? key, value]));

const sha256 = (data: string): string => createHash('sha256').update(data).digest('hex');
/** dbt reads no seed larger than this only to hash it */
const MAX_SEED = 1024 * 1024;

function checksum(node: Node): Value {
  if (node.test?.generic) return fromPlain({ name: 'none', checksum: '' });
  if (node.absolute === undefined) return fromPlain({ name: 'sha256', checksum: sha256(node.raw.trim()) });
  if (statSync(node.absolute).size >= MAX_SEED) return fromPlain({ name: 'path', checksum: node.file });
  return fromPlain({ name: 'sha256', checksum: sha256(readFileSync(node.absolute, 'utf8').trim()) });
}

const ofSeed = (node: Node, { packages }: Environment): [Value, Value][] => [
  ['root_path', packages.find(({ name }) => name === node.package)?.dir ?? null],
  ['depends_on', fromPlain({ macros: node.macros ?? [] })],
];

function ofCompiled(node: Node, config: Dict): [Value, Value][] {
  const { references, dependsOn, macros = [] } = node;
  return [
    ['language', node.language],
    ...referenceDicts(references),
    ['depends_on', fromPlain({ macros: [...new Set([...macros, ...whereMacro(node)])], nodes: dependsOn })],
    ['compiled_path', null],
    ['contract', contract(node, config)],
    ...(node.kind === 'model' ? ofModel(node) : []),
    ...(node.kind === 'operation' ? ([['index', node.hook?.index ?? null]] as [Value, Value][]) : []),
    ...(node.test?.generic ? ofGenericTest(node.test, node.test.generic) : []),
  ];
}

/** a generic test's `model` argument calls this one */
const whereMacro = ({ test }: Node): string[] => (test?.generic ? ['macro.dbt.get_where_subquery'] : []);

function contract(node: Node, config: Dict): Dict {
  const given = config.get('contract');
  const made: Dict = new Map<Value, Value>([
    ['enforced', false],
    ['alias_types', true],
    ...(given instanceof Map ? given : []),
  ]);
  const enforced = ['table', 'incremental'].includes(materialization(node));
  made.set(
    'checksum',
    hasContract(node)
      ? contractChecksum(
          node.columns,
          enforced ? { materialized: materialization(node), constraints: node.constraints ?? [] } : null,
        )
      : null,
  );
  return made;
}

/** a date alone is its first moment in UTC */
const withTime = (date: string): string => (/^\d{4}-\d\d-\d\d$/.test(date) ? `${date}T00:00:00+00:00` : date);

const ofModel = (node: Node): [Value, Value][] => [
  ['access', node.access ?? (node.config.get('access') as string | undefined) ?? 'protected'],
  ['constraints', (node.constraints ?? []).map((constraint) => constraintDict(constraint, 'model'))],
  ['version', node.version?.version ?? null],
  ['latest_version', node.version?.latest ?? null],
  ['deprecation_date', node.deprecation ? withTime(node.deprecation) : null],
  ['primary_key', []],
  ['time_spine', fromPlain(node.timeSpine ? { custom_granularities: [], ...node.timeSpine } : null)],
];

/** `models.orders`: the entry of a property file that a test was written in */
function describedIn(id: string): string {
  const [kind = '', , name = ''] = id.split('.');
  return `${kind}s.${name}`;
}

const ofGenericTest = (
  { kwargs, column, attached }: NonNullable<Node['test']>,
  { name, namespace }: { name: string; namespace: string | null },
): [Value, Value][] => [
  ['column_name', column],
  ['file_key_name', attached === null ? null : describedIn(attached)],
  ['attached_node', attached],
  ['test_metadata', fromPlain({ name, kwargs, namespace })],
];

/** `refs`, `sources` and `metrics` of a resource */
export function referenceDicts(
  references: readonly Reference[],
  metrics: readonly string[][] = [],
): [Value, Value][] {
  const refs = references.flatMap(({ kind, path, version = null }) =>
    kind === 'ref'
      ? [{ name: path.at(-1), package: path.length > 1 ? path[0] : null, version: numeric(version) }]
      : [],
  );
  const sources = references.flatMap(({ kind, path }) => (kind === 'source' ? [path] : []));
  return [
    ['refs', fromPlain(refs)],
    ['sources', fromPlain(sources)],
    ['metrics', fromPlain(metrics)],
  ];
}

const numeric = (version: string | null): string | number | null =>
  version !== null && /^-?\d+(\.\d+)?$/.test(version) ? Number(version) : version;
