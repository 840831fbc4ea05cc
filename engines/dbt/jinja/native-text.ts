import { PyObject } from './values.js';

/**
 * A text that dbt's filters `as_native`, `as_bool` and `as_number` have marked: where YAML is rendered it is read as
 * Python would read it, elsewhere it is the text.
 */
export class NativeText extends PyObject {
  readonly typeName = 'str';
  constructor(
    readonly text: string,
    readonly kind: 'native' | 'bool' | 'number',
  ) {
    super();
  }
  override attribute(): undefined {
    return undefined;
  }
  override toString(): string {
    return this.text;
  }
}
