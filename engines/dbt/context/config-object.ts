import { Arguments } from '../jinja/arguments.js';
import { JinjaFault } from '../jinja/fault.js';
import { PyObject, str, type Dict, type JinjaFunction, type Kwargs, type Value } from '../jinja/values.js';

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
    const methods: Record<string, JinjaFunction> = {
      get: (args, kwargs) => {
        const given = new Arguments('config.get()', args, kwargs);
        return this.current().get(given.text(0, 'name')) ?? given.value(1, 'default', null);
      },
      require: (args) => {
        const key = str(args[0] ?? '');
        const value = this.current().get(key);
        if (value === undefined && this.set === null)
          throw new JinjaFault(`This node needs the config '${key}'`, undefined, `Set it: config(${key}=…)`);
        return value ?? '';
      },
      set: (args) => {
        this.current().set(args[0] ?? null, args[1] ?? null);
        return '';
      },
      persist_relation_docs: () => false,
      persist_column_docs: () => false,
    };
    if (Object.hasOwn(methods, name)) return methods[name];
    return this.current().get(name);
  }

  override toString(): string {
    return '<config>';
  }
}
