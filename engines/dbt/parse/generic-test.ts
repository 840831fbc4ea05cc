import { MillraceError, type Position } from '../../../schemas/errors.js';
import { quoteIdent } from '../../warehouse/port.js';
import type { Environment } from '../context/environment.js';
import { didYouMean } from '../../nearest.js';
import { fromPlain, repr, str, type Dict } from '../jinja/values.js';
import type { Scope } from '../jinja/scope.js';
import type { Node } from '../manifest.js';
import { md5 } from '../project/files.js';
import type { Package } from '../project/package.js';
import { folderConfig, isRecord, mergeConfig } from './config.js';
import { renderDeep, renderNative } from './native.js';
import { readNode } from './read-node.js';

/** keys that configure a test; everything else beside them is an argument of its macro */
const CONFIGS = [
  ...['severity', 'tags', 'enabled', 'where', 'limit', 'warn_if', 'error_if', 'fail_calc', 'store_failures'],
  ...['store_failures_as', 'meta', 'database', 'schema', 'alias'],
];
const LOOKS_LIKE_CALL = /^\s*(env_var|ref|var|source|doc)\s*\(.+\)\s*$/s;
const PLAIN_NAME = /^[\p{L}_][\p{L}\p{N}_$]*$/u;

export interface TestedThing {
  /** what the template calls it: `ref('orders')` or `source('shop', 'orders')` */
  expression: string;
  /** as in the test's name: `orders`, `shop_orders` */
  name: string;
  isSource: boolean;
  /** id of the node, null for a source */
  id: string | null;
}

export interface TestEntry {
  entry: string | Record<string, unknown>;
  column: { name: string; quote?: boolean | null | undefined } | null;
  thing: TestedThing;
  package: Package;
  folders: string[];
  file: string;
  where: Position;
}

/**
 * Makes the node of a generic test, named and identified as dbt does.
 *
 * @returns null when the test is switched off
 * @throws MillraceError DbtProjectInvalid, JinjaError
 */
export function genericTest(environment: Environment, given: TestEntry, scope: Scope): Node | null {
  const { thing, where } = given;
  const { reference, args, config, name: custom, description } = readEntry(given);
  const [first, second] = reference.split('.');
  const [namespace, testName] = second === undefined ? [null, reference] : [first as string, second];
  const kwargs: Record<string, unknown> = { ...args };
  if (given.column) kwargs['column_name'] = columnName(given.column);
  kwargs['model'] = `{{ get_where_subquery(${thing.expression}) }}`;

  const macro = `test_${testName}`;
  const packageName = given.package.name;
  const found =
    namespace === null
      ? environment.macros.find(macro, packageName)
      : environment.macros.in(namespace, macro);
  if (!found)
    throw new MillraceError('JinjaError', {
      what: `There is no generic test '${reference}'`,
      where,
      fix:
        didYouMean(macro, environment.macros.names()).replaceAll("'test_", "'") ||
        `Define it: {% test ${testName}(model, column_name) %} … {% endtest %}`,
    });

  const prefix = [namespace, thing.isSource ? 'source' : null, testName].filter((part) => part !== null);
  const base = [...(namespace === null ? [] : [namespace]), ...prefix.slice(namespace === null ? 0 : 1)].join(
    '_',
  );
  const names = custom === null ? synthesize(base, thing.name, kwargs) : { short: custom, full: custom };
  const metadata = { kwargs, name: testName, namespace };
  const hash = md5(names.full + repr(fromPlain(hashable(metadata)))).slice(-10);

  const fqn = [packageName, ...given.folders, names.full];
  const render = (value: unknown): unknown => renderDeep(value, scope, given.file);
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
    raw: `{{ ${macro}(**_dbt_generic_test_kwargs) }}`,
    config: new Map(),
    description,
    columns: [],
    references: [],
    dependsOn: [],
    relation: null,
    test: {
      generic: { name: testName, namespace },
      kwargs,
      column: given.column?.name ?? null,
      attached: thing.id,
      where,
    },
  };
  for (const owner of configOwners(environment, packageName))
    mergeConfig(node.config, folderConfig({ ...owner.yaml.tests, ...owner.yaml.data_tests }, fqn, render));
  const own: Dict = new Map();
  mergeConfig(own, fromPlain(render(config)) as Dict);
  // the entry's own config counts more than what the macro sets, and a `where` must be known while it renders
  mergeConfig(node.config, own);
  readNode(environment, node, (context) => {
    const rendered = renderKwargs(kwargs, (text) => renderNative(text, context.root(), given.file));
    context.macroIn(namespace ?? '', macro)?.call([], rendered, site(where));
    if (namespace === null) context.macro(macro)?.call([], rendered, site(where));
  });
  const tags = node.config.get('tags');
  mergeConfig(node.config, own);
  if (tags !== undefined) node.config.set('tags', tags);
  return node;
}

