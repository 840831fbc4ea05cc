import type { Field, Layout } from '../layout.js';
import { runGenerated } from '../run-generated.js';
import type { CopybookSettings } from '../settings.js';
import { FieldCode } from './field-code.js';
import { RUNTIME, type DecodeState, type FieldValue, type Row, type Value } from './runtime.js';
import { Writer } from './writer.js';

/** Reads the record that begins at `offset`. @param front values of the columns that come before its fields */
export type RecordDecoder = (
  b: Uint8Array,
  offset: number,
  end: number,
  state: DecodeState,
  parents: string[],
  front: Value[],
) => Row;

export interface GeneratedDecoder {
  /** the fields of a record */
  body: RecordDecoder;
  /** its fields with the generated columns around them */
  record: RecordDecoder;
  /** sets the values of fields that rules read, where these have fixed places */
  prepare: (b: Uint8Array, offset: number, end: number, state: DecodeState) => void;
  /** reads one field by its place in a record with all arrays at their greatest */
  reader: (field: Field) => (b: Uint8Array, start: number) => FieldValue;
  /** the code itself, to be looked at */
  source: string;
}

/**
 * Writes and compiles the JavaScript that decodes one record: a function for each group, straight code for its fields,
 * a loop for each array. Nothing of the layout is looked at while records are read.
 * @param dynamic arrays take only the space of their elements, so that what follows has no fixed place
 */
export function generateDecoder(
  layout: Layout,
  settings: CopybookSettings,
  options: { dynamic: boolean; hierarchical: boolean; front: string[] },
): GeneratedDecoder {
  const code = new FieldCode(settings);
  const writer = new Writer(layout, code, options);
  const around = options.front.length > 0 || settings.generate_corrupt_fields;
  const body = writer.record(settings, 'body', [], false);
  const record = around
    ? writer.record(settings, 'record', options.front, settings.generate_corrupt_fields)
    : body;
  const prepare = writer.prepare();
  const source = [
    "'use strict';",
    ...writer.functions,
    `const prepare = (b, o, end, s) => {\n${prepare.join('\n')}\n};`,
    `return { prepare, body: ${body}, record: ${record} };`,
  ].join('\n');
  const compiled = run(source, {
    ...code.constants(),
    rules: writer.rules.map(({ expression }) => expression.evaluate),
  }) as Pick<GeneratedDecoder, 'prepare' | 'body' | 'record'>;
  return {
    ...compiled,
    reader: (field) => {
      const own = new FieldCode(settings);
      const value = own.value(field, `o + ${field.offset}`);
      const read = run(`'use strict';\nreturn (b, o, end) => ${value};`, own.constants()) as (
        b: Uint8Array,
        o: number,
        end: number,
      ) => FieldValue;
      // a short record has as much of the field as there is, also of a number
      return (b, start) => read(b, start, Math.min(b.length, start + field.offset + field.size));
    },
    source,
  };
}

const run = (source: string, constants: Record<string, unknown>): unknown =>
  runGenerated(source, { ...RUNTIME, ...constants });
