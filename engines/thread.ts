import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker, type Transferable } from 'node:worker_threads';
import { MillraceError, type ErrorBody, type ErrorType } from '../schemas/errors.js';

/** What a function that runs in a thread is given beside its input. */
export interface ThreadContext {
  /**
   * Aborts when the caller's signal does. The cancellation arrives as an event: a loop that never gives up the thread
   * cannot see it, so `await setImmediate()` (`node:timers/promises`) between rounds.
   */
  signal: AbortSignal;
  /** Sends a progress message (structured clone) to the caller's `onMessage`. */
  post: (message: unknown) => void;
}
export type ThreadFunction<I, O> = (input: I, context: ThreadContext) => O | Promise<O>;

export interface ThreadOptions {
  signal?: AbortSignal | undefined;
  onMessage?: ((message: never) => void) | undefined;
  /** objects of the input to move instead of copy */
  transfer?: Transferable[] | undefined;
  /** milliseconds between the cancellation and the end of the thread by force */
  graceMs?: number | undefined;
}

/** What crosses the boundary for an error: a class instance would lose its type. */
export type ThreadFault =
  | { kind: 'millrace'; type: ErrorType; body: ErrorBody; stack: string | undefined }
  | { kind: 'other'; name: string; message: string; stack: string | undefined };
export type ThreadReply =
  | { kind: 'message'; message: unknown }
  | { kind: 'result'; result: unknown }
  | { kind: 'fault'; fault: ThreadFault };
export interface ThreadTask {
  entry: string;
  name: string;
  input: unknown;
}

/**
 * Runs an exported function of a module in a thread of its own, so that code that blocks (training, inference,
 * parsing) leaves the caller's event loop free to heartbeat.
 *
 * @param entry module of the function: `new URL('./fit-thread.js', import.meta.url)`
 * @param name the exported {@link ThreadFunction}
 * @param input, and its result: anything structured clone carries
 * @throws what the function threw, MillraceErrors with their type; the signal's reason after an abort
 */
export async function runInThread<I, O>(
  entry: URL,
  name: string,
  input: I,
  { signal, onMessage, transfer, graceMs = 5_000 }: ThreadOptions = {},
): Promise<O> {
  signal?.throwIfAborted();
  const task: ThreadTask = { entry: compiled(entry).href, name, input };
  const worker = new Worker(compiled(new URL('./thread-entry.js', import.meta.url)), {
    workerData: task,
    ...(transfer && { transferList: transfer }),
  });
  return new Promise<O>((resolve, reject) => {
    let force: NodeJS.Timeout | undefined;
    const cancel = (): void => {
      worker.postMessage('cancel');
      force = setTimeout(() => void worker.terminate(), graceMs);
    };
    const settle = (act: () => void): void => {
      clearTimeout(force);
      signal?.removeEventListener('abort', cancel);
      act();
    };
    let reply: Exclude<ThreadReply, { kind: 'message' }> | undefined;
    let crash: Error | undefined;
    signal?.addEventListener('abort', cancel, { once: true });
    worker.on('message', (received: ThreadReply) => {
      if (received.kind === 'message') onMessage?.(received.message as never);
      else reply = received;
    });
    worker.on('error', (error: Error) => (crash = error));
    // Settled only here: a promise that resolves before the thread has gone would let native memory pile up.
    worker.on('exit', (code) =>
      settle(() => {
        if (signal?.aborted) reject(signal.reason as Error);
        else if (reply?.kind === 'result') resolve(reply.result as O);
        else if (reply) reject(revive(reply.fault));
        else reject(crash ?? ended(name, code));
      }),
    );
  });
}

function ended(name: string, code: number): MillraceError {
  return new MillraceError('Unavailable', {
    what: `the thread of '${name}' ended with code ${code} before it answered`,
    fix: 'It is tried again; if it repeats, the machine is probably short of memory.',
  });
}

/** @returns the error as thrown in the thread, with its stack there */
export function revive(fault: ThreadFault): Error {
  const error =
    fault.kind === 'millrace' ? new MillraceError(fault.type, fault.body) : new Error(fault.message);
  if (fault.kind === 'other') error.name = fault.name;
  if (fault.stack !== undefined) error.stack = fault.stack;
  return error;
}

/** Threads load plain JavaScript: from a TypeScript source (tests run those) the way leads to its build in `dist`. */
function compiled(entry: URL): URL {
  if (!import.meta.url.endsWith('.ts')) return entry;
  const root = new URL('..', import.meta.url).href;
  const path = entry.href.slice(root.length).replace(/\.ts$/, '.js');
  const file = fileURLToPath(path.startsWith('dist/') ? entry : new URL(`dist/${path}`, root));
  if (!existsSync(file)) {
    throw new MillraceError('LibraryMissing', {
      what: `the compiled module ${file} does not exist`,
      fix: 'Threads run compiled code: build first with npm run build.',
    });
  }
  return pathToFileURL(file);
}
