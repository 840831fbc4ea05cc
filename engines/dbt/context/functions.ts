import { parse as parseYaml, stringify as stringifyYaml } from 'yaml';
import { didYouMean } from '../../nearest.js';
import { Arguments } from '../jinja/arguments.js';
import { mergeInto } from '../jinja/collection-methods.js';
import { JinjaFault } from '../jinja/fault.js';
import { fromJson, toJson } from '../jinja/json.js';
import { ReturnSignal } from '../jinja/render.js';
import {
  fromPlain,
  iterate,
  Module,
  Namespace,
  repr,
  str,
  toNumber,
  toPlain,
  tuple,
  truthy,
  type JinjaFunction,
  type Kwargs,
  type Value,
} from '../jinja/values.js';
import { md5 } from '../project/files.js';

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
const toSet = (value: Value): Value => new Set(iterate(value));

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
const environment =
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

/** Functions that are the same in every context. `log` lines go to `log`. */
export function commonFunctions(log: (line: string) => void, variables: Variables): Record<string, Value> {
  const raise: JinjaFunction = (args, kwargs, site) => {
    throw new JinjaFault(new Arguments('raise_compiler_error()', args, kwargs).text(0, 'msg'), site);
  };
  const warn: JinjaFunction = (args) => {
    log(`warning: ${str(args[0] ?? '')}`);
    return '';
  };
  return {
    range,
    dict,
    namespace: (args, kwargs) => new Namespace(dict(args, kwargs, NOWHERE) as Map<Value, Value>),
    cycler: (items) => {
      let at = -1;
      const step: JinjaFunction = () => items[(at = (at + 1) % items.length)] ?? null;
      return new Module('cycler', { next: step, reset: () => ((at = -1), null) });
    },
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
    env_var: environment(variables),
    log: (args) => {
      log(str(args[0] ?? ''));
      return '';
    },
    print: (args) => {
      log(str(args[0] ?? ''));
      return '';
    },
    debug: () => '',
    tojson: (args, kwargs) =>
      toJson(args[0] ?? null, { sortKeys: truthy(kwargs['sort_keys'] ?? args[2] ?? false), indent: null }),
    fromjson: guarded('fromjson()', fromJson),
    toyaml: (args) => stringifyYaml(toPlain(args[0] ?? null)),
    fromyaml: guarded('fromyaml()', (text) => fromPlain(parseYaml(text, { version: '1.1' }))),
    set: converting('set()', false, toSet),
    set_strict: converting('set_strict()', true, toSet),
    zip: (args) => zip(args),
    zip_strict: (args) => zip(args),
    local_md5: (args) => md5(str(args[0] ?? '')),
    diff_of_two_dicts: (args) => {
      const [left, right] = args;
      if (!(left instanceof Map) || !(right instanceof Map))
        throw new JinjaFault('diff_of_two_dicts() needs two dicts');
      return new Map([...left].filter(([key, value]) => repr(right.get(key) ?? null) !== repr(value)));
    },
    exceptions: new Module('exceptions', {
      raise_compiler_error: raise,
      raise_not_implemented: raise,
      raise_contract_error: raise,
      warn,
      missing_relation: raise,
    }),
    dbt_version: '1.10.23',
  };
}

const NOWHERE = { file: '', line: 0, column: 0 };

/** `var()` over variables already merged for the node's package. */
export function varFunction(vars: ReadonlyMap<string, Value>): Value {
  const read: JinjaFunction = (args, kwargs) => {
    const given = new Arguments('var()', args, kwargs);
    const name = given.text(0, 'name');
    const found = vars.get(name);
    if (found !== undefined) return found;
    if (given.has(1, 'default')) return given.value(1, 'default');
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
