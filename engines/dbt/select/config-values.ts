import { toPlain, type Dict } from '../jinja/values.js';
import type { Resource } from '../manifest.js';
import { isRecord } from '../parse/config.js';
import { defaultConfig } from '../parse/config-defaults.js';

/** sources and nodes have configs that are looked at, unit tests and exposures not */
const LOOKED_AT = new Set<Resource['kind']>([
  'model',
  'seed',
  'snapshot',
  'analysis',
  'operation',
  'test',
  'source',
]);

/** `config.meta.owner:ops` */
export function matchesConfig(keys: readonly string[], wanted: unknown): (resource: Resource) => boolean {
  const ignoreCase = keys.length === 1 && keys[0] === 'severity';
  const same = (value: unknown): boolean =>
    value === wanted ||
    (ignoreCase && typeof value === 'string' && value.toLowerCase() === String(wanted).toLowerCase()) ||
    (typeof value === 'boolean' && String(value) === String(wanted).toLowerCase());
  return ({ kind, config }) => {
    const [first, ...rest] = keys;
    if (!LOOKED_AT.has(kind) || first === undefined) return false;
    const own = settingOf(config, first);
    const standard = settingOf(defaultConfig(kind), first);
    let value = own === undefined ? standard : own;
    // what is configured of a contract or of docs stands beside the defaults
    if (isRecord(own) && isRecord(standard)) value = { ...standard, ...own };
    for (const key of rest) value = isRecord(value) ? value[key] : undefined;
    return Array.isArray(value) ? value.some(same) : value !== undefined && same(value);
  };
}

function settingOf(config: Dict, name: string): unknown {
  const value = config.get(name);
  return value === undefined ? undefined : toPlain(value);
}
