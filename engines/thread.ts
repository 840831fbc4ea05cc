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
  /**
   * keep the thread for the next call: for short calls, whose libraries take longer to load than the work. A thread that
   * was cancelled or has thrown is never used again
   */
  keep?: boolean | undefined;
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
  /** after a result, wait for the next task of the same module */
  keep: boolean;
}

/** Threads that have done their task and wait for another one, by module; they do not hold the process. */
const waiting = new Map<string, Worker[]>();
const MOST_WAITING = 8;
const WAIT_MS = 10_000;

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
  { signal, onMessage, transfer, keep = false, graceMs = 5_000 }: ThreadOptions = {},
): Promise<O> {
  signal?.throwIfAborted();
  const task: ThreadTask = { entry: compiled(entry).href, name, input, keep };
  const worker = takeThread(task);
  worker.postMessage(task, transfer ?? []);
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
      if (received.kind === 'message') return onMessage?.(received.message as never);
      reply = received;
      if (!keep || received.kind !== 'result') return;
      if (signal?.aborted) return void worker.terminate();
      settle(() => {
        leaveThread(worker, task.entry);
        resolve(received.result as O);
      });
    });
    worker.on('error', (error: Error) => (crash = error));
    // Other threads are settled only here: a promise that resolves before the thread has gone would let native memory pile up.
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

function takeThread({ entry, keep }: ThreadTask): Worker {
  const found = keep ? waiting.get(entry)?.pop() : undefined;
  if (found) deafen(found);
  found?.ref();
  return found ?? new Worker(compiled(new URL('./thread-entry.js', import.meta.url)));
}

/** Takes off what a task has listened to; the worker's own listeners, which wake its port, must stay. */
function deafen(worker: Worker): void {
  for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event);
}

/** Lets a thread wait for a while, and ends it when nobody came. */
function leaveThread(worker: Worker, entry: string): void {
  const others = waiting.get(entry) ?? [];
  waiting.set(entry, others);
  deafen(worker);
  if (others.length >= MOST_WAITING) return void worker.terminate();
  others.push(worker);
  worker.unref();
  const forget = (): void => {
    const at = others.indexOf(worker);
    if (at >= 0) others.splice(at, 1);
  };
  worker.once('exit', forget);
  // an unhandled 'error' would end the process
  worker.once('error', forget);
  setTimeout(() => {
    if (!others.includes(worker)) return;
    forget();
    void worker.terminate();
  }, WAIT_MS).unref();
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
