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
    /**
     * formats tried in order, for date and timestamp types: strptime's (`%Y-%m-%d`); of copybook and journal streams
     * also `CYYMMDD`, `YYYYMMDD`, `DD.MM.YYYY`, `*ISO`
     */
    formats: z.array(z.string()).min(1).optional(),
    /** values that mean none, such as 0 and 9999999; of copybook and journal streams, beside `formats` */
    nulls: z
      .array(z.union([z.string(), z.number()]))
      .min(1)
      .optional(),
    /** a row without a value is quarantined */
    required: z.boolean().optional(),
    /** name in the file, when it differs */
    from: z.string().optional(),
  }),
]);
export type Column = z.infer<typeof Column>;
