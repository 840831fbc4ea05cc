import { parse as parseYaml, stringify as stringifyYaml } from 'yaml';
import { didYouMean } from '../../nearest.js';
import { Arguments } from '../jinja/arguments.js';
import { mergeInto } from '../jinja/collection-methods.js';
import { callValue } from '../jinja/evaluate.js';
import { JinjaFault } from '../jinja/fault.js';
import { fromJson, toJson } from '../jinja/json.js';
import { ReturnSignal } from '../jinja/render.js';
import {
  equal,
  fromPlain,
  iterate,
  keyOf,
  Module,
  Namespace,
  PyObject,
  str,
  toNumber,
  toPlain,
  tuple,
  truthy,
  typeName,
  type Dict,
  type JinjaFunction,
  type Kwargs,
  type Value,
} from '../jinja/values.js';
import { DBT_VERSION } from '../project/dbt-version.js';
import { md5 } from '../project/files.js';
import { DateTime } from './datetime.js';
import type { LogEntry } from './queries.js';
import { DAY } from './time-delta.js';

const range: JinjaFunction = (args) => {
  const [first = 0, second, third = 1] = args.map(toNumber);
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  if (third === 0) throw new JinjaFault('range() needs a step that is not 0');
  const size = Math.max(0, Math.ceil((stop - start) / third));
  if (size > 100_000) throw new JinjaFault(`range() of ${size} numbers is too long`);
  return Array.from({ length: size }, (_, index) => start + index * third);
};

const dict: JinjaFunction = (args, kwargs) => {
  const made = new Map<Value, Value>();
  mergeInto(made, args[0] ?? new Map(), kwargs);
  return made;
};

/** `strict` versions raise, the plain ones give None */
const converting =
  (of: string, strict: boolean, convert: (value: Value) => Value): JinjaFunction =>
  (args, kwargs) => {
    const given = new Arguments(of, args, kwargs);
    try {
      return convert(given.value(0, 'value'));
    } catch (cause) {
      if (!strict) return given.value(1, 'default', null);
      throw cause;
    }
  };
const toSet = (value: Value): Value => new Set([...iterate(value)].map(keyOf));

const guarded =
  (of: string, read: (text: string) => Value): JinjaFunction =>
  (args, kwargs) => {
    const given = new Arguments(of, args, kwargs);
    try {
      return read(given.text(0, 'value'));
    } catch {
      return given.value(1, 'default', null);
    }
  };

const zip = (lists: Value[]): Value[] => {
  const columns = lists.map((list) => [...iterate(list)]);
  const size = Math.min(...columns.map(({ length }) => length), Infinity);
  return Array.from({ length: Number.isFinite(size) ? size : 0 }, (_, row) =>
    tuple(...columns.map((column) => column[row] as Value)),
  );
};

/** Reads only the variables that were handed in: a template must not see the rest of the worker's environment. */
export const environmentFunction =
  (variables: Variables): JinjaFunction =>
  (args, kwargs) => {
    const given = new Arguments('env_var()', args, kwargs);
    const name = given.text(0, 'var');
    if (name.startsWith('DBT_ENV_SECRET'))
      throw new JinjaFault(
        `env_var('${name}') is a secret, which may not become part of SQL`,
        undefined,
        'Secrets belong into the connection settings only',
      );
    const found = variables[name];
    if (found !== undefined) return found;
    if (given.has(1, 'default')) return given.text(1, 'default');
    throw new JinjaFault(
      `env_var('${name}'): the environment variable is not set`,
      undefined,
      `Declare ${name} under transform.env, or give a default: env_var('${name}', '…')`,
    );
  };

type Variables = Readonly<Record<string, string | undefined>>;

/** variables of the environment that dbt keeps in its artifacts */
const METADATA = 'DBT_ENV_CUSTOM_ENV_';

/** what the lists of one dict have beyond those of another, without regard to case: grants to give or to take away */
function differences(left: Dict, right: Dict): Dict {
  const lower = (value: Value): string => str(value).toLowerCase();
  const there = new Map(
    [...right].map(([key, list]) => [lower(key), new Set([...iterate(list)].map(lower))]),
  );
  const found: Dict = new Map();
  for (const [key, list] of left) {
    const other = there.get(lower(key));
    const more = [...iterate(list)].filter((item) => !other?.has(lower(item)));
    if (more.length > 0) found.set(other ? lower(key) : key, other ? more.map(lower) : more);
  }
  return found;
}

/** dates of YAML are dates in Python */
function fromYaml(data: unknown): Value {
  if (data instanceof Date) {
    const isDate = data.getTime() % DAY === 0;
    return new DateTime(data.getTime(), isDate);
  }
  if (Array.isArray(data)) return data.map(fromYaml);
  if (typeof data !== 'object' || data === null) return fromPlain(data);
  return new Map(Object.entries(data).map(([key, item]) => [key, fromYaml(item)]));
}

/** a validator: nothing for a value that is one of the choices, or of one of these types */
function oneOf(choices: Value[], value: Value): Value {
  if (choices.some((choice) => equal(choice, value) || str(choice) === `<class '${typeName(value)}'>`))
    return null;
  throw new JinjaFault(`Expected value "${str(value)}" to be one of ${choices.map(str).join(',')}`);
}

