import { z } from 'zod';

/** Column types of bronze; `decimal(p,s)` keeps every digit. */
const TypeName = z
  .string()
  .regex(
    /^(text|boolean|int32|int64|double|date|time|timestamp|timestamptz|uuid|binary|json|decimal\(\d{1,2},\s?\d{1,2}\))$/,
    'must be text, boolean, int32, int64, double, date, time, timestamp, timestamptz, uuid, binary, json or decimal(p,s)',
  );
export type TypeName = z.infer<typeof TypeName>;

export const Column = z.union([
  TypeName,
  z.strictObject({
    /** type in bronze */
    type: TypeName,
    /** strptime formats tried in order (`%Y-%m-%d`); for date and timestamp types */
    formats: z.array(z.string()).min(1).optional(),
    /** a row without a value is quarantined */
    required: z.boolean().optional(),
    /** name in the file, when it differs */
    from: z.string().optional(),
  }),
]);
export type Column = z.infer<typeof Column>;
