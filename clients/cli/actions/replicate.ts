import type { Client } from '@temporalio/client';
import { withClient } from '../../connect.js';
import {
  dropReplication,
  pauseReplication,
  replicatedSource,
  replicationStatus,
  resnapshotTable,
  resumeReplication,
  startReplication,
  stopReplication,
} from '../../replications.js';
import { ask } from '../ask.js';
import { answer, EXIT, style, table, type GlobalOptions } from '../output.js';

/** `millrace replicate start` */
export async function start(options: GlobalOptions & { anew?: boolean }, source: string): Promise<void> {
  const replicated = await replicatedSource(options.project, source);
  await withClient(async ({ client }) => {
    const started = await startReplication(client, replicated, source, options);
    answer(options, started, () =>
      started.started
        ? `started ${started.workflowId}; watch it with: millrace replicate status ${source}`
        : `${started.workflowId} goes on, and has been told to read the project anew`,
    );
  });
}

/** `millrace replicate status` */
export async function status(options: GlobalOptions, source: string): Promise<void> {
  const found = await replicationStatus(await replicatedSource(options.project, source), source);
  answer(options, found, () => [
    `${style.bold(found.workflowId)}  slot ${found.slot}, publication ${found.publication}`,
    found.server
      ? `  ${found.server.active ? style.green('connected') : style.yellow('not connected')}, ${megabytes(found.server.lagBytes)} behind, the server keeps ${megabytes(found.server.walBytes)} of its log (${found.server.state ?? 'unknown'})`
      : `  ${style.yellow('there is no slot on the server yet')}`,
    `  bronze holds every change up to ${found.lsn ?? 'nothing yet'}`,
    ...table(
      ['stream', 'copied', 'batches', 'rows'],
      found.streams.map(({ stream, copied, batches, rows }) => [
        stream,
        copied ? 'yes' : 'no',
        String(batches),
        rows.toLocaleString('en'),
      ]),
    ),
  ]);
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

const control =
  (work: (client: Client, workflowId: string) => Promise<void>, done: string) =>
  async (options: GlobalOptions, source: string): Promise<void> => {
    const { workflowId } = await replicatedSource(options.project, source);
    await withClient(async ({ client }) => {
      await work(client, workflowId);
      answer(options, { workflowId, done }, () => `${done} ${workflowId}`);
    });
  };

/** `millrace replicate pause` */
export const pause = control(pauseReplication, 'paused');

/** `millrace replicate resume` */
export const resume = control(resumeReplication, 'resumed');

/** `millrace replicate stop` */
export const stop = control(stopReplication, 'stopped');

/** `millrace replicate resnapshot` */
export async function resnapshot(options: GlobalOptions, source: string, stream: string): Promise<void> {
  await control(
    (client, workflowId) => resnapshotTable(client, workflowId, stream),
    `${stream} will be copied again by`,
  )(options, source);
}

/** `millrace replicate drop` */
export async function drop(options: GlobalOptions & { yes?: boolean }, source: string): Promise<number> {
  const replicated = await replicatedSource(options.project, source);
  const sure =
    options.yes ||
    (await ask(`Drop slot and publication of ${source} on its server?`, {
      what: 'there is no terminal to ask whether the slot may be dropped',
      fix: `Run: millrace replicate drop ${source} --yes`,
    }));
  if (!sure) return EXIT.failed;
  await dropReplication(replicated, source);
  answer(
    options,
    { source, dropped: true },
    () =>
      `dropped slot and publication of ${source}; bronze stays, and to go on: millrace replicate start ${source} --anew`,
  );
  return EXIT.ok;
}