/** Gives its items in turn. */
class Cycler extends PyObject {
  readonly typeName = 'Cycler';
  private at = 0;
  constructor(private readonly items: Value[]) {
    super();
  }
  private get current(): Value {
    return this.items[this.at] ?? null;
  }
  override attribute(name: string): Value | undefined {
    if (name === 'current') return this.current;
    if (name === 'reset')
      return () => {
        this.at = 0;
        return null;
      };
    if (name !== 'next') return undefined;
    return () => {
      const { current } = this;
      this.at = (this.at + 1) % this.items.length;
      return current;
    };
  }
  override toString(): string {
    return '<Cycler>';
  }
}

/** Names that are the same in every context, and keep no state. */
export const COMMON: Readonly<Record<string, Value>> = {
  range,
  dict,
  namespace: (args, kwargs) => new Namespace(dict(args, kwargs, NOWHERE) as Map<Value, Value>),
  cycler: (items) => new Cycler(items),
  joiner: (args) => {
    let used = false;
    return () => {
      if (used) return args[0] ?? ', ';
      used = true;
      return '';
    };
  },
  return: (args) => {
    throw new ReturnSignal(args[0] ?? null);
  },
  debug: () => '',
  tojson: (args, kwargs) =>
    toJson(args[0] ?? null, { sortKeys: truthy(kwargs['sort_keys'] ?? args[2] ?? false), indent: null }),
  fromjson: guarded('fromjson()', fromJson),
  toyaml: (args, kwargs) =>
    stringifyYaml(toPlain(args[0] ?? null), {
      indentSeq: false,
      sortMapEntries: truthy(kwargs['sort_keys'] ?? args[2] ?? false),
      lineWidth: 80,
    }),
  fromyaml: guarded('fromyaml()', (text) => fromYaml(parseYaml(text, { version: '1.1' }))),
  set: converting('set()', false, toSet),
  set_strict: converting('set_strict()', true, toSet),
  zip: (args, kwargs) => {
    try {
      return zip(args);
    } catch {
      return kwargs['default'] ?? null;
    }
  },
  zip_strict: (args) => zip(args),
  local_md5: (args) => md5(str(args[0] ?? '')),
  diff_of_two_dicts: (args) => {
    const [left, right] = args;
    if (!(left instanceof Map) || !(right instanceof Map))
      throw new JinjaFault('diff_of_two_dicts() needs two dicts');
    return differences(left, right);
  },
  validation: new Module('validation', { any: (choices) => (args) => oneOf(choices, args[0] ?? null) }),
  try_or_compiler_error: (args, kwargs, site) => {
    const [message = '', func = null, ...rest] = args;
    try {
      return callValue(func, rest, kwargs, site);
    } catch (cause) {
      // what asks the warehouse, or returns from a macro, is no failure
      if (!(cause instanceof JinjaFault)) throw cause;
      throw new JinjaFault(str(message), site);
    }
  },
  thread_id: 'MainThread',
  dbt_version: DBT_VERSION,
};

type Log = (entry: LogEntry) => void;

/** `log()`: what is not `info=True` is for the log file only */
export const logFunction =
  (log: Log): JinjaFunction =>
  (args, kwargs) => {
    const given = new Arguments('log()', args, kwargs);
    log({ level: given.flag(1, 'info') ? 'info' : 'debug', text: given.text(0, 'msg') });
    return '';
  };

export const printFunction =
  (log: Log): JinjaFunction =>
  (args, kwargs) => {
    log({ level: 'print', text: new Arguments('print()', args, kwargs).text(0, 'msg') });
    return '';
  };

/** `dbt_metadata_envs` */
export const metadataVariables = (variables: Variables): Value =>
  new Map(
    Object.entries(variables).flatMap(([name, value]) =>
      name.startsWith(METADATA) && value !== undefined ? [[name.slice(METADATA.length), value]] : [],
    ),
  );

const NOWHERE = { file: '', line: 0, column: 0 };

/** `var()` over variables already merged for the node's package. */
export function varFunction(vars: ReadonlyMap<string, Value>, lenient = false): Value {
  const read: JinjaFunction = (args, kwargs) => {
    const given = new Arguments('var()', args, kwargs);
    const name = given.text(0, 'name');
    const found = vars.get(name);
    if (found !== undefined) return found;
    if (given.has(1, 'default')) return given.value(1, 'default');
    if (lenient) return null;
    throw new JinjaFault(
      `The variable '${name}' has no value`,
      undefined,
      didYouMean(name, vars.keys()) ||
        `Set it under vars: in dbt_project.yml or in transform.vars, or give a default: var('${name}', …)`,
    );
  };
  return new VarObject(read, vars);
}

class VarObject extends Module {
  constructor(
    private readonly read: JinjaFunction,
    vars: ReadonlyMap<string, Value>,
  ) {
    super('var', { has_var: (args) => vars.has(str(args[0] ?? '')) });
  }
  override call(args: Value[], kwargs: Kwargs, site: Parameters<JinjaFunction>[2]): Value {
    return this.read(args, kwargs, site);
  }
}
