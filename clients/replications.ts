import { randomUUID } from 'node:crypto';
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { readStreams, REPLICATION } from '../engines/lake/bronze.js';
import { loadProject, type LoadedProject } from '../engines/project/load.js';
import { nearest } from '../engines/nearest.js';
import { Secrets } from '../engines/secrets/secrets.js';
import { replicatedStreams, replicationNames } from '../engines/sources/postgres/cdc/config.js';
import { MillraceError } from '../schemas/errors.js';
import type { PostgresSource } from '../schemas/postgres.js';
import { QUEUES } from '../schemas/queues.js';
import { attributes } from '../workflows/attributes.js';
import { ids } from '../workflows/ids.js';
import { pause, reload, resnapshot, resume } from '../workflows/messages.js';
import type { replicate } from '../workflows/replicate.js';
import { openProjectLake } from './project-lake.js';

interface Replicated extends LoadedProject {
  source: PostgresSource;
  workflowId: string;
}

/** @throws MillraceError ProjectInvalid when the source does not exist or has no table that is replicated */
export async function replicatedSource(folder: string, name: string): Promise<Replicated> {
  const loaded = await loadProject(folder);
  const source = loaded.spec.sources[name];
  const known = Object.entries(loaded.spec.sources)
    .filter(([, declared]) => isReplicated(declared))
    .map(([key]) => key);
  if (!source || !isReplicated(source)) {
    const near = nearest(name, known);
    throw new MillraceError('ProjectInvalid', {
      what: source
        ? `no stream of the source ${name} is replicated`
        : `project ${loaded.spec.name} has no source called '${name}'`,
      where: { file: loaded.file, path: `sources.${name}` },
      fix: near
        ? `Did you mean '${near}'?`
        : `Replicated sources are: ${known.join(', ') || "none; declare a stream of a Postgres source with load: 'cdc'"}`,
    });
  }
  return { ...loaded, source, workflowId: ids.replicate(loaded.spec.name, name) };
}

const isReplicated = (source: { kind: string; streams: Record<string, unknown> }): source is PostgresSource =>
  source.kind === 'postgres' &&
  Object.values((source as PostgresSource).streams).some(({ load }) => load === 'cdc');

/**
 * Starts following a source; when that goes on already, it reads the project anew: tables may have come or gone.
 * @param anew makes a new slot, and copies every table again: after the old one was lost
 * @throws MillraceError CommitConflict when a new slot is wanted while the old one is read
 */
export async function startReplication(
  client: Client,
  { root, spec, workflowId }: Replicated,
  source: string,
  { anew = false }: { anew?: boolean } = {},
): Promise<{ workflowId: string; started: boolean }> {
  try {
    await client.workflow.start<typeof replicate>('replicate', {
      workflowId,
      taskQueue: QUEUES.control,
      args: [
        { root, source, resnapshot: [], paused: false, changes: 0, ...(anew && { anew: randomUUID() }) },
      ],
      workflowIdConflictPolicy: 'FAIL',
      staticSummary: `${spec.name}: changes of ${source}, as they happen`,
      staticDetails: `Project folder: ${root}`,
      typedSearchAttributes: [
        { key: attributes.project, value: spec.name },
        { key: attributes.stage, value: 'replicate' },
        { key: attributes.status, value: 'running' },
      ],
    });
    return { workflowId, started: true };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    if (anew) {
      throw new MillraceError('CommitConflict', {
        what: `${workflowId} is running, and reads its slot`,
        fix: `End it first with: millrace replicate stop ${source}`,
      });
    }
    await client.workflow.getHandle(workflowId).signal(reload);
    return { workflowId, started: false };
  }
}

export const pauseReplication = (client: Client, workflowId: string): Promise<void> =>
  known(workflowId, () => client.workflow.getHandle(workflowId).signal(pause));

export const resumeReplication = (client: Client, workflowId: string): Promise<void> =>
  known(workflowId, () => client.workflow.getHandle(workflowId).signal(resume));

/** Ends it; what bronze holds stays, and the slot goes on holding the server's log back for the next start. */
export const stopReplication = (client: Client, workflowId: string): Promise<void> =>
  known(workflowId, async () => void (await client.workflow.getHandle(workflowId).cancel()));

/** Copies one table again from the start, and goes on with its changes. */
export const resnapshotTable = (client: Client, workflowId: string, stream: string): Promise<void> =>
  known(workflowId, () => client.workflow.getHandle(workflowId).signal(resnapshot, stream));

export interface ReplicationStatus {
  workflowId: string;
  slot: string;
  publication: string;
  /** null when there is no slot yet */
  server: { active: boolean; lagBytes: number; walBytes: number; state: string | null } | null;
  /** position up to which bronze holds every change */
  lsn: string | null;
  streams: { stream: string; copied: boolean; batches: number; rows: number }[];
}

/** What the server and bronze say of a replication. Needs no Temporal. */
export async function replicationStatus(replicated: Replicated, source: string): Promise<ReplicationStatus> {
  const { slotStatus } = await import('../engines/sources/postgres/cdc/setup.js');
  const { currentBatches } = await import('../engines/lake/current-batches.js');
  const names = replicationNames(replicated.spec.name, source, replicated.source.replication);
  const url = await new Secrets().resolve(replicated.source.url);
  const lake = await openProjectLake(replicated);
  const slot = await slotStatus({ source, url, spec: replicated.source, ...names });
  const { streams: held, at } = await readStreams(lake, source, REPLICATION);
  const streams = replicatedStreams(replicated.source).map(([stream]) => {
    const batches = currentBatches(held.get(stream) ?? []);
    const rows = batches.reduce((sum, { loaded }) => sum + loaded, 0);
    return { stream, copied: batches.length > 0, batches: batches.length, rows };
  });
  return {
    workflowId: replicated.workflowId,
    ...names,
    server: slot.exists
      ? { active: slot.active, lagBytes: slot.lagBytes, walBytes: slot.walBytes, state: slot.status }
      : null,
    lsn: at === undefined || at === null ? null : String(at),
    streams,
  };
}

/** Takes slot and publication off the server, so that it keeps no log any more. To go on, start it anew. */
export async function dropReplication(replicated: Replicated, source: string): Promise<void> {
  const { dropReplication: drop } = await import('../engines/sources/postgres/cdc/setup.js');
  const names = replicationNames(replicated.spec.name, source, replicated.source.replication);
  const url = await new Secrets().resolve(replicated.source.url);
  await drop({ source, url, spec: replicated.source, ...names });
}

async function known(workflowId: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    if (!(cause instanceof WorkflowNotFoundError)) throw cause;
    throw new MillraceError('ObjectMissing', {
      what: `${workflowId} is not running`,
      fix: 'Start it with: millrace replicate start <source>',
      cause,
    });
  }
}
