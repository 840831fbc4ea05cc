import { anyDict } from '../artifacts/manifest.js';
import type { Environment } from '../context/environment.js';
import { toPlain } from '../jinja/values.js';
import { resource, type Node, type Resource, type SourceTable } from '../manifest.js';
import { originalFile } from './methods.js';

export const LIST_OUTPUTS = ['selector', 'name', 'path', 'json'] as const;
export type ListOutput = (typeof LIST_OUTPUTS)[number];

/** of `--output json`, where `--output-keys` names none */
const USUAL_KEYS = [
  ...['alias', 'name', 'package_name', 'depends_on', 'tags', 'config', 'resource_type'],
  ...['source_name', 'original_file_path', 'unique_id'],
];

/** The lines of `dbt ls` for what is selected, in its order. */
export function listLines(
  environment: Environment,
  ids: Iterable<string>,
  {
    output = 'selector',
    keys = [],
  }: { output?: ListOutput | undefined; keys?: readonly string[] | undefined },
): string[] {
  const { manifest, packages } = environment;
  const wanted = keys.length > 0 ? keys : USUAL_KEYS;
  const line: Record<ListOutput, (resource: Resource) => string> = {
    selector: selectorOf,
    name: nameOf,
    path: (each) => originalFile(each, packages),
    json: (each) =>
      pythonJson(
        Object.fromEntries(
          Object.entries(toPlain(anyDict(each, environment)) as Record<string, unknown>).filter(([key]) =>
            wanted.includes(key),
          ),
        ),
      ),
  };
  return [...ids].flatMap((id) => {
    const found = resource(manifest, id);
    return found ? [line[output](found)] : [];
  });
}

function nameOf(each: Resource): string {
  if (each.kind === 'source') return `${(each as SourceTable).source}.${each.name}`;
  const version = each.kind === 'model' ? (each as Node).version : undefined;
  return version === undefined ? each.name : `${each.name}.v${version.version}`;
}

/** what would select just this */
function selectorOf(each: Resource): string {
  switch (each.kind) {
    case 'source':
      return `source:${each.package}.${(each as SourceTable).source}.${each.name}`;
    case 'exposure':
    case 'metric':
    case 'saved_query':
    case 'semantic_model':
      return `${each.kind}:${each.package}.${each.name}`;
    case 'unit_test': {
      const version = (each as Node).unit?.version ?? null;
      return `unit_test:${each.package}.${each.name}${version === null ? '' : `_v${version}`}`;
    }
    default:
      return each.fqn.join('.');
  }
}

/** JSON as Python's `json.dumps` writes it: blanks after `,` and `:`, and ASCII alone. */
function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .map(([key, item]) => `${pythonJson(key)}: ${pythonJson(item)}`)
      .join(', ')}}`;
  return (JSON.stringify(value) ?? 'null').replace(
    /[\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
