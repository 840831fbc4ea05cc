import { JinjaFault } from './fault.js';
import { str, toNumber, truthy, Undefined, type Kwargs, type Value } from './values.js';

/** Reads the arguments of a built-in by position or name. */
export class Arguments {
  constructor(
    readonly of: string,
    readonly args: Value[],
    readonly kwargs: Kwargs,
  ) {}

  value(index: number, name: string, fallback?: Value): Value {
    const given = index < this.args.length ? this.args[index] : this.kwargs[name];
    if (given !== undefined) return given;
    if (fallback !== undefined) return fallback;
    throw new JinjaFault(`${this.of} needs its argument '${name}'`);
  }

  has(index: number, name: string): boolean {
    return index < this.args.length || this.kwargs[name] !== undefined;
  }

  text(index: number, name: string, fallback?: string): string {
    const value = this.value(index, name, fallback);
    if (value instanceof Undefined)
      throw new JinjaFault(`${this.of}: its argument '${name}' is undefined ('${value.name}')`);
    return str(value);
  }

  /** @returns null for None */
  optionalText(index: number, name: string): string | null {
    const value = this.value(index, name, null);
    return value === null || value instanceof Undefined ? null : str(value);
  }

  number(index: number, name: string, fallback?: number): number {
    return toNumber(this.value(index, name, fallback));
  }

  optionalNumber(index: number, name: string): number | null {
    const value = this.value(index, name, null);
    return value === null || value instanceof Undefined ? null : toNumber(value);
  }

  flag(index: number, name: string, fallback = false): boolean {
    return truthy(this.value(index, name, fallback));
  }
}
