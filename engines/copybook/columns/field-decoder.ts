import { FieldCode } from '../decode/field-code.js';
import { RUNTIME } from '../decode/runtime.js';
import { runGenerated } from '../run-generated.js';
import type { Field } from '../layout.js';
import type { CopybookSettings } from '../settings.js';

/** Decodes the field whose first byte is `bytes[from]`, in a record that ends at `end`. */
export type Decode = (bytes: Uint8Array, from: number, end: number) => unknown;

/** A function for one field with the code that the row decoder has for it, so that the two never differ. */
export function fieldDecoder(field: Field, settings: CopybookSettings): Decode {
  const code = new FieldCode(settings);
  const source = `return function (b, from, end) { return ${code.value(field, 'from')}; }`;
  const scope: Record<string, unknown> = { ...RUNTIME, ...code.constants() };
  return runGenerated(source, scope) as Decode;
}
