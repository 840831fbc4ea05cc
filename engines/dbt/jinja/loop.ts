import type { Site } from './ast.js';
import { JinjaFault } from './fault.js';
import { equal, PyObject, Undefined, type Kwargs, type Value } from './values.js';

/** `loop` inside a `for`. */
export class Loop extends PyObject {
  readonly typeName = 'LoopContext';
  private changing: Value[] | undefined;
  index0 = 0;

  constructor(
    private readonly items: Value[],
    private readonly depth0: number,
    /** renders the loop's body over other items, for `for … recursive` */
    private readonly recurse: ((items: Value, depth0: number) => string) | null,
  ) {
    super();
  }

  override call(args: Value[], _kwargs: Kwargs, site: Site): Value {
    if (!this.recurse) throw new JinjaFault("Only a loop marked 'recursive' can be called", site);
    return this.recurse(args[0] ?? [], this.depth0 + 1);
  }

  override attribute(name: string): Value | undefined {
    const { length } = this.items;
    switch (name) {
      case 'index':
        return this.index0 + 1;
      case 'index0':
        return this.index0;
      case 'revindex':
        return length - this.index0;
      case 'revindex0':
        return length - this.index0 - 1;
      case 'first':
        return this.index0 === 0;
      case 'last':
        return this.index0 === length - 1;
      case 'length':
        return length;
      case 'depth':
        return this.depth0 + 1;
      case 'depth0':
        return this.depth0;
      case 'previtem':
        return this.items[this.index0 - 1] ?? new Undefined('loop.previtem');
      case 'nextitem':
        return this.items[this.index0 + 1] ?? new Undefined('loop.nextitem');
      case 'cycle':
        return (args) => args[this.index0 % args.length] ?? null;
      case 'changed':
        return (args) => {
          const same = this.changing !== undefined && equal(this.changing, args);
          this.changing = args;
          return !same;
        };
      default:
        return undefined;
    }
  }

  override toString(): string {
    return `<LoopContext ${this.index0 + 1}/${this.items.length}>`;
  }
}
