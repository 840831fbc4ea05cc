import { join } from 'node:path';
import { BUILT_IN_MACROS } from '../builtin/all.js';
import type { Environment } from '../context/environment.js';
import type { Macro } from '../jinja/ast.js';
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
      depends_on: { macros: calls(source.get(line) ?? '', macro, owner, macros, owners) },
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

const TAGS = /\{[{%]([\s\S]*?)[%}]\}/g;
const CALLS = /(?:\b(\w+)\s*\.\s*)?\b(\w+)\s*\(/g;
const STRINGS = /'[^']*'|"[^"]*"/g;
const DISPATCH = /adapter\s*\.\s*dispatch\s*\(\s*(['"])(\w+)\1(?:\s*,\s*(?:\w+\s*=\s*)?(['"])(\w+)\3)?/g;

/** Ids of the macros that a macro names in its calls. Its text is looked at: most macros of a project are never parsed. */
function calls(
  text: string,
  macro: Macro,
  owner: string,
  macros: MacroSet,
  owners: ReadonlyMap<Macro, string>,
): string[] {
  const ids = new Set<string>();
  const add = (found: Macro | undefined): void => {
    const from = found && owners.get(found);
    if (found && from !== undefined && found !== macro) ids.add(macroId(from, found.name));
  };
  // the first tag is the macro's own head
  for (const [, inside = ''] of [...text.matchAll(TAGS)].slice(1)) {
    for (const [, of, name = ''] of inside.replace(STRINGS, "''").matchAll(CALLS))
      add(of === undefined ? macros.find(name, owner) : macros.in(of, name));
    for (const [, , name = '', , namespace = null] of inside.matchAll(DISPATCH))
      add(macros.dispatch(name, namespace, owner));
  }
  return [...ids];
}