/** The project that a node comes from configures it, and after that the root project. */
export const configOwners = ({ packages }: Environment, packageName: string): Package[] =>
  packages.filter(({ name, isRoot }) => name === packageName || isRoot).reverse();

const site = ({ file = '', line = 1, column = 1 }: Position) => ({ file, line, column });

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

interface Entry {
  reference: string;
  args: Record<string, unknown>;
  config: Record<string, unknown>;
  name: string | null;
  description: string;
}

function readEntry({ entry, where }: TestEntry): Entry {
  const wrong = (what: string): MillraceError =>
    new MillraceError('DbtProjectInvalid', {
      what,
      where,
      fix: 'Write `- unique`, or `- accepted_values: {arguments: {values: [1, 2]}}`',
    });
  if (typeof entry === 'string')
    return { reference: entry, args: {}, config: {}, name: null, description: '' };
  let reference: string;
  let args: Record<string, unknown>;
  if (typeof entry['test_name'] === 'string') {
    const { test_name, ...rest } = entry;
    [reference, args] = [test_name, rest];
  } else {
    const [first, ...more] = Object.entries(entry);
    if (!first || more.length > 0)
      throw wrong(`A test has one name; this one has ${more.length + 1}: ${Object.keys(entry).join(', ')}`);
    const [name, value] = first;
    if (value !== null && value !== undefined && !isRecord(value))
      throw wrong(`The arguments of '${name}' must be names and values`);
    [reference, args] = [name, { ...value }];
  }
  const config: Record<string, unknown> = { ...(isRecord(args['config']) ? args['config'] : {}) };
  for (const key of CONFIGS)
    if (key in args) {
      config[key] = args[key];
      delete args[key];
    }
  const name = args['name'] === undefined || args['name'] === null ? null : str(fromPlain(args['name']));
  const description = typeof args['description'] === 'string' ? args['description'] : '';
  const nested = isRecord(args['arguments']) ? args['arguments'] : {};
  for (const key of ['config', 'name', 'description', 'arguments']) delete args[key];
  return { reference, args: { ...args, ...nested }, config, name, description };
}

/** a name that is no plain identifier would not reach the query as that column: it is quoted */
const columnName = ({ name, quote }: { name: string; quote?: boolean | null | undefined }): string =>
  quote === true || (!PLAIN_NAME.test(name) && !/^"(?:[^"]|"")*"$/.test(name)) ? quoteIdent(name) : name;

function synthesize(
  base: string,
  thing: string,
  kwargs: Record<string, unknown>,
): { short: string; full: string } {
  const flat = Object.keys(kwargs)
    .filter((key) => key !== 'model')
    .sort()
    .flatMap((key) => {
      const value = kwargs[key];
      return Array.isArray(value) ? (value as unknown[]) : isRecord(value) ? Object.values(value) : [value];
    })
    .map((value) => str(fromPlain(value)).replace(/[^0-9a-zA-Z_]+/g, '_'));
  const identifier = `${base}_${thing}`;
  const full = `${identifier}_${flat.join('__')}`;
  return { full, short: full.length >= 64 ? `${identifier.slice(0, 30)}_${md5(full)}` : full };
}

/** dbt hashes the arguments as Python prints them, with every scalar as text */
function hashable(data: unknown): unknown {
  if (Array.isArray(data)) return data.map(hashable);
  if (isRecord(data))
    return Object.fromEntries(
      Object.keys(data)
        .sort()
        .map((key) => [key, hashable(data[key])]),
    );
  return str(fromPlain(data));
}
