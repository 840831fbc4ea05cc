import { MillraceError, type Position } from '../../../schemas/errors.js';
import { quoteIdent } from '../../warehouse/port.js';
import { didYouMean } from '../../nearest.js';
import { fromPlain, type Dict, type Value } from '../jinja/values.js';
import type { Scope } from '../jinja/scope.js';
import { BUILT_IN } from '../macros.js';
import type { Node, Reference } from '../manifest.js';
import type { Package } from '../project/package.js';
import { collectConfig, isRecord, mergeConfig } from './config.js';
import { hasJinja, renderDeep, renderNative } from './native.js';
import type { Parsing } from './parsing.js';
import { readNode, type Reading } from './read-node.js';
import { readEntry, synthesize, testHash } from './test-entry.js';
import { finishTest } from './test-config.js';

const LOOKS_LIKE_CALL = /^\s*(env_var|ref|var|source|doc)\s*\(.+\)\s*$/s;
const PLAIN_NAME = /^[\p{L}_][\p{L}\p{N}_$]*$/u;

export interface TestedThing {
  /** what the template calls it: `ref('orders')` or `source('shop', 'orders')` */
  expression: string;
  /** the same, read */
  reference: Omit<Reference, 'where'>;
  /** as in the test's name: `orders`, `shop_orders` */
  name: string;
  isSource: boolean;
  /** id of the node, null for a source */
  id: string | null;
  group: string | null;
}

export interface TestEntry {
  entry: string | Record<string, unknown>;
  column: { name: string; quote: boolean | null | undefined; tags: string[] } | null;
  /** of the thing, beside those of the column */
  tags: string[];
  thing: TestedThing;
  package: Package;
  folders: string[];
  file: string;
  /** of the entry; looked up only when somebody asks */
  where: () => Position;
}

/**
 * Makes the node of a generic test, named and identified as dbt does.
 *
 * @throws MillraceError DbtProjectInvalid, JinjaError
 */
export function genericTest(parsing: Parsing, given: TestEntry, scope: Scope): Node {
  const { environment, layers } = parsing;
  const { thing, where } = given;
  const packageName = given.package.name;
  const { reference, args, config, name: custom, description } = readEntry(given.entry, where);
  const [first, second] = reference.split('.');
  const [namespace, testName] = second === undefined ? [null, reference] : [first as string, second];
  const kwargs: Record<string, unknown> = { ...args };
  if (given.column) kwargs['column_name'] = columnName(given.column);
  kwargs['model'] = `{{ get_where_subquery(${thing.expression}) }}`;
  const owner = ownerOf(parsing, packageName, namespace, `test_${testName}`, where);

  const base = [namespace, thing.isSource ? 'source' : null, testName].filter((part) => part !== null);
  const names =
    custom === null ? synthesize(base.join('_'), thing.name, kwargs) : { short: custom, full: custom };
  const hash = testHash(names.full, { kwargs, name: testName, namespace });
  const fqn = [packageName, ...given.folders, names.full];

  const own: Dict = new Map();
  if (names.short !== names.full) own.set('alias', names.short);
  collectConfig(own, fromPlain(renderDeep(config, scope, given.file)) as Dict);
  // what the macro sets counts less than the entry's own config; its `where` must be known while it renders
  const node: Node = {
    id: `test.${packageName}.${names.full}.${hash}`,
    kind: 'test',
    name: names.full,
    package: packageName,
    file: given.file,
    path: `${names.short}.sql`,
    fqn,
    language: 'sql',
    template: null,
    raw: `{{ ${namespace === null ? '' : `${namespace}.`}test_${testName}(**_dbt_generic_test_kwargs) }}`,
    config: layers.build('test', fqn, packageName, { call: own }),
    description,
    columns: [],
    references: [],
    dependsOn: [],
    relation: null,
    test: {
      generic: { name: testName, namespace },
      kwargs,
      column: given.column ? columnName(given.column) : null,
      attached: thing.id,
      get where() {
        return where();
      },
    },
    group: thing.group,
  };
  const macro = `test_${testName}`;
  const reading =
    readStatically(owner, testName, kwargs, given) ??
    readNode(environment, node, (context) => {
      const rendered = renderKwargs(kwargs, (text) => renderNative(text, context.root(), given.file));
      const found = namespace === null ? context.macro(macro) : context.macroIn(namespace, macro);
      const { file = given.file, line = 1, column = 1 } = where();
      found?.call([], rendered, { file, line, column });
    });
  const call: Dict = new Map();
  for (const layer of [own, reading.config, own]) collectConfig(call, layer);
  const tags: [Value, Value][] = [['tags', [...given.tags, ...(given.column?.tags ?? [])].sort()]];
  node.config = layers.build('test', fqn, packageName, { call });
  mergeConfig(node.config, tags);
  node.unrendered = layers.unrendered('test', fqn, packageName, { call });
  node.references = reading.references;
  node.macros = [...new Set([`macro.${owner}.${macro}`, ...reading.macros])];
  finishTest(parsing, node);
  return node;
}

