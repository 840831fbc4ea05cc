import type { CatalogArtifact, CatalogTable } from '../../dbt/artifacts/catalog.js';
import type { ManifestArtifact } from '../../dbt/artifacts/manifest.js';
import type { Use } from '../column-lineage.js';
import type { GraphLineage } from '../graph-lineage.js';

type Plain = Record<string, unknown>;

/** What the page knows of one thing; others are named by their index. */
export interface PageNode {
  id: string;
  name: string;
  kind: string;
  package: string;
  path: string;
  description: string;
  /** view, table …; the type of an exposure */
  how: string;
  relation: string;
  /** facts worth a line each: group, access, owner, url … */
  facts: [name: string, value: string][];
  tags: string[];
  raw: string;
  compiled: string;
  config: Plain;
  parents: number[];
  columns: PageColumn[];
  /** why the lineage of its columns is not complete */
  unknown: string;
  tests: PageTest[];
}

export interface PageColumn {
  name: string;
  type: string;
  description: string;
  tests: string[];
  sources: [node: number, column: string, use: Use][];
  unknown: string;
}

export interface PageTest {
  name: string;
  column: string;
  severity: string;
  sql: string;
}

export interface PageData {
  project: string;
  about: string;
  generated: string;
  version: string;
  nodes: PageNode[];
}

/** Everything the page shows. */
export function pageData(
  manifest: ManifestArtifact,
  catalog: Pick<CatalogArtifact, 'nodes' | 'sources'> | null,
  lineage: GraphLineage,
): PageData {
  const things = thingsOf(manifest);
  const index = new Map(things.map(([id], at) => [id, at]));
  const tests = testsByNode(manifest);
  const { metadata } = manifest;
  return {
    project: text(metadata['project_name']),
    about: text(manifest.docs[`doc.${text(metadata['project_name'])}.__overview__`]?.['block_contents']),
    generated: text(metadata['generated_at']).slice(0, 16).replace('T', ' '),
    version: text(metadata['dbt_version']),
    nodes: things.map(([id, thing]) => {
      const table = catalog?.nodes[id] ?? catalog?.sources[id];
      const found = tests.get(id) ?? [];
      return {
        ...head(id, thing),
        facts: factsOf(thing, manifest.groups),
        parents: strings(plain(thing['depends_on'])['nodes']).flatMap((each) => index.get(each) ?? []),
        columns: columnsOf(id, thing, table, lineage, index, found),
        unknown: lineage.get(id)?.unknown ?? '',
        tests: found,
      };
    }),
  };
}

/** in the order of the list on the page; dbt's own macros are left out */
function thingsOf(manifest: ManifestArtifact): [string, Plain][] {
  const shown = Object.entries(manifest.nodes).filter(([, { resource_type: kind }]) =>
    ['model', 'seed', 'snapshot', 'analysis'].includes(text(kind)),
  );
  const macros = Object.entries(manifest.macros).filter(
    ([, { package_name: owner }]) =>
      !['dbt', `dbt_${text(manifest.metadata['adapter_type'])}`].includes(text(owner)),
  );
  return [
    ...shown,
    ...[manifest.sources, manifest.exposures, manifest.metrics, manifest.semantic_models].flatMap(
      Object.entries,
    ),
    ...[manifest.saved_queries, manifest.groups].flatMap(Object.entries),
    ...macros,
  ] as [string, Plain][];
}

function head(
  id: string,
  thing: Plain,
): Omit<PageNode, 'facts' | 'parents' | 'columns' | 'unknown' | 'tests'> {
  const config = plain(thing['config']);
  const kind = text(thing['resource_type']);
  const { version } = thing;
  const suffix = typeof version === 'string' || typeof version === 'number' ? ` v${version}` : '';
  return {
    ...{ id, kind },
    name:
      kind === 'source'
        ? `${text(thing['source_name'])}.${text(thing['name'])}`
        : text(thing['name']) + suffix,
    package: text(thing['package_name']),
    path: text(thing['original_file_path']),
    description: text(thing['description']) || text(thing['source_description']),
    how: kind === 'source' ? 'source' : text(config['materialized']) || text(thing['type']) || kind,
    relation: text(thing['relation_name']).replaceAll('"', ''),
    tags: strings(thing['tags']),
    raw: text(thing['raw_code']) || text(thing['macro_sql']),
    compiled: text(thing['compiled_code']),
    config: setOnly(config),
  };
}

/** what dbt fills in says nothing, nor what the page shows elsewhere */
const DEFAULTS: Plain = { lookback: 1, on_schema_change: 'ignore', access: 'protected', severity: 'ERROR' };
const ELSEWHERE = new Set(['enabled', 'docs', 'tags', 'group', 'on_configuration_change']);

