import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';

/** Where the build leaves the workflow bundle, beside the compiled worker. */
export const BUNDLE_PATH = fileURLToPath(new URL('./workflow-bundle.js', import.meta.url));

/** Bundles the workflows once, at build time: a worker then starts without webpack. */
export async function buildBundle(path = BUNDLE_PATH): Promise<void> {
  const workflowsPath = fileURLToPath(new URL('../workflows/index.js', import.meta.url));
  const { code } = await bundleWorkflowCode({ workflowsPath });
  await writeFile(path, code);
}

export const bundleExists = (path: string): boolean => existsSync(path);

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildBundle();
