import { equal, PyObject, str, tuple, type JinjaFunction, type Value } from '../jinja/values.js';

/** What is read by number as well as by name: the cells of a row, the columns of a table. */
export class Mapped extends PyObject {
  readonly typeName: string = 'MappedSequence';
  constructor(
    protected readonly label: string,
    readonly names: readonly string[],
    readonly cells: Value[],
  ) {
    super();
  }
  override attribute(name: string): Value | undefined {
    const at = this.names.indexOf(name);
    const methods: Record<string, JinjaFunction> = {
      values: () => tuple(...this.cells),
      keys: () => tuple(...this.names),
      items: () => this.names.map((key, index) => tuple(key, this.cells[index] as Value)),
      dict: () => new Map(this.names.map((key, index) => [key, this.cells[index] as Value])),
      get: (args) => {
        const found = this.names.indexOf(str(args[0] ?? ''));
        return found < 0 ? (args[1] ?? null) : (this.cells[found] as Value);
      },
      index: (args) => this.cells.findIndex((cell) => equal(cell, args[0] ?? null)),
      count: (args) => this.cells.filter((cell) => equal(cell, args[0] ?? null)).length,
    };
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
    // a column called `count` or `index` is meant more often than the method
    if (at >= 0 && (method === undefined || name === 'count' || name === 'index')) return this.cells[at];
    return method;
  }
  override item(key: Value): Value | undefined {
    if (typeof key === 'number') return this.cells.at(key);
    const at = this.names.indexOf(str(key));
    return at < 0 ? super.item(key) : this.cells[at];
  }
  override iterate(): Iterable<Value> {
    return this.cells;
  }
  override equals(other: Value): boolean {
    const cells = other instanceof Mapped ? other.cells : Array.isArray(other) ? other : null;
    return (
      cells !== null &&
      cells.length === this.cells.length &&
      cells.every((cell, index) => equal(cell, this.cells[index] as Value))
    );
  }
  override truthy(): boolean {
    return this.cells.length > 0;
  }
  override toString(): string {
    return `<agate.${this.label}: ${str(tuple(...this.cells.slice(0, 5)))}>`;
  }
}
