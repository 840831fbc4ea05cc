import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MillraceError } from '../../../schemas/errors.js';
import { isRecord } from '../parse/config.js';
import {
  criterion,
  INDIRECT_SELECTIONS,
  methodOf,
  specOfTerm,
  type Combination,
  type IndirectSelection,
  type Spec,
} from '../select/spec.js';
import { readText } from './files.js';
import { readYaml, type YamlFile } from './yaml.js';

/** One entry of selectors.yml. */
export interface Selector {
  description: string;
  /** used when a command line selects nothing itself */
  isDefault: boolean;
  /** as written and rendered */
  definition: unknown;
  /** @param indirect `--indirect-selection`, where the definition says nothing of it */
  spec(indirect: IndirectSelection): Spec;
}
export type Selectors = ReadonlyMap<string, Selector>;

/** keys of a definition, beside those of its method */
const MODIFIERS = [
  ...['method', 'value', 'exclude', 'parents', 'parents_depth', 'children', 'children_depth'],
  ...['childrens_parents', 'indirect_selection'],
];

/**
 * Reads the selectors.yml of a project.
 *
 * @param render turns a text that may be a template into its value
 * @throws MillraceError DbtProjectInvalid, SelectionInvalid, with file and line
 */
export function readSelectors(dir: string, render: (text: string) => unknown = (text) => text): Selectors {
  const path = join(dir, 'selectors.yml');
  if (!existsSync(path)) return new Map();
  return new Reader(readYaml(readText(path), 'selectors.yml'), render).read();
}

type Path = readonly (string | number)[];

class Reader {
  private readonly found = new Map<string, Selector>();

  constructor(
    private readonly yaml: YamlFile,
    private readonly render: (text: string) => unknown,
  ) {}

  read(): Selectors {
    const data = this.rendered(this.yaml.data);
    const list = isRecord(data) ? data['selectors'] : undefined;
    if (!Array.isArray(list)) {
      if (data === null || data === undefined || (isRecord(data) && list === null)) return this.found;
      throw this.fault(
        [],
        "it has no list 'selectors'",
        'Write selectors: with a list of name and definition',
      );
    }
    for (const [index, entry] of list.entries()) this.add(entry, ['selectors', index]);
    return this.found;
  }

  private add(entry: unknown, path: Path): void {
    const fields = isRecord(entry) ? entry : {};
    const { name, definition, description = '', default: isDefault = false } = fields;
    if (typeof name !== 'string')
      throw this.fault(path, 'a selector has no name', "Write '- name: nightly' and its definition");
    if (typeof definition !== 'string' && !isRecord(definition))
      throw this.fault(
        path,
        `the definition of '${name}' is ${Array.isArray(definition) ? 'a list' : 'missing'}`,
        'A definition is a text, a method with its value, a union or an intersection',
      );
    if (this.found.has(name))
      throw this.fault(path, `there are two selectors '${name}'`, 'Rename one of them');
    const former = [...this.found].find(([, each]) => each.isDefault)?.[0];
    if (isDefault === true && former !== undefined)
      throw this.fault(path, `both '${former}' and '${name}' are the default`, 'Let one of them be it');
    // a definition can use those above it
    const above = new Map(this.found);
    const spec = (indirect: IndirectSelection): Spec =>
      this.definition(definition, [...path, 'definition'], { indirect, above, root: true });
    spec('eager');
    this.found.set(name, {
      description: String(description),
      isDefault: isDefault === true,
      definition,
      spec,
    });
  }

  private definition(given: unknown, path: Path, scope: Scope): Spec {
    if (typeof given === 'string') return specOfTerm(given, scope.indirect, this.yaml.at(path));
    if (!isRecord(given))
      throw this.fault(path, 'this is no definition', 'Write a text, or a method with its value');
    const inner = { ...scope, root: false };
    for (const kind of ['union', 'intersection'] as const) {
      if (!(kind in given)) continue;
      if (scope.root && Object.keys(given).length > 1)
        throw this.fault(
          path,
          `a definition holds ${Object.keys(given).join(', ')} side by side`,
          'Put them into one union or intersection',
        );
      return this.combination(kind, given[kind], [...path, kind], inner);
    }
    return this.term(given, path, inner);
  }

