import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { homeDir } from '../deploy/local/home.js';
import { readStack } from '../deploy/local/stack-file.js';
import { MillraceError } from '../schemas/errors.js';

export interface Connected {
  client: Client;
  namespace: string;
  address: string;
  /** of the Temporal UI, when it is known */
  uiUrl: string | undefined;
  close: () => Promise<void>;
}

/**
 * Connects to the server that Temporal's standard configuration names (TEMPORAL_ADDRESS, TEMPORAL_PROFILE, its TOML
 * file), else to the embedded stack of this checkout.
 * @throws MillraceError Unavailable, saying what was tried
 */
export async function connect(): Promise<Connected> {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const stack = connectionOptions.address ? undefined : await readStack(homeDir());
  const address = connectionOptions.address ?? stack?.address;
  if (!address) {
    throw new MillraceError('Unavailable', {
      what: 'no Temporal server is named and no embedded stack is running',
      fix: 'Start one with: millrace up (or set TEMPORAL_ADDRESS)',
    });
  }
  const uiUrl = process.env['TEMPORAL_UI_URL'] ?? stack?.uiUrl ?? undefined;
  return connectTo({ address, namespace, uiUrl }, connectionOptions);
}

/** Connects to one server. @throws MillraceError Unavailable */
export async function connectTo(
  { address, namespace, uiUrl }: Omit<Connected, 'client' | 'close'>,
  options: ConnectionOptions = {},
): Promise<Connected> {
  try {
    const connection = await Connection.connect({ ...options, address, connectTimeout: '5s' });
    return {
      client: new Client({ connection, namespace }),
      namespace,
      address,
      uiUrl,
      close: () => connection.close(),
    };
  } catch (cause) {
    throw new MillraceError('Unavailable', {
      what: `the Temporal server at ${address} does not answer: ${cause instanceof Error ? cause.message : String(cause)}`,
      fix: 'Check that it runs; the embedded one is started by: millrace up',
      cause,
    });
  }
}

/** Runs one piece of work with a connection that is closed afterwards. */
export async function withClient<T>(work: (connected: Connected) => Promise<T>): Promise<T> {
  const connected = await connect();
  try {
    return await work(connected);
  } finally {
    await connected.close();
  }
}

/** The page of a run in the Temporal UI. */
export const runUrl = (
  { uiUrl, namespace }: Pick<Connected, 'uiUrl' | 'namespace'>,
  workflowId: string,
  runId?: string,
): string | undefined =>
  uiUrl &&
  `${uiUrl}/namespaces/${namespace}/workflows/${encodeURIComponent(workflowId)}${runId ? `/${runId}/history` : ''}`;
