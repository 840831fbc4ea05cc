import { join } from 'node:path';
import { BUILT_IN_MACROS } from '../builtin/all.js';
import type { Environment } from '../context/environment.js';
import type { Expression, Macro } from '../jinja/ast.js';
import { fromPlain, type Dict } from '../jinja/values.js';
import type { MacroProperties } from '../manifest.js';
import { BUILT_IN, type MacroSet } from '../macros.js';
import { readText } from '../project/files.js';
import { createdAt, withoutPackage } from './node-dict.js';

export const macroId = (owner: string, name: string): string => `macro.${owner}.${name}`;

/** Every macro of a project as dbt writes it, by id. */
export function macroDicts(environment: Environment): [string, Dict][] {
  const { macros } = environment;
  const owned = ownedMacros(macros);
  const owners = new Map(owned.map(([owner, macro]) => [macro, owner]));
  const texts = new Map<string, Map<number, string>>();
  return owned.map(([owner, macro]) => {
    const { file, line } = macro.site;
    let source = texts.get(file);
    if (!source) texts.set(file, (source = textsByLine(textOf(owner, file, environment))));
    const path = withoutPackage(file, owner, environment);
    const id = macroId(owner, macro.name);
    const dict = {
      ...{ name: macro.name, resource_type: 'macro', package_name: owner, path, original_file_path: path },
      ...{ unique_id: id, macro_sql: source.get(line) ?? '' },
      depends_on: { macros: calls(macro, owner, macros, owners) },
      ...describedAs(environment.manifest.macros.get(id)),
      ...{ created_at: createdAt(environment), supported_languages: languages(macro) },
    };
    return [id, fromPlain(dict) as Dict];
  });
}

function ownedMacros(macros: MacroSet): [owner: string, macro: Macro][] {
  const names = new Set(macros.names());
  return [...macros.packageNames()].flatMap((owner) =>
    [...names].flatMap((name): [string, Macro][] => {
      const macro = macros.in(owner, name);
      return macro ? [[owner, macro]] : [];
    }),
  );
}

function textOf(owner: string, file: string, environment: Environment): string {
  if (owner === BUILT_IN) return (BUILT_IN_MACROS as Record<string, string>)[file] ?? '';
  const found = environment.packages.find(({ name }) => name === owner);
  return found ? readText(join(found.dir, withoutPackage(file, owner, environment))) : '';
}

/** macros stand one after the other in a file; none contains another */
function textsByLine(text: string): Map<number, string> {
  const found = new Map<number, string>();
  const pattern = /\{%[-+]?\s*(macro|test|data_test|materialization)\b[\s\S]*?\{%[-+]?\s*end\1\s*[-+]?%\}/g;
  let line = 1;
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    line += text.slice(at, match.index).split('\n').length - 1;
    at = match.index;
    if (!found.has(line)) found.set(line, match[0]);
  }
  return found;
}

const describedAs = (said: MacroProperties | undefined): Record<string, unknown> => ({
  ...{ description: said?.description ?? '', meta: said?.meta ?? {} },
  docs: { show: true, node_color: null, ...said?.docs },
  ...{ patch_path: said?.patch ?? null, arguments: said?.arguments ?? [] },
});

const languages = ({ name }: Macro): string[] | null =>
  name.startsWith('materialization_') ? ['sql'] : null;

/** ids of the macros that a macro names in its calls */
function calls(macro: Macro, owner: string, macros: MacroSet, owners: ReadonlyMap<Macro, string>): string[] {
  const ids = new Set<string>();
  const add = (found: Macro | undefined): void => {
    const from = found && owners.get(found);
    if (found && from !== undefined && found !== macro) ids.add(macroId(from, found.name));
  };
  const visit = (part: unknown): void => {
    if (Array.isArray(part)) part.forEach(visit);
    else if (typeof part === 'object' && part !== null) {
      const { kind } = part as { kind?: string };
      if (kind === 'call' && 'callee' in part) called(part as Expression & { kind: 'call' });
      Object.values(part).forEach(visit);
    }
  };
  const called = ({ callee, args }: Expression & { kind: 'call' }): void => {
    if (callee.kind === 'name') return add(macros.find(callee.name, owner));
    if (callee.kind !== 'attribute' || callee.of.kind !== 'name') return;
    if (callee.of.name !== 'adapter') return add(macros.in(callee.of.name, callee.name));
    if (callee.name !== 'dispatch') return;
    const literal = (value: Expression | undefined): string | null =>
      value?.kind === 'literal' && typeof value.value === 'string' ? value.value : null;
    const positional = args.filter(({ name }) => name === undefined);
    const of = (index: number, name: string): Expression | undefined =>
      (positional[index] ?? args.find((each) => each.name === name))?.value;
    const name = literal(of(0, 'macro_name'));
    if (name !== null) add(macros.dispatch(name, literal(of(1, 'macro_namespace')), owner));
  };
  visit(macro.body);
  return [...ids];
}
