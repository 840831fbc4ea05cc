import { z } from 'zod';
import type { Column, TypeName } from './column.js';

type JsonSchema = z.core.JSONSchema.BaseSchema;

/**
 * The columns of a stream from a zod object, so that one schema serves the project's own code and bronze:
 * `columns: columnsOf(z.object({ id: z.int(), at: z.iso.datetime(), note: z.string().nullish() }))`. What is neither
 * optional nor nullable is required: a row without it is quarantined. Objects, arrays and unions become `json`; checks
 * such as lengths are not carried over.
 */
export function columnsOf(schema: z.ZodObject): Record<string, Column> {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const { type } = zodSchema._zod.def;
      if (type === 'bigint') Object.assign(jsonSchema, { type: 'integer' });
      if (type === 'date') Object.assign(jsonSchema, { type: 'string', format: 'date-time' });
    },
  });
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => {
      const { type, nullable } = typeOf(property as JsonSchema);
      return [name, required.includes(name) && !nullable ? { type, required: true } : type];
    }),
  );
}

const FORMATS: Record<string, TypeName> = {
  'date-time': 'timestamptz',
  date: 'date',
  time: 'time',
  uuid: 'uuid',
};

function typeOf(schema: JsonSchema): { type: TypeName; nullable: boolean } {
  const alternatives = schema.anyOf ?? [schema];
  const values = alternatives.filter(({ type }) => type !== 'null');
  const types = new Set(values.map(scalarOf));
  const [only = 'json'] = types;
  const nullable = values.length < alternatives.length || values.some(isAnything);
  return { type: types.size === 1 ? only : 'json', nullable };
}

const isAnything = (schema: JsonSchema): boolean =>
  !('type' in schema || 'enum' in schema || 'const' in schema || 'allOf' in schema || 'oneOf' in schema);

function scalarOf({ type, format, enum: values, const: value }: JsonSchema): TypeName {
  switch (type) {
    case 'string':
      return FORMATS[format ?? ''] ?? 'text';
    case 'integer':
      return 'int64';
    case 'number':
      return 'double';
    case 'boolean':
      return 'boolean';
    default:
      return [...(values ?? []), value].some((one) => typeof one === 'string') ? 'text' : 'json';
  }
}
