import { MillraceError, type Position } from '../../../schemas/errors.js';
import { didYouMean } from '../../nearest.js';

export const INDIRECT_SELECTIONS = ['eager', 'cautious', 'buildable', 'empty'] as const;
/** Which tests come along with what they test: dbt's `--indirect-selection`. */
export type IndirectSelection = (typeof INDIRECT_SELECTIONS)[number];

export const METHODS = [
  'fqn',
  'tag',
  'group',
  'access',
  'source',
  'path',
  'file',
  'package',
  'config',
  'test_name',
  'test_type',
  'resource_type',
  'state',
  'exposure',
  'metric',
  'result',
  'source_status',
  'version',
  'semantic_model',
  'saved_query',
  'unit_test',
] as const;
export type Method = (typeof METHODS)[number];

/** One term: `2+tag:nightly+1`. */
export interface Criterion {
  kind: 'criterion';
  /** as written, for messages */
  raw: string;
  method: Method;
  /** `['meta', 'owner']` of `config.meta.owner:` */
  arguments: string[];
  /** text from a command line; YAML can give other scalars, which only `config` tells apart */
  value: unknown;
  /** `@` */
  childrensParents: boolean;
  /** how far up and down; 0 for not at all */
  parents: number;
  children: number;
  indirect: IndirectSelection;
}

export interface Combination {
  kind: 'union' | 'intersection' | 'difference';
  parts: Spec[];
  /** as written, for messages */
  raw: string;
  indirect: IndirectSelection;
  /** somebody asked for it by name, so a reader wants to know when nothing is there */
  expected: boolean;
}

export type Spec = Criterion | Combination;

/** Finds the definition of a named selector. */
export type NamedSelectors = (name: string) => Spec | undefined;

/** What every default selection is made of. */
const EVERYTHING = ['fqn:*', 'source:*', 'exposure:*', 'metric:*', 'semantic_model:*'];

interface Words {
  select?: readonly string[] | undefined;
  exclude?: readonly string[] | undefined;
  indirect: IndirectSelection;
  /** for `selector:name` */
  named?: NamedSelectors | undefined;
}

/**
 * `--select` and `--exclude` as one spec; blanks unite, commas intersect.
 *
 * @throws MillraceError SelectionInvalid
 */
export function specOfWords({ select, exclude, indirect, named }: Words): Spec {
  const union = (words: readonly string[], expected: boolean): Spec => ({
    kind: 'union',
    parts: words
      .flatMap((word) => word.split(' '))
      .map((word) => ({
        kind: 'intersection',
        parts: word.split(',').map((term) => specOfTerm(term, indirect, undefined, named)),
        raw: word,
        indirect,
        expected,
      })),
    raw: words.join(' '),
    indirect,
    expected: false,
  });
  const chosen = select === undefined || select.length === 0;
  return {
    kind: 'difference',
    parts: [union(chosen ? EVERYTHING : select, !chosen), union(exclude ?? [], true)],
    raw: '',
    indirect: 'eager',
    expected: false,
  };
}

const TERM = /^(@)?((\d*)\+)?(?:([\w.]+):)?(.*?)(\+(\d*))?$/;

/**
 * One term as the command line writes it, also used in YAML.
 *
 * @throws MillraceError SelectionInvalid
 */
export function specOfTerm(
  raw: string,
  indirect: IndirectSelection,
  where?: Position,
  named?: NamedSelectors,
): Spec {
  const match = TERM.exec(raw);
  if (!match) throw invalid(raw, 'it has a line break in it', 'Write it on one line', where);
  const [, at, up, upDepth, method, value = '', down, downDepth] = match;
  if (method === 'selector') {
    const found = named?.(value);
    if (found) return found;
    throw invalid(raw, `there is no selector '${value}'`, 'Define it in selectors.yml', where);
  }
  const depth = (text: string | undefined): number =>
    text === undefined || text === '' ? Infinity : Number(text);
  return criterion(
    {
      raw,
      ...methodOf(method ?? defaultMethod(value), raw, where),
      value,
      childrensParents: at !== undefined,
      parents: up === undefined ? 0 : depth(upDepth),
      children: down === undefined ? 0 : depth(downDepth),
      plus: down !== undefined,
      indirect,
    },
    where,
  );
}

/** @throws MillraceError SelectionInvalid for a `@` together with a `+` behind */
export function criterion(
  { plus, ...given }: Omit<Criterion, 'kind'> & { plus: boolean },
  where?: Position,
): Criterion {
  if (given.childrensParents && plus)
    throw invalid(given.raw, "'@' before and '+' behind exclude each other", 'Leave one of them out', where);
  return { kind: 'criterion', ...given };
}

/** @throws MillraceError SelectionInvalid for a method that does not exist */
export function methodOf(
  text: string,
  raw: string,
  where?: Position,
): Pick<Criterion, 'method' | 'arguments'> {
  const [name = '', ...rest] = text.split('.');
  const method = METHODS.find((each) => each === name);
  if (method) return { method, arguments: rest };
  const fix = didYouMean(name, METHODS) || `Methods are: ${METHODS.join(', ')}`;
  throw invalid(raw, `there is no method '${name}'`, fix, where);
}

function defaultMethod(value: string): Method {
  if (value.includes('/')) return 'path';
  return /\.(sql|py|csv)$/i.test(value) ? 'file' : 'fqn';
}

export const invalid = (raw: string, why: string, fix: string, where?: Position): MillraceError =>
  new MillraceError('SelectionInvalid', {
    what: `The selection '${raw}' is not valid: ${why}`,
    ...(where && { where }),
    fix,
  });
