import { MillraceError } from '../../schemas/errors.js';
import { fromPlain, str, toPlain } from './jinja/values.js';
import { ancestors, descendants } from './graph.js';
import type { Manifest, Node, SourceTable } from './manifest.js';
import { didYouMean } from '../nearest.js';
import { asList, isRecord } from './parse/config.js';

export interface Selection {
  /** blanks unite, commas intersect; none means all */
  select?: string | undefined;
  exclude?: string | undefined;
}

type Candidate = Node | SourceTable;
type Method = (candidate: Candidate, value: string, argument: string) => boolean;

const isNode = (candidate: Candidate): candidate is Node => candidate.kind !== 'source';
const tagsOf = (candidate: Candidate): string[] => asList(candidate.config.get('tags')).map(str);

/** fnmatch: `*`, `?`, `[…]` */
function glob(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '[^]*')
    .replaceAll('?', '[^]');
  return new RegExp(`^${source}$`).test(text);
}
const wild = (text: string): boolean => /[*?[]/.test(text);

function matchesFqn(fqn: readonly string[], value: string): boolean {
  if (fqn.at(-1) === value) return true;
  const parts = fqn.flatMap((part) => part.split('.'));
  const wanted = value.split('.');
  if (parts.length < wanted.length) return false;
  for (const [index, part] of wanted.entries()) {
    if (wild(part)) return glob(wanted.slice(index).join('.'), parts.slice(index).join('.'));
    if (parts[index] !== part) return false;
  }
  return true;
}

function configMatches(candidate: Candidate, path: string, wanted: string): boolean {
  if (!isNode(candidate)) return false;
  let value: unknown = Object.fromEntries(
    [...candidate.config].map(([key, item]) => [str(key), toPlain(item)]),
  );
  for (const part of path.split('.')) value = isRecord(value) ? value[part] : undefined;
  const text = (one: unknown): string => (typeof one === 'boolean' ? String(one) : str(fromPlain(one ?? '')));
  return Array.isArray(value)
    ? value.some((one) => text(one) === wanted)
    : value !== undefined && text(value).toLowerCase() === wanted.toLowerCase();
}

const METHODS: Record<string, Method> = {
  fqn: (candidate, value) =>
    matchesFqn(candidate.fqn, value) ||
    matchesFqn(candidate.fqn.slice(1), value) ||
    (wild(value) && glob(value, candidate.fqn.at(-1) ?? '')),
  tag: (candidate, value) => tagsOf(candidate).some((tag) => glob(value, tag)),
  path: (candidate, value) => {
    const wanted = value.replace(/^\.\//, '').replace(/\/$/, '');
    return (
      candidate.file === wanted ||
      candidate.file.startsWith(`${wanted}/`) ||
      (wild(wanted) && glob(wanted, candidate.file))
    );
  },
  file: (candidate, value) => {
    const file = candidate.file.split('/').at(-1) ?? '';
    return glob(value, file) || glob(value, file.replace(/\.\w+$/, ''));
  },
  package: (candidate, value) => glob(value, candidate.package),
  source: (candidate, value) => {
    if (isNode(candidate)) return false;
    const [source = '', table = '*', more] = value.split('.');
    return more === undefined
      ? glob(source, candidate.source) && glob(table, candidate.name)
      : glob(source, candidate.package) && glob(table, candidate.source) && glob(more, candidate.name);
  },
  resource_type: (candidate, value) => (isNode(candidate) ? candidate.kind : 'source') === value,
  test_type: (candidate, value) =>
    isNode(candidate) &&
    candidate.test !== undefined &&
    (value === 'data' || (candidate.test.generic === null) === (value === 'singular')) &&
    ['data', 'generic', 'singular'].includes(value),
  test_name: (candidate, value) =>
    isNode(candidate) &&
    candidate.test?.generic?.name !== undefined &&
    glob(value, candidate.test.generic.name),
  config: (candidate, value, argument) => configMatches(candidate, argument, value),
};

/**
 * dbt's node selection: `+orders`, `tag:nightly,config.materialized:table`, `2+x+1`, `@x`, `path:models/marts`.
 *
 * @returns ids of nodes; tests come along when something they test is selected
 * @throws MillraceError SelectionInvalid for a method that does not exist or a term that selects nothing
 */
export function selectNodes(manifest: Manifest, { select, exclude }: Selection): Set<string> {
  const all = new Set(manifest.nodes.keys());
  const wanted =
    select === undefined || select.trim() === '' ? all : withTests(manifest, union(manifest, select));
  const unwanted =
    exclude === undefined || exclude.trim() === ''
      ? new Set<string>()
      : withTests(manifest, union(manifest, exclude));
  return new Set([...wanted].filter((id) => manifest.nodes.has(id) && !unwanted.has(id)));
}

function union(manifest: Manifest, text: string): Set<string> {
  const found = new Set<string>();
  for (const terms of text.trim().split(/\s+/)) {
    const sets = terms.split(',').map((term) => evaluate(manifest, term));
    const [first = new Set<string>(), ...rest] = sets;
    for (const id of first) if (rest.every((set) => set.has(id))) found.add(id);
  }
  return found;
}

function withTests(manifest: Manifest, ids: Set<string>): Set<string> {
  const found = new Set(ids);
  for (const id of ids)
    for (const child of manifest.children.get(id) ?? [])
      if (manifest.nodes.get(child)?.kind === 'test') found.add(child);
  return found;
}

const TERM = /^(@)?(?:(\d*)(\+))?(?:([a-z_]+)((?:\.[\w-]+)*):)?(.*?)(?:(\+)(\d*))?$/;

function evaluate(manifest: Manifest, term: string): Set<string> {
  const [, at, up, plusBefore, method, dotted = '', value = '', plusAfter, down] = TERM.exec(term) ?? [];
  if (value === '')
    throw invalid(term, 'it names nothing', "Write a name, or method:value, e.g. '+orders' or 'tag:nightly'");
  const name = method ?? (/\/|\\/.test(value) ? 'path' : /\.(sql|csv|py)$/i.test(value) ? 'file' : 'fqn');
  const test = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined;
  if (!test)
    throw invalid(
      term,
      `there is no method '${name}'`,
      didYouMean(name, Object.keys(METHODS)) || `Methods are: ${Object.keys(METHODS).join(', ')}`,
    );
  const roots: string[] = [];
  for (const list of [manifest.nodes.values(), manifest.sources.values()])
    for (const candidate of list) if (test(candidate, value, dotted.slice(1))) roots.push(candidate.id);
  if (roots.length === 0 && !wild(value)) {
    const names = [...manifest.nodes.values()].filter(({ kind }) => kind !== 'test').map((node) => node.name);
    throw invalid(
      term,
      'nothing is selected by it',
      name === 'fqn' ? didYouMean(value, names) || 'Check the name' : 'Check its value',
    );
  }
  const found = new Set(roots);
  const add = (ids: Iterable<string>): void => {
    for (const id of ids) found.add(id);
  };
  for (const id of roots) {
    if (at !== undefined) {
      const below = [id, ...descendants(manifest, id)];
      add(below);
      for (const each of below) add(ancestors(manifest, each));
    }
    if (plusBefore !== undefined) add(ancestors(manifest, id, up ? Number(up) : Infinity));
    if (plusAfter !== undefined) add(descendants(manifest, id, down ? Number(down) : Infinity));
  }
  return found;
}

const invalid = (term: string, why: string, fix: string): MillraceError =>
  new MillraceError('SelectionInvalid', { what: `The selection '${term}' is not valid: ${why}`, fix });
