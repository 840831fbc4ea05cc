import { Undefined, type Value } from './values.js';

/** Names that are not set in the template: functions, macros, objects of the context. */
export interface Globals {
  get(name: string): Value | undefined;
  /** for suggestions in errors */
  names(): Iterable<string>;
  /** undefined names pass silently, as while a project is read */
  readonly lenient: boolean;
}

/** Variables of one block; what is not found here is looked for further out. */
export class Scope {
  private readonly values = new Map<string, Value>();

  constructor(
    readonly globals: Globals,
    private readonly parent: Scope | null = null,
  ) {}

  inner(): Scope {
    return new Scope(this.globals, this);
  }

  get(name: string): Value {
    const value = this.values.get(name);
    if (value !== undefined) return value;
    if (this.parent) return this.parent.get(name);
    const found = this.globals.get(name);
    return found === undefined ? new Undefined(name, this.globals.lenient) : found;
  }

  set(name: string, value: Value): void {
    this.values.set(name, value);
  }

  *names(): Iterable<string> {
    yield* this.values.keys();
    yield* (this.parent ?? this.globals).names();
  }
}