/** The package whose macro a test runs. */
function ownerOf(
  { environment }: Parsing,
  packageName: string,
  namespace: string | null,
  macro: string,
  where: () => Position,
): string {
  const { macros } = environment;
  const packages = namespace === null ? [packageName, macros.root, BUILT_IN] : [namespace];
  const owner = packages.find((each) => macros.in(each, macro));
  if (owner !== undefined) return owner;
  const name = macro.slice('test_'.length);
  throw new MillraceError('JinjaError', {
    what: `There is no generic test '${namespace === null ? '' : `${namespace}.`}${name}'`,
    where: where(),
    fix:
      didYouMean(macro, macros.names()).replaceAll("'test_", "'") ||
      `Define it: {% test ${name}(model, column_name) %} … {% endtest %}`,
  });
}

const READ_STATICALLY = new Set(['not_null', 'unique', 'accepted_values']);

/** dbt's own small tests need no rendering: all they refer to is what they test. */
function readStatically(
  owner: string,
  name: string,
  kwargs: Record<string, unknown>,
  { thing, where }: TestEntry,
): Reading | null {
  if (owner !== BUILT_IN || !READ_STATICALLY.has(name)) return null;
  const text = JSON.stringify({ ...kwargs, model: null });
  if (hasJinja(text) || text.includes('(')) return null;
  const macros = [`macro.dbt.test_${name}`];
  if (name === 'accepted_values') macros.push('macro.dbt.get_where_subquery');
  const { kind, path, version } = thing.reference;
  const reference: Reference = {
    ...{ kind, path, ...(version !== undefined && { version }) },
    get where() {
      return where();
    },
  };
  return { references: [reference], config: new Map(), macros };
}

/** Renders a test's arguments; `to: ref('x')` needs no braces. */
export function renderKwargs(
  kwargs: Record<string, unknown>,
  native: (text: string) => ReturnType<typeof fromPlain>,
): Record<string, ReturnType<typeof fromPlain>> {
  const render = (value: unknown, top: string | null): ReturnType<typeof fromPlain> => {
    if (typeof value === 'string')
      return top === 'column_name' ? value : native(LOOKS_LIKE_CALL.test(value) ? `{{ ${value} }}` : value);
    if (Array.isArray(value)) return value.map((item) => render(item, null));
    if (isRecord(value))
      return new Map(Object.entries(value).map(([key, item]) => [key, render(item, null)]));
    return fromPlain(value);
  };
  return Object.fromEntries(Object.entries(kwargs).map(([key, value]) => [key, render(value, key)]));
}

/** a name that is no plain identifier would not reach the query as that column: it is quoted */
const columnName = ({ name, quote }: { name: string; quote?: boolean | null | undefined }): string =>
  quote === true || (!PLAIN_NAME.test(name) && !/^"(?:[^"]|"")*"$/.test(name)) ? quoteIdent(name) : name;
