import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { MillraceError } from '../../schemas/errors.js';
import type { S3Place } from '../../schemas/place.js';

export type S3Spec = Omit<S3Place, 'kind'>;

/** A bucket, or what of it lies below a prefix, with the client that reaches it. */
export interface S3Bucket {
  client: S3Client;
  bucket: string;
  /** empty, or ends with `/` */
  prefix: string;
  /** for references and for people */
  uri: string;
}

// which Node runs here is this project's word (engines in package.json), not for each command to print
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

/** A connection that says nothing for so long is dead; the SDK tries again by itself. */
const SILENT_MS = 30_000;
const CONNECT_MS = 10_000;

/**
 * @param secret resolves the references of the credentials; without any, the SDK looks where it always does
 * @throws MillraceError SecretUnresolved
 */
export async function openBucket(
  { bucket, prefix, region, endpoint, credentials }: S3Spec,
  secret: (reference: string) => Promise<string>,
): Promise<S3Bucket> {
  const config: S3ClientConfig = {
    region,
    // compatible stores seldom have a host name for each bucket
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    ...(credentials && {
      credentials: {
        accessKeyId: await secret(credentials.accessKeyId),
        secretAccessKey: await secret(credentials.secretAccessKey),
        ...(credentials.sessionToken !== undefined && {
          sessionToken: await secret(credentials.sessionToken),
        }),
      },
    }),
    requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: SILENT_MS },
  };
  const below = prefix.replace(/^\/+|\/+$/g, '');
  const folder = below === '' ? '' : `${below}/`;
  return { client: new S3Client(config), bucket, prefix: folder, uri: `s3://${bucket}/${folder}` };
}

const DENIED = new Set([
  ...['AccessDenied', 'Forbidden', 'InvalidAccessKeyId', 'SignatureDoesNotMatch', 'InvalidToken'],
  ...[
    'AccountProblem',
    'NotSignedUp',
    'InvalidSecurity',
    'CredentialsProviderError',
    'KMS.AccessDeniedException',
  ],
]);
const EXPIRED = new Set(['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired']);
const ELSEWHERE = new Set([
  'PermanentRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
]);
const BUSY = new Set([
  // an upload that was finished, and whose answer was lost: it is done again
  'NoSuchUpload',
  'ConditionalRequestConflict',
  'SlowDown',
  'TooManyRequests',
  'ThrottlingException',
  'RequestTimeout',
  'RequestTimeTooSkewed',
]);
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/;

interface SdkError extends Error {
  code?: string;
  $metadata?: { httpStatusCode?: number; attempts?: number };
  $response?: { headers?: Record<string, string> };
}

export const statusOf = (error: unknown): number | undefined =>
  (error as SdkError | undefined)?.$metadata?.httpStatusCode;

/** What the SDK or the store says, as an error that says what to do. Errors of the project itself and aborts pass. */
export function explainS3(
  error: unknown,
  { uri, bucket }: Pick<S3Bucket, 'uri' | 'bucket'>,
  key = '',
): unknown {
  if (!(error instanceof Error) || error instanceof MillraceError || error.name === 'AbortError')
    return error;
  const { name, message, code = '', $response } = error as SdkError;
  const status = statusOf(error);
  const where = { file: `${uri}${key}` };
  const say = `${name}${message && message !== name ? `: ${message}` : ''}`;
  if (name === 'NoSuchBucket') {
    return new MillraceError('BucketMissing', {
      ...{ what: `There is no bucket '${bucket}'`, where, cause: error },
      fix: 'Create it, or correct bucket, region or endpoint',
    });
  }
  if (EXPIRED.has(name)) {
    return new MillraceError('AccessDenied', {
      ...{ what: `The store's credentials have expired (${say})`, where, cause: error },
      fix: 'Give the worker fresh ones, best a role that renews them itself, and start the run again',
    });
  }
  if (DENIED.has(name) || status === 401 || status === 403) {
    return new MillraceError('AccessDenied', {
      ...{ what: `The store refuses these credentials, or what they may do (${say})`, where, cause: error },
      fix: 'Check the access key, and that its policy allows s3:ListBucket, s3:GetObject and, for a lake, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload here',
    });
  }
  if (ELSEWHERE.has(name) || status === 301) {
    return new MillraceError('ProjectInvalid', {
      ...{ what: `The bucket '${bucket}' is in another region (${say})`, where, cause: error },
      fix: 'Set region to the one of the bucket',
    });
  }
  if (CERTIFICATE.test(code)) {
    return new MillraceError('CertificateInvalid', {
      ...{ what: `The store's certificate is not trusted (${code}: ${message})`, where, cause: error },
      fix: 'Renew it, or name the authority that signed it with NODE_EXTRA_CA_CERTS on the worker',
    });
  }
  if (status !== undefined && status >= 400 && status < 500 && status !== 429 && !BUSY.has(name)) {
    return new MillraceError('ServerUnsuitable', {
      ...{ what: `The store refuses the request (HTTP ${status}, ${say})`, where, cause: error },
      fix: 'Check endpoint, region and bucket, and that the store has this operation of S3',
    });
  }
  if (status === 501) {
    return new MillraceError('ServerUnsuitable', {
      ...{ what: `The store has no such operation (${say})`, where, cause: error },
      fix: 'Use a store that has it',
    });
  }
  const after = Number($response?.headers?.['retry-after']);
  return new MillraceError('Unavailable', {
    ...{ what: `The store cannot be reached or is busy (${code || say})`, where, cause: error },
    ...(after > 0 && { retryAfterMs: after * 1000 }),
    fix: 'Check endpoint and network if it stays so; the retry goes on where this stopped',
  });
}
