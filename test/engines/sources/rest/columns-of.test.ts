import { expect, test } from 'vitest';
import { z } from 'zod';
import { columnsOf } from '../../../../schemas/project.js';

test('a zod object becomes columns', () => {
  const schema = z.object({
    id: z.int(),
    big: z.bigint(),
    key: z.uuid(),
    at: z.iso.datetime({ offset: true }),
    day: z.iso.date().nullable(),
    created: z.date(),
    note: z.string().max(10).nullish(),
    price: z.number().optional(),
    paid: z.boolean().default(false),
    state: z.enum(['open', 'closed']),
    kind: z.literal('a').nullable(),
    lines: z.array(z.object({ sku: z.string() })),
    either: z.union([z.string(), z.number()]),
    anything: z.unknown(),
  });
  expect(columnsOf(schema)).toEqual({
    id: { type: 'int64', required: true },
    big: { type: 'int64', required: true },
    key: { type: 'uuid', required: true },
    at: { type: 'timestamptz', required: true },
    day: 'date',
    created: { type: 'timestamptz', required: true },
    note: 'text',
    price: 'double',
    paid: 'boolean',
    state: { type: 'text', required: true },
    kind: 'text',
    lines: { type: 'json', required: true },
    either: { type: 'json', required: true },
    anything: 'json',
  });
});
