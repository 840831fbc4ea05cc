import { Arguments } from '../jinja/arguments.js';
import { callValue } from '../jinja/evaluate.js';
import { JinjaFault } from '../jinja/fault.js';
import { PyObject, truthy, type Dict, type Kwargs, type Value } from '../jinja/values.js';

/** `config` in a template: called it sets (while the project is read), and `.get` reads. */
export class ConfigObject extends PyObject {
  readonly typeName = 'Config';

  constructor(
    /** what `.get` sees */
    private readonly current: () => Dict,
    /** takes what the template sets; null once the project has been read */
    private readonly set: ((given: Dict) => void) | null,
  ) {
    super();
  }

  override call(args: Value[], kwargs: Kwargs): Value {
    const given: Dict = new Map(Object.entries(kwargs));
    const [first] = args;
    if (first instanceof Map) for (const [key, value] of first) given.set(key, value);
    else if (first !== undefined) throw new JinjaFault('config() takes names and values, or one dict');
    this.set?.(given);
    return '';
  }

  override attribute(name: string): Value | undefined {
    const required = (key: string, of: Dict): Value => {
      const value = of.get(key);
      if (value === undefined && this.set === null)
        throw new JinjaFault(`This node needs the config '${key}'`, undefined, `Set it: config(${key}=…)`);
      return value ?? '';
    };
    const found = (given: Arguments, of: Dict): Value => {
      const value = of.get(given.text(0, 'name'));
      const validator = given.value(2, 'validator', null);
      // what is set to None stays None, also beside a default
      const result = value === undefined ? given.value(1, 'default', null) : value;
      if (validator !== null && this.set === null && given.value(1, 'default', null) !== null)
        callValue(validator, [result]);
      return result;
    };
    const methods: Record<string, (given: Arguments) => Value> = {
      get: (given) => found(given, this.current()),
      meta_get: (given) => found(given, this.meta()),
      require: (given) => {
        const value = required(given.text(0, 'name'), this.current());
        const validator = given.value(1, 'validator', null);
        if (validator !== null && this.set === null) callValue(validator, [value]);
        return value;
      },
      meta_require: (given) => required(given.text(0, 'name'), this.meta()),
      // as in dbt this configures the node while it is read, and does nothing afterwards
      set: (given) => {
        this.set?.(new Map([[given.text(0, 'name'), given.value(1, 'value')]]));
        return '';
      },
      persist_relation_docs: () => this.persists('relation'),
      persist_column_docs: () => this.persists('columns'),
    };
    if (Object.hasOwn(methods, name))
      return (args, kwargs) =>
        (methods[name] as (given: Arguments) => Value)(new Arguments(`config.${name}()`, args, kwargs));
    return this.current().get(name);
  }

  private meta(): Dict {
    const meta = this.current().get('meta');
    return meta instanceof Map ? meta : new Map<Value, Value>();
  }

  private persists(what: string): boolean {
    const docs = this.current().get('persist_docs');
    return docs instanceof Map && truthy(docs.get(what) ?? false);
  }

  override toString(): string {
    return '<config>';
  }
}
