import { MillraceError, type Position } from '../../../schemas/errors.js';
import { repr, str, fromPlain } from '../jinja/values.js';
import { md5 } from '../project/files.js';
import { isRecord } from './config.js';

/** keys that configure a test; everything else beside them is an argument of its macro */
const CONFIGS = [
  ...['severity', 'tags', 'enabled', 'where', 'limit', 'warn_if', 'error_if', 'fail_calc', 'store_failures'],
  ...['store_failures_as', 'meta', 'database', 'schema', 'alias'],
];

/** A test as a property file names it: `unique`, or a name with arguments. */
export interface Entry {
  /** `package.test` or `test` */
  reference: string;
  args: Record<string, unknown>;
  config: Record<string, unknown>;
  name: string | null;
  description: string;
}

/** @throws MillraceError DbtProjectInvalid */
export function readEntry(entry: string | Record<string, unknown>, where: () => Position): Entry {
  const wrong = (what: string): MillraceError =>
    new MillraceError('DbtProjectInvalid', {
      what,
      where: where(),
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
  const all = { ...args, ...nested };
  if ('model' in all)
    throw wrong(`'${reference}' is given a 'model', which every test gets by itself; rename that argument`);
  return { reference, args: all, config, name, description };
}

/** dbt's name of a test, and the one its compiled file has. */
export interface TestNames {
  short: string;
  full: string;
}

/** The name dbt makes of a test, the thing it tests, and its arguments. */
export function synthesize(base: string, thing: string, kwargs: Record<string, unknown>): TestNames {
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

/** The end of a test's id: dbt hashes its arguments as Python prints them, with every scalar as text. */
export const testHash = (name: string, metadata: Record<string, unknown>): string =>
  md5(name + hashable(metadata)).slice(-10);

function hashable(data: unknown): string {
  if (Array.isArray(data)) return `[${data.map(hashable).join(', ')}]`;
  if (isRecord(data)) {
    const keys = Object.keys(data).sort();
    return `{${keys.map((key) => `${repr(key)}: ${hashable(data[key])}`).join(', ')}}`;
  }
  const text = typeof data === 'string' ? data : str(fromPlain(data));
  return /['\\\n\r\t]/.test(text) ? repr(text) : `'${text}'`;
}
