import { z } from 'zod';
import { Duration, SecretRef } from './common.js';

/** A file counts as there when it has stopped growing, or when its marker has arrived. */
const Complete = z.union([
  z.strictObject({
    /** unchanged in size and time for so long */
    settled: Duration,
  }),
  z.strictObject({
    /** name of the marker beside the file: `{file}` is its name, `{stem}` that without its extension */
    marker: z.string().min(1),
  }),
]);
export type Complete = z.infer<typeof Complete>;

/** Where an S3 or a compatible bucket is, and who asks. */
export const s3Shape = {
  /** name of the bucket */
  bucket: z.string().min(1),
  /** keys below it only */
  prefix: z.string().default(''),
  /** where the bucket is; of a compatible store whatever it wants to see */
  region: z.string().default('us-east-1'),
  /** of a compatible store; without it AWS */
  endpoint: z.url().optional(),
  /** without them the AWS SDK's own chain: environment, profile, instance role */
  credentials: z
    .strictObject({
      /** id of the access key */
      accessKeyId: SecretRef,
      /** the key itself */
      secretAccessKey: SecretRef,
      /** of temporary credentials */
      sessionToken: SecretRef.optional(),
    })
    .optional(),
};

export const S3Place = z.strictObject({
  /** set by `s3()` */
  kind: z.literal('s3'),
  ...s3Shape,
});
export type S3Place = z.infer<typeof S3Place>;

/** Declares a bucket as the place of files: `s3({ bucket: 'landing', prefix: 'crm/' })`. */
export const s3 = (options: Omit<z.input<typeof S3Place>, 'kind'>): z.input<typeof S3Place> => ({
  kind: 's3',
  ...options,
});

export const SftpPlace = z.strictObject({
  /** set by `sftp()` */
  kind: z.literal('sftp'),
  /** name or address of the server */
  host: z.string().min(1),
  /** of SSH on it */
  port: z.int().min(1).max(65535).default(22),
  /** who logs in */
  user: z.string().min(1),
  /** the user's password; it or a key is needed, or both where the server wants both */
  password: SecretRef.optional(),
  /** OpenSSH or PEM text */
  privateKey: SecretRef.optional(),
  /** of a private key that is encrypted */
  passphrase: SecretRef.optional(),
  /** the server's key as `ssh-keyscan` prints it (`ssh-ed25519 AAAA…`) or its fingerprint (`SHA256:…`); another one is refused */
  hostKey: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]),
  /** folder on the server */
  folder: z.string().default('.'),
  /** when a file counts as there: it has stopped growing, or its marker has arrived */
  complete: Complete.default({ settled: '5s' }),
});
export type SftpPlace = z.infer<typeof SftpPlace>;

/** Declares a folder of an SFTP server as the place of files. */
export const sftp = (options: Omit<z.input<typeof SftpPlace>, 'kind'>): z.input<typeof SftpPlace> => ({
  kind: 'sftp',
  ...options,
});

/** Where files are: a folder relative to the project, or a place elsewhere. */
export const Root = z.union([z.string().min(1), S3Place, SftpPlace]);
export type Root = z.infer<typeof Root>;
