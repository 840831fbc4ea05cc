import { fileURLToPath } from 'node:url';

/** Compiled main module of the worker. From sources (tests) it is the one that the build has left in `dist`. */
export function workerEntry(): string {
  const sources = import.meta.url.endsWith('.ts');
  return fileURLToPath(new URL(sources ? '../dist/workers/main.js' : '../workers/main.js', import.meta.url));
}
