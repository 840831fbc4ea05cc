import { z } from 'zod';

/** Names become folders, relations and workflow ids: lower case, digits and `_`, never a path or a quote. */
export const Name = z
  .string()
  .regex(
    /^[a-z][a-z0-9_]{0,62}$/,
    'must be lower case letters, digits and _, starting with a letter (at most 63)',
  );

/** `90s`, `15m`, `24h`, `7d`: a length of time, kept as text so that it reads the same in code, JSON and the UI. */
export const Duration = z
  .string()
  .regex(/^\d+(ms|s|m|h|d)$/, "must be a number and a unit: '90s', '15m', '24h', '7d'");
export type Duration = z.infer<typeof Duration>;

/** A file in the object store, named by its content. Histories carry these, never rows. */
export const ObjectRef = z.strictObject({ uri: z.string(), sha256: z.string(), bytes: z.int() });
export type ObjectRef = z.infer<typeof ObjectRef>;

/** Where a secret is, never the secret: `env:NAME` or `file:/run/secrets/name`. */
export const SecretRef = z
  .string()
  .regex(/^(env|file):.+$/, "must be a reference: 'env:NAME' or 'file:/path'");
export type SecretRef = z.infer<typeof SecretRef>;
