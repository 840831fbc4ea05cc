import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { str } from '../jinja/values.js';
import type { Node, Resource, ResourceKind, SourceTable } from '../manifest.js';
import { asList } from '../parse/config.js';
import type { Package } from '../project/package.js';
import { stateMatcher, resultMatcher, sourceStatusMatcher } from '../state/matchers.js';
import { matchesConfig } from './config-values.js';
import { fnmatch, isPattern } from './fnmatch.js';
import { pathMatcher } from './path-pattern.js';
import type { Searched } from './searched.js';
import { invalid, type Criterion, type Method } from './spec.js';

type Matcher = (resource: Resource) => boolean;
type MakeMatcher = (value: string, searched: Searched, criterion: Criterion) => Matcher;

const isVersioned = (resource: Resource): resource is Node =>
  resource.kind === 'model' && (resource as Node).version !== undefined;

/** its file as its own project sees it */
export function originalFile({ file, package: owner }: Resource, packages: readonly Package[]): string {
  const prefix = packages.find(({ name }) => name === owner)?.prefix ?? '';
  return file.startsWith(prefix) ? file.slice(prefix.length) : file;
}

function matchesFqn(fqn: readonly string[], value: string, versioned: boolean): boolean {
  const wanted = value.split('.');
  if (versioned) {
    if (fqn.at(-2) === value || fqn.slice(-2).join('_') === wanted.slice(-2).join('_')) return true;
  } else if (fqn.at(-1) === value) return true;
  const parts = fqn.flatMap((part) => part.split('.'));
  if (parts.length < wanted.length) return false;
  for (const [index, part] of wanted.entries()) {
    if (isPattern(part)) return fnmatch(parts.slice(index).join('.'), wanted.slice(index).join('.'));
    if (parts[index] !== part) return false;
  }
  return true;
}

const tagsOf = (resource: Resource): string[] => asList(resource.config.get('tags')).map(str);

/** `name` or `package.name` */
const named =
  (kind: ResourceKind, words: string): MakeMatcher =>
  (value, _searched, { raw }) => {
    const parts = value.split('.');
    if (parts.length > 2) throw invalid(raw, `a ${words} is named by 'name' or 'package.name'`, 'Shorten it');
    const [owner, name] = parts.length === 2 ? parts : ['*', ...parts];
    return (each) =>
      each.kind === kind && fnmatch(each.package, owner ?? '*') && fnmatch(each.name, name ?? '');
  };

const source: MakeMatcher = (value, _searched, { raw }) => {
  const parts = value.split('.');
  if (parts.length > 3)
    throw invalid(
      raw,
      "a source is named by 'source', 'source.table' or 'package.source.table'",
      'Shorten it',
    );
  const [owner = '*', from = '*', table = '*'] = parts.length === 3 ? parts : ['*', ...parts];
  return (each) =>
    each.kind === 'source' &&
    fnmatch(each.package, owner) &&
    fnmatch((each as SourceTable).source, from) &&
    fnmatch(each.name, table);
};

const resourceType: MakeMatcher = (value, _searched, { raw }) => {
  const kinds: ResourceKind[] = [
    ...(['model', 'seed', 'snapshot', 'test', 'unit_test', 'analysis', 'operation'] as const),
    ...(['source', 'exposure', 'metric', 'semantic_model', 'saved_query'] as const),
  ];
  const kind = kinds.find((each) => each === value);
  if (kind === undefined)
    throw invalid(raw, `there is no resource type '${value}'`, `Resource types are: ${kinds.join(', ')}`);
  return (each) => each.kind === kind;
};

const testType: MakeMatcher = (value, _searched, { raw }) => {
  const isGeneric = (each: Resource): boolean => ((each as Node).test?.generic ?? null) !== null;
  switch (value) {
    case 'generic':
    case 'schema':
      return (each) => each.kind === 'test' && isGeneric(each);
    case 'singular':
      return (each) => each.kind === 'test' && !isGeneric(each);
    case 'data':
      return (each) => each.kind === 'test';
    case 'unit':
      return (each) => each.kind === 'unit_test';
    default:
      throw invalid(raw, `there is no test type '${value}'`, 'Test types are: generic, singular, data, unit');
  }
};

