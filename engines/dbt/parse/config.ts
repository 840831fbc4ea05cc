import { JinjaFault } from '../jinja/fault.js';
import { fromPlain, iterate, repr, str, type Dict, type Value } from '../jinja/values.js';

const HOOKS = new Set(['pre_hook', 'post_hook']);
/** collected from every level */
const APPENDED = new Set(['tags', 'packages', ...HOOKS]);
/** dicts whose keys are merged */
const UPDATED = new Set([
  'meta',
  'quoting',
  'column_types',
  'docs',
  'contract',
  'snapshot_meta_column_names',
]);

/**
 * Lays one level of configuration over another: tags and hooks collect, `meta` and its like merge, grants do as their
 * `+` says, everything else is replaced by the nearer one.
 *
 * @throws JinjaFault for what must be a dict and is none
 */
export function mergeConfig(into: Dict, add: Iterable<[Value, Value]>): void {
  merge(into, add, mergeGrants);
}

/** Puts together what is still to be laid over something: the `+` of grants keeps its meaning for then. */
export function collectConfig(into: Dict, add: Iterable<[Value, Value]>): void {
  merge(into, add, (former, given) => new Map([...former, ...given]));
}

function merge(into: Dict, add: Iterable<[Value, Value]>, grants: (former: Dict, given: Dict) => Dict): void {
  for (const [key, value] of add) {
    const name = configName(str(key));
    const former = into.get(name);
    if (APPENDED.has(name)) {
      const all = [...asList(former), ...asList(value)];
      into.set(name, name === 'tags' ? [...new Set(all)] : all);
    } else if (UPDATED.has(name))
      into.set(name, new Map([...asDict(name, former ?? null), ...asDict(name, value)]));
    else if (name === 'grants') into.set(name, grants(asDict(name, former ?? null), asDict(name, value)));
    else into.set(name, value);
  }
}

/** `pre-hook` is `pre_hook`; other names are what they are */
export const configName = (name: string): string =>
  name === 'pre-hook' ? 'pre_hook' : name === 'post-hook' ? 'post_hook' : name.trim();

function asDict(name: string, value: Value): Dict {
  if (value instanceof Map) return value;
  if (value === null) return new Map();
  throw new JinjaFault(`The config '${name}' is a dict of names and values, not ${repr(value)}`);
}

/** `select: [x]` replaces who may select, `+select: [x]` adds to them */
function mergeGrants(former: Dict, given: Dict): Dict {
  const merged: Dict = new Map([...former].map(([key, value]) => [key, asList(value)]));
  for (const [key, value] of given) {
    const name = str(key);
    const extended = name.startsWith('+') ? merged.get(name.slice(1)) : undefined;
    merged.set(name.replace(/^\+/, ''), [...asList(extended), ...asList(value)]);
  }
  return merged;
}

/** Makes every hook what dbt keeps: a dict of `sql` and `transaction`. */
export function normalizeHooks(config: Dict): void {
  for (const name of HOOKS) if (config.has(name)) config.set(name, asList(config.get(name)).map(toHook));
}

/** a text may hold JSON: that is what `before_begin()` and `after_commit()` give */
function toHook(value: Value): Value {
  let given = value;
  if (typeof value === 'string' && value.trimStart().startsWith('{"'))
    try {
      given = fromPlain(JSON.parse(value));
    } catch {
      given = value;
    }
  const dict: Dict = given instanceof Map ? given : new Map<Value, Value>([['sql', given]]);
  return new Map<Value, Value>([
    ['sql', dict.get('sql') ?? ''],
    ['transaction', dict.get('transaction') ?? true],
    ['index', dict.get('index') ?? null],
  ]);
}

export function asList(value: Value | undefined): Value[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) || value instanceof Set ? [...iterate(value)] : [value];
}

/**
 * What the levels of a tree in dbt_project.yml say about a node, outermost folder first.
 *
 * @param isSetting tells a setting from a folder about which nothing is said
 */
export function folderConfig(
  tree: Record<string, unknown>,
  fqn: readonly string[],
  isSetting: (name: string) => boolean,
): [Value, Value][] {
  const found: [Value, Value][] = [];
  for (const level of [tree, ...levelsBelow(tree, fqn)])
    for (const [key, value] of Object.entries(level)) {
      const own = key.startsWith('+');
      const name = own ? key.slice(1).trim() : key;
      if (!own && (isRecord(value) || (value === null && !isSetting(configName(name))))) continue;
      found.push([name, fromPlain(value)]);
    }
  return found;
}

/** The levels below the outermost one, as far as they follow a node's fqn. */
export function levelsBelow(
  tree: Record<string, unknown>,
  fqn: readonly string[],
): Record<string, unknown>[] {
  const levels: Record<string, unknown>[] = [];
  let level: unknown = tree;
  for (const part of fqn) {
    level = isRecord(level) ? level[part] : undefined;
    if (!isRecord(level)) break;
    levels.push(level);
  }
  return levels;
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Map);

/** @returns the ways through a tree that configure something, for telling which of them nothing follows */
export function configPaths(tree: Record<string, unknown>, path: readonly string[] = []): string[][] {
  const entries = Object.entries(tree);
  const below = entries.flatMap(([key, value]) =>
    !key.startsWith('+') && isRecord(value) ? configPaths(value, [...path, key]) : [],
  );
  const configures = entries.some(([key, value]) => key.startsWith('+') || !isRecord(value));
  return configures && path.length > 0 ? [[...path], ...below] : below;
}
