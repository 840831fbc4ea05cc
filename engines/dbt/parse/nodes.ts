import { MillraceError } from '../../../schemas/errors.js';
import { renderParts } from '../jinja/render.js';
import { fromPlain, str, type Dict, type Value } from '../jinja/values.js';
import { hasJinja } from './native.js';
import type { Node, Reference } from '../manifest.js';
import { asList, collectConfig } from './config.js';
import { columnProperties, toConstraint, versionColumns } from './columns.js';
import { readNode, type Reading } from './read-node.js';
import type { Properties } from './properties.js';
import type { NodeProperties } from './property-schemas.js';
import type { Parsing } from './parsing.js';
import { readStatically } from './static-reading.js';
import { requiredReference } from './static-call.js';
import { templateOf } from './templates.js';
import type { Described } from './versions.js';

type Entry = Properties<NodeProperties>;

/** What a node is before anything is known about its settings. */
export type Draft = Pick<
  Node,
  'kind' | 'name' | 'package' | 'file' | 'path' | 'fqn' | 'language' | 'raw' | 'template'
> &
  Partial<Pick<Node, 'id' | 'absolute' | 'test' | 'hook'>> & {
    /** what its template says, when that is not the template itself */
    render?: (node: Node) => Reading;
  };

/**
 * Makes a node: reads its template, and lays its settings together in dbt's order.
 *
 * @throws MillraceError JinjaError, DbtProjectInvalid
 */
export function makeNode(parsing: Parsing, draft: Draft, described: Described | undefined): Node {
  const { layers } = parsing;
  const { render, ...given } = draft;
  const entry = described?.entry;
  const node: Node = {
    id: `${draft.kind}.${draft.package}.${draft.name}`,
    ...given,
    config: new Map(),
    description: '',
    columns: [],
    references: [],
    dependsOn: [],
    relation: null,
  };
  const patch = described ? patchConfig(described) : new Map<Value, Value>();
  if (node.language === 'python' && !patch.has('materialized')) patch.set('materialized', 'table');
  node.config = layers.build(node.kind, node.fqn, node.package, { patch });
  const reading = render ? render(node) : readTemplate(parsing, node);
  const call = reading.config;
  node.config = layers.build(node.kind, node.fqn, node.package, { patch, call });
  node.unrendered = layers.unrendered(node.kind, node.fqn, node.package, { patch, call });
  node.references = [...reading.references];
  node.macros = reading.macros;
  if (described && entry) describe(node, described, entry);
  if (node.kind === 'model') {
    node.access = accessOf(node);
    node.references.push(...foreignKeys(node));
  }
  node.group ??= textOf(node.config.get('group'));
  if (node.kind !== 'test') readHooks(parsing, node);
  if (node.kind === 'seed') node.references = [];
  parsing.namer.name(node);
  if (['model', 'seed', 'snapshot'].includes(node.kind)) node.relation = relationName(parsing, node);
  return node;
}

/** what a project may have its own version of: then nothing can be told without rendering */
const STATIC = ['ref', 'source', 'config'];

function readTemplate({ environment }: Parsing, node: Node): Reading {
  const { template } = node;
  if (!template) return { references: [], config: new Map(), macros: [] };
  const { macros } = environment;
  const isPlain = !STATIC.some((name) => macros.find(name, node.package));
  const reading = isPlain ? readStatically(template) : null;
  return reading ?? readNode(environment, node, (context) => renderParts(template, context.root()));
}

/** Hooks may refer to nodes, too. */
function readHooks({ environment }: Parsing, node: Node): void {
  for (const key of ['pre_hook', 'post_hook'])
    for (const hook of asList(node.config.get(key))) {
      const sql = hook instanceof Map ? str(hook.get('sql') ?? '') : '';
      if (!hasJinja(sql)) continue;
      const template = templateOf(sql, node.file);
      const { references, macros } = readNode(environment, node, (context) =>
        renderParts(template, context.root()),
      );
      node.references.push(...references);
      node.macros = [...new Set([...(node.macros ?? []), ...macros])];
    }
}

/** Where a node is read; its database is only named when it is not the warehouse's own. */
export function relationName({ environment }: Parsing, node: Node): Node['relation'] {
  const { database = '', schema = '', alias = '' } = node.names ?? {};
  return { ...(database !== environment.target.database && { database }), schema, name: alias };
}

/** keys that may stand beside `config:` as well as in it */
const BESIDE = ['meta', 'docs', 'group', 'contract', 'access'] as const;

function patchConfig({ entry, version }: Described): Dict {
  const { value, yaml, path } = entry;
  const config: Record<string, unknown> = { ...value.config };
  for (const key of BESIDE) {
    const beside = value[key];
    if (beside === undefined || beside === null) continue;
    if (key in config)
      throw new MillraceError('DbtProjectInvalid', {
        what: `'${value.name}' has ${key} twice: in its config, and beside it`,
        where: yaml.at([...path, key]),
        fix: `Keep the ${key} under config: only`,
      });
    config[key] = beside;
  }
  const patch: Dict = new Map();
  collectConfig(patch, fromPlain(config) as Dict);
  if (!version) return patch;
  for (const [key, item] of fromPlain(version.config) as Dict) {
    const former = patch.get(key);
    patch.set(key, former instanceof Map && item instanceof Map ? new Map([...former, ...item]) : item);
  }
  return patch;
}

function describe(node: Node, { version, latest }: Described, entry: Entry): void {
  const { value, yaml } = entry;
  node.description = version?.description ?? value.description ?? '';
  node.columns = columnProperties(version ? versionColumns(value, version) : value.columns);
  node.patch = `${entry.package.name}://${yaml.file.slice(entry.package.prefix.length)}`;
  if (node.kind !== 'model') return;
  node.constraints = (version?.constraints ?? value.constraints).map(toConstraint);
  node.deprecation = version?.deprecation_date ?? value.deprecation_date ?? null;
  if (value.time_spine) node.timeSpine = value.time_spine;
  if (version && latest !== undefined) node.version = { version: version.v, latest };
}

const textOf = (value: Value | undefined): string | null =>
  value === undefined || value === null ? null : str(value);

function accessOf(node: Node): NonNullable<Node['access']> {
  const access = textOf(node.config.get('access')) ?? 'protected';
  if (access === 'private' || access === 'protected' || access === 'public') return access;
  throw new MillraceError('DbtProjectInvalid', {
    what: `${node.id} has the access '${access}'`,
    where: { file: node.file, line: 1 },
    fix: 'Write private, protected or public',
  });
}

/** a foreign key reads the other model, so it is built after it */
const foreignKeys = (node: Node): Reference[] =>
  [...node.columns.flatMap(({ constraints = [] }) => constraints), ...(node.constraints ?? [])].flatMap(
    ({ type, to }) =>
      type === 'foreign_key' && to
        ? [requiredReference(to, `A foreign key of ${node.id}`, { file: node.file, line: 1 })]
        : [],
  );