  private combination(kind: 'union' | 'intersection', list: unknown, path: Path, scope: Scope): Spec {
    const parts: Spec[] = [];
    let without: Spec | undefined;
    for (const [index, each] of this.list(list, path).entries()) {
      const at = [...path, index];
      if (!isRecord(each) || !('exclude' in each) || 'method' in each) {
        parts.push(this.definition(each, at, scope));
        continue;
      }
      if (without)
        throw this.fault(at, `a second 'exclude' stands in one ${kind}`, 'Put all of it into the first one');
      without = this.exclusion(each['exclude'], [...at, 'exclude'], scope);
    }
    const combined = combination(kind, parts);
    return without ? combination('difference', [combined, without]) : combined;
  }

  private exclusion(list: unknown, path: Path, scope: Scope): Spec {
    const parts = this.list(list, path).map((each, index) => this.definition(each, [...path, index], scope));
    return combination('union', parts);
  }

  private term(given: Record<string, unknown>, path: Path, scope: Scope): Spec {
    const keys = Object.keys(given);
    const [only = ''] = keys;
    const short = keys.length === 1;
    const method = short ? only : given['method'];
    const value = short ? given[only] : given['value'];
    if (typeof method !== 'string' || value === undefined || value === null)
      throw this.fault(
        path,
        `a definition needs 'method' and 'value', but has ${keys.join(', ') || 'nothing'}`,
        "Write '{method: tag, value: nightly}' or '{tag: nightly}'",
      );
    const odd = short ? undefined : keys.find((key) => !MODIFIERS.includes(key));
    if (odd !== undefined)
      throw this.fault([...path, odd], `a definition has no '${odd}'`, `It has: ${MODIFIERS.join(', ')}`);
    if (method === 'selector') return this.inherited(shown(value), path, scope);
    const base = this.criterion(given, { method, value }, path, scope);
    return !short && 'exclude' in given
      ? combination('difference', [base, this.exclusion(given['exclude'], [...path, 'exclude'], scope)])
      : base;
  }

  private criterion(
    given: Record<string, unknown>,
    { method, value }: { method: string; value: unknown },
    path: Path,
    scope: Scope,
  ): Spec {
    const where = this.yaml.at(path);
    const raw = `${method}:${shown(value)}`;
    const isOn = (key: string): boolean => given[key] === true;
    const depth = (key: string): number => {
      const text = given[`${key}_depth`];
      // 0 is no limit to dbt, too
      if (!text) return Infinity;
      if (Number.isInteger(Number(text))) return Number(text);
      throw this.fault([...path, `${key}_depth`], `'${shown(text)}' is no depth`, 'Write a whole number');
    };
    const indirect = given['indirect_selection'] ?? scope.indirect;
    const mode = INDIRECT_SELECTIONS.find((each) => each === indirect);
    if (!mode)
      throw this.fault(
        [...path, 'indirect_selection'],
        `there is no indirect selection '${shown(indirect)}'`,
        `Say ${INDIRECT_SELECTIONS.join(', ')}`,
      );
    return criterion(
      {
        raw,
        ...methodOf(method, raw, where),
        value,
        childrensParents: isOn('childrens_parents'),
        parents: isOn('parents') ? depth('parents') : 0,
        children: isOn('children') ? depth('children') : 0,
        plus: isOn('children'),
        indirect: mode,
      },
      where,
    );
  }

  private inherited(name: string, path: Path, { above, indirect }: Scope): Spec {
    const selector = above.get(name);
    if (selector) return selector.spec(indirect);
    throw this.fault(path, `no selector '${name}' stands above this one`, 'Define it before it is used');
  }

  private list(given: unknown, path: Path): unknown[] {
    if (Array.isArray(given)) return given;
    throw this.fault(path, `'${String(path.at(-1))}' is no list`, 'Write its parts as a list');
  }

  private rendered(value: unknown): unknown {
    if (typeof value === 'string') return value.includes('{') ? this.render(value) : value;
    if (Array.isArray(value)) return value.map((each) => this.rendered(each));
    if (!isRecord(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.rendered(item)]));
  }

  private fault(path: Path, why: string, fix: string): MillraceError {
    return new MillraceError('SelectionInvalid', {
      what: `selectors.yml is not valid: ${why}`,
      where: this.yaml.at(path),
      fix,
    });
  }
}

const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

interface Scope {
  indirect: IndirectSelection;
  above: ReadonlyMap<string, Selector>;
  /** at the top of a definition */
  root: boolean;
}

const combination = (kind: Combination['kind'], parts: Spec[]): Combination => ({
  kind,
  parts,
  raw: '',
  indirect: 'eager',
  expected: false,
});