const setOnly = (config: Plain): Plain =>
  Object.fromEntries(
    Object.entries(config).filter(
      ([key, value]) =>
        value !== null &&
        value !== DEFAULTS[key] &&
        !ELSEWHERE.has(key) &&
        !(key === 'contract' && plain(value)['enforced'] !== true) &&
        !(typeof value === 'object' && Object.values(value).every((each) => each === null)),
    ),
  );

function factsOf(thing: Plain, groups: ManifestArtifact['groups']): [string, string][] {
  const group = Object.values(groups).find(({ name }) => name === thing['group']);
  const owner = plain(thing['owner'] ?? group?.['owner']);
  const email = Array.isArray(owner['email']) ? strings(owner['email']).join(', ') : text(owner['email']);
  const who = [text(owner['name']), email].filter((part) => part !== '').join(', ');
  const access = text(thing['access']);
  const facts: [string, unknown][] = [
    ['Owner', who],
    ['Group', thing['group']],
    ['Access', access === 'protected' ? '' : access],
    ['Maturity', thing['maturity']],
    ['Link', thing['url']],
    ['Loader', thing['loader']],
    ['Loaded at', thing['loaded_at_field']],
    ['Freshness', freshness(thing['freshness'])],
    ['Deprecated on', thing['deprecation_date']],
    ['Contract', plain(thing['contract'])['enforced'] === true ? 'enforced' : ''],
    ['Key', strings(thing['primary_key']).join(', ')],
    ['Label', thing['label']],
  ];
  return facts.flatMap(([name, value]): [string, string][] =>
    text(value) === '' ? [] : [[name, text(value)]],
  );
}

function freshness(value: unknown): string {
  const limit = (name: string): string => {
    const { count, period } = plain(plain(value)[`${name}_after`]);
    return typeof count === 'number' ? `${name} after ${count} ${text(period)}${count === 1 ? '' : 's'}` : '';
  };
  return ['warn', 'error']
    .map(limit)
    .filter((each) => each !== '')
    .join(', ');
}

function columnsOf(
  id: string,
  thing: Plain,
  table: CatalogTable | undefined,
  lineage: GraphLineage,
  index: ReadonlyMap<string, number>,
  tests: PageTest[],
): PageColumn[] {
  const described = Object.values(plain(thing['columns'])).map(plain);
  const known = new Map<string, PageColumn>();
  const column = (name: string): PageColumn => {
    const key = name.toLowerCase();
    let found = known.get(key);
    if (!found)
      known.set(key, (found = { name, type: '', description: '', tests: [], sources: [], unknown: '' }));
    return found;
  };
  for (const each of Object.values(table?.columns ?? {})) column(each.name).type = each.type;
  const traced = lineage.get(id);
  for (const each of traced?.columns ?? []) {
    const into = column(each.name);
    into.unknown = each.unknown ?? '';
    into.sources = each.sources.flatMap((source): PageColumn['sources'] => {
      const at = index.get(source.relation);
      return at === undefined ? [] : [[at, source.column, source.use]];
    });
  }
  for (const each of described) {
    const into = column(text(each['name']));
    into.description = text(each['description']);
    if (into.type === '') into.type = text(each['data_type']);
  }
  for (const test of tests)
    if (test.column !== '') column(test.column).tests.push(shortName(test.name, thing, test));
  return [...known.values()];
}

/** `not_null_orders_order_id` -> `not_null` */
const shortName = (name: string, thing: Plain, { column }: PageTest): string => {
  const at = name.indexOf(`_${text(thing['name'])}_${column}`);
  return at > 0 ? name.slice(0, at) : name;
};

function testsByNode(manifest: ManifestArtifact): Map<string, PageTest[]> {
  const found = new Map<string, PageTest[]>();
  const add = (id: string, test: PageTest): void => {
    const list = found.get(id);
    if (list) list.push(test);
    else found.set(id, [test]);
  };
  for (const node of Object.values(manifest.nodes)) {
    if (node['resource_type'] !== 'test') continue;
    const test: PageTest = {
      name: text(node['name']),
      column: text(node['column_name']),
      severity: text(plain(node['config'])['severity']).toLowerCase(),
      sql: text(node['compiled_code']) || text(node['raw_code']),
    };
    const attached = text(node['attached_node']);
    const parents = strings(plain(node['depends_on'])['nodes']);
    for (const id of attached === '' ? parents : [attached])
      add(id, { ...test, column: attached === '' ? '' : test.column });
  }
  for (const unit of Object.values(manifest.unit_tests))
    for (const id of strings(plain(unit['depends_on'])['nodes']).slice(0, 1))
      add(id, {
        name: text(unit['name']),
        column: '',
        severity: 'unit test',
        sql: JSON.stringify({ given: unit['given'], expect: unit['expect'] }, null, 2),
      });
  return found;
}

const plain = (value: unknown): Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Plain) : {};
const strings = (value: unknown): string[] =>
  Array.isArray(value) ? (value as unknown[]).filter((each) => typeof each === 'string') : [];
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