const version: MakeMatcher = (value, _searched, { raw }) => {
  const compared =
    (sign: number): Matcher =>
    (each) =>
      isVersioned(each) && Math.sign(beyondLatest(each)) === sign;
  switch (value) {
    case 'latest':
      return compared(0);
    case 'prerelease':
      return compared(1);
    case 'old':
      return compared(-1);
    case 'none':
      return (each) => each.kind === 'model' && !isVersioned(each);
    default:
      throw invalid(raw, `there is no kind of version '${value}'`, 'Say latest, prerelease, old or none');
  }
};

/** above 0 for a version after the latest one; numbers compare as numbers, the rest as text */
function beyondLatest({ version: own }: Node): number {
  if (!own || String(own.version) === String(own.latest)) return 0;
  const [a, b] = [Number(own.version), Number(own.latest)];
  if (!Number.isNaN(a) && !Number.isNaN(b)) return a - b;
  return String(own.version) > String(own.latest) ? 1 : -1;
}

const path: MakeMatcher = (value, { packages }) => {
  const matches = pathMatcher(value);
  const root = packages.find(({ isRoot }) => isRoot);
  // the pattern is looked up in the root project, so files of packages count when the root has the same path
  const exists = (each: string): boolean => root !== undefined && existsSync(join(root.dir, each));
  return (resource) => {
    const file = originalFile(resource, packages);
    const patch = (resource as Partial<Node>).patch?.split('://')[1];
    const own = resource.package === root?.name;
    const folders = file.split('/').map((_, index, parts) => parts.slice(0, parts.length - index).join('/'));
    const candidates = [...folders, ...(patch === undefined ? [] : [patch])];
    return candidates.some((each) => matches(each) && (own || exists(each)));
  };
};

const file: MakeMatcher =
  (value, { packages }) =>
  (resource) => {
    const name = originalFile(resource, packages).split('/').at(-1) ?? '';
    return fnmatch(name, value) || fnmatch(name.replace(/(?<=.)\.[^.]+$/, ''), value);
  };

const MATCHERS: Record<Method, MakeMatcher> = {
  fqn: (value) => (each) =>
    each.kind !== 'source' &&
    (matchesFqn(each.fqn, value, isVersioned(each)) ||
      matchesFqn(each.fqn.slice(1), value, isVersioned(each))),
  tag: (value) => (each) => each.kind !== 'semantic_model' && tagsOf(each).some((tag) => fnmatch(tag, value)),
  group: (value) => (each) => {
    if (['source', 'unit_test', 'exposure', 'semantic_model', 'saved_query'].includes(each.kind))
      return false;
    const group = each.config.get('group');
    return typeof group === 'string' && group !== '' && fnmatch(group, value);
  },
  access: (value) => (each) => each.kind === 'model' && ((each as Node).access ?? 'protected') === value,
  source,
  path,
  file,
  package:
    (value, { manifest }) =>
    (each) =>
      fnmatch(each.package, value === 'this' ? manifest.project : value),
  config: (_value, _searched, { arguments: keys, value }) => matchesConfig(keys, value),
  test_name: (value) => (each) => {
    const name = each.kind === 'unit_test' ? each.name : (each as Node).test?.generic?.name;
    return name !== undefined && fnmatch(name, value);
  },
  test_type: testType,
  resource_type: resourceType,
  state: stateMatcher,
  exposure: named('exposure', 'exposure'),
  metric: named('metric', 'metric'),
  result: resultMatcher,
  source_status: sourceStatusMatcher,
  version,
  semantic_model: named('semantic_model', 'semantic model'),
  saved_query: named('saved_query', 'saved query'),
  unit_test: named('unit_test', 'unit test'),
};

/**
 * What a term itself selects, without its relatives.
 *
 * @throws MillraceError SelectionInvalid for a value that its method does not know, or state that is not there
 */
export const matcherOf = (criterion: Criterion, searched: Searched): Matcher =>
  MATCHERS[criterion.method](String(criterion.value), searched, criterion);
