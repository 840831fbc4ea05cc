import type { Client } from '@temporalio/client';
import { connectTo } from '../../clients/connect.js';
import { workerEntry } from '../../clients/worker-entry.js';
import type { Stack } from '../../deploy/local/stack.js';
import type { ExtractProject } from './extract-project.js';
import { startTestStack } from './stack.js';

export interface Extracting extends Stack {
  client: Client;
}

/** A real server and a real worker for a project. @returns them, and what ends both */
export async function startExtracting(
  project: ExtractProject,
  { env = {}, entry = workerEntry() }: { env?: Record<string, string>; entry?: string } = {},
): Promise<[Extracting, () => Promise<void>]> {
  const stack = await startTestStack({ projects: [project.root], workerEntry: entry, env });
  const { client, close } = await connectTo({ ...stack, uiUrl: undefined });
  const stop = async (): Promise<void> => {
    await close();
    await stack.stop();
  };
  return [{ ...stack, client }, stop];
}
