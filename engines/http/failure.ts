import { MillraceError } from '../../schemas/errors.js';

/** Address without user, password, parameters and fragment: any of them may be a secret. */
export const shownUrl = ({ origin, pathname }: URL): string => `${origin}${pathname}`;

const CERTIFICATE =
  /^(CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_TLS_CERT_|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH_EXCEEDED)/;
const PLAIN = new Set(['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG']);

/** Says what a request died of. @returns the reason of `signal` when that stopped it, else a MillraceError */
export function networkFailure(error: unknown, url: URL, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  if (error instanceof MillraceError) return error.at({ file: shownUrl(url) });
  const code = codeOf(error);
  const said = error instanceof Error ? error.message : String(error);
  const where = { file: shownUrl(url) };
  if (CERTIFICATE.test(code)) {
    return new MillraceError('CertificateInvalid', {
      what: `The certificate of ${url.hostname} is not accepted: ${said}`,
      where,
      fix: 'Renew it on the server; for a private authority give its certificate to the worker by NODE_EXTRA_CA_CERTS. If it changed unexpectedly, find out who answers there',
      cause: error,
    });
  }
  if (PLAIN.has(code)) {
    return new MillraceError('CertificateInvalid', {
      what: `${url.host} does not speak TLS as it should: ${said}`,
      where,
      fix: 'Check scheme and port of the address',
      cause: error,
    });
  }
  if (code === 'UND_ERR_INVALID_ARG') {
    return new MillraceError('ProjectInvalid', {
      what: `The request cannot be sent: ${said}`,
      where,
      fix: 'Check the headers of the source; a secret that goes into one may hold a line end',
      cause: error,
    });
  }
  return new MillraceError('Unavailable', {
    what: `${url.host} ${REASONS[code] ?? `broke the connection: ${said || code}`}`,
    where,
    fix: 'It is tried again; check address, network and the state of the server if it stays so',
    cause: error,
  });
}

const REASONS: Record<string, string> = {
  ENOTFOUND: 'has no address',
  EAI_AGAIN: 'could not be resolved: the name server did not answer',
  ECONNREFUSED: 'refuses connections',
  EHOSTUNREACH: 'cannot be reached',
  ENETUNREACH: 'cannot be reached',
  ETIMEDOUT: 'did not take the connection in time',
  UND_ERR_CONNECT_TIMEOUT: 'did not take the connection in time',
  UND_ERR_HEADERS_TIMEOUT: 'did not answer in time',
  UND_ERR_BODY_TIMEOUT: 'stopped in the middle of its answer',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'cut its answer off',
};

/** Codes lie on the error, its cause, or the first of several attempts to connect. */
function codeOf(error: unknown): string {
  const seen = error as { code?: unknown; cause?: unknown; errors?: unknown[] } | undefined;
  if (typeof seen?.code === 'string') return seen.code;
  const inner = seen?.errors?.[0] ?? seen?.cause;
  return inner === undefined ? '' : codeOf(inner);
}
