import { parentPort, type MessagePort } from 'node:worker_threads';
import { MillraceError } from '../schemas/errors.js';
import type { ThreadFault, ThreadFunction, ThreadReply, ThreadTask } from './thread.js';

let cancellation = new AbortController();

/** The other end of `runInThread`: loads the module, calls the function, answers once. */
async function serve(port: MessagePort, { entry, name, input, keep }: ThreadTask): Promise<void> {
  cancellation = new AbortController();
  const send = (reply: ThreadReply): void => port.postMessage(reply);
  let again = false;
  try {
    const module = (await import(entry)) as Record<string, ThreadFunction<unknown, unknown>>;
    const run = module[name];
    if (!run) throw new TypeError(`${entry} exports no '${name}'`);
    const result = await run(input, {
      signal: cancellation.signal,
      post: (message) => send({ kind: 'message', message }),
    });
    send({ kind: 'result', result });
    again = keep;
  } catch (error) {
    send({ kind: 'fault', fault: faultOf(error) });
  } finally {
    // An open port keeps the thread alive.
    if (!again) port.close();
  }
}

function faultOf(error: unknown): ThreadFault {
  if (error instanceof MillraceError) {
    const { type, what, where, fix, retryAfterMs, stack } = error;
    const body = {
      what,
      where,
      ...(fix !== undefined && { fix }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    };
    return { kind: 'millrace', type, body, stack };
  }
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  return { kind: 'other', name, message, stack };
}

const port = parentPort;
port?.on('message', (received: ThreadTask | 'cancel') => {
  if (received === 'cancel') cancellation.abort();
  else void serve(port, received);
});
