import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { homeDir } from '../../deploy/local/home.js';
import { anyFreePort } from '../../deploy/local/ports.js';
import { S3Lake } from '../../schemas/project.js';

const KEY = 'millrace-tests';
const SECRET = 'millrace-tests-secret';
const SECRETS: Record<string, string> = {
  'env:KEY': KEY,
  'env:SECRET': SECRET,
  'env:WRONG': 'another-secret',
};

/** Resolves what {@link S3Server.spec} refers to, and `env:WRONG`. */
export const secret = (reference: string): Promise<string> => Promise.resolve(SECRETS[reference] ?? '');

export interface S3Server {
  port: number;
  /** the spec of a bucket on it; behind another port when a proxy stands between */
  spec(bucket: string, more?: { prefix?: string; port?: number }): S3Lake;
  createBucket(bucket: string): Promise<void>;
  /** for looking past the code under test */
  client: S3Client;
  /** where the objects of a bucket lie as files: many are written there faster than by requests */
  folder(bucket: string): string;
  stop(): Promise<void>;
}

/** A real S3 server (versitygw over a temporary folder) on a free port of this machine. */
export async function startS3Server(): Promise<S3Server> {
  const root = mkdtempSync(join(tmpdir(), 'millrace-s3-'));
  await mkdir(join(root, 'data'));
  await mkdir(join(root, 'meta'));
  const port = await anyFreePort();
  // metadata in files of their own: not every file system has extended attributes
  const server = spawn(
    serverPath(),
    [
      '--port',
      `127.0.0.1:${port}`,
      '--quiet',
      '--keep-alive',
      'posix',
      '--sidecar',
      join(root, 'meta'),
      join(root, 'data'),
    ],
    {
      env: { ROOT_ACCESS_KEY: KEY, ROOT_SECRET_KEY: SECRET },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let said = '';
  server.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const endpoint = `http://127.0.0.1:${port}`;
  const client = new S3Client({
    ...{ endpoint, region: 'us-east-1', forcePathStyle: true },
    credentials: { accessKeyId: KEY, secretAccessKey: SECRET },
  });
  for (let waited = 0; !(await answers(endpoint)); waited += 50) {
    if (server.exitCode !== null || waited > 20_000) throw new Error(`the S3 server did not start: ${said}`);
    await sleep(50);
  }
  return {
    port,
    client,
    spec: (bucket, { prefix = '', port: through = port } = {}) =>
      S3Lake.parse({
        ...{ kind: 's3', bucket, prefix, endpoint: `http://127.0.0.1:${through}` },
        credentials: { accessKeyId: 'env:KEY', secretAccessKey: 'env:SECRET' },
      }),
    folder: (bucket) => join(root, 'data', bucket),
    createBucket: async (bucket) => {
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
    },
    stop: async () => {
      client.destroy();
      if (server.exitCode === null) {
        const ended = once(server, 'exit');
        server.kill('SIGKILL');
        await ended;
      }
      rmSync(root, { recursive: true, force: true });
    },
  };
}

const answers = (endpoint: string): Promise<boolean> =>
  fetch(endpoint).then(
    () => true,
    () => false,
  );

function serverPath(): string {
  try {
    const stamp = JSON.parse(readFileSync(join(homeDir(), 'setup', 's3-server.json'), 'utf8')) as {
      path: string;
    };
    return stamp.path;
  } catch {
    throw new Error('there is no S3 server for the tests: `npm test` fetches or builds one');
  }
}
