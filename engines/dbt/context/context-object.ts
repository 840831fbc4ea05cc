import type { Globals } from '../jinja/scope.js';
import { PyObject, str, tuple, type JinjaFunction, type Value } from '../jinja/values.js';

/** `context`: every name of a template as a dict, `context['ref']` or `context.get('my_macro')`. */
export class ContextObject extends PyObject {
  readonly typeName = 'dict';

  constructor(private readonly globals: Globals) {
    super();
  }

  override attribute(name: string): Value | undefined {
    const keys = (): Value[] => [...this.iterate()];
    const methods: Record<string, JinjaFunction> = {
      get: (args) => this.globals.get(str(args[0] ?? '')) ?? args[1] ?? null,
      keys,
      values: () => keys().map((name) => this.globals.get(str(name)) ?? null),
      items: () => keys().map((name) => tuple(name, this.globals.get(str(name)) ?? null)),
    };
    return Object.hasOwn(methods, name) ? methods[name] : this.globals.get(name);
  }

  override item(key: Value): Value | undefined {
    return typeof key === 'string' ? this.globals.get(key) : undefined;
  }

  override iterate(): Iterable<Value> {
    return new Set(this.globals.names());
  }

  /** without listing all of them */
  override has(key: Value): boolean {
    return typeof key === 'string' && this.globals.get(key) !== undefined;
  }

  override toString(): string {
    return '<context>';
  }
}
