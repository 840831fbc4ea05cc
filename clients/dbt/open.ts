import { setMaxListeners } from 'node:events';
import type { Environment } from '../../engines/dbt/context/environment.js';
import {
  loadTransform,
  readTransform,
  type ReadTransform,
  type Transform,
} from '../../engines/dbt/transform.js';
import type { Warehouse } from '../../engines/warehouse/port.js';
import type { DbtCommand } from '../../schemas/dbt.js';
import { connectionOf, type Connection } from './connection.js';
import { Interrupted } from './interrupted.js';
import type { Invocation } from './invocation.js';

/** A project opened beside its warehouse, for one invocation. */
export interface Opened {
  transform: Transform;
  environment: Environment;
  warehouse: Warehouse;
  threads: number;
  /** aborted by Ctrl-C */
  signal: AbortSignal;
}

export interface Reading {
  command: DbtCommand;
  /** `false` for commands that choose their nodes themselves */
  planned?: boolean;
  /** ids of nodes: exactly these */
  only?: readonly string[] | undefined;
}

const contextOf = (
  { settings, id, startedAt }: Invocation,
  { command, planned = true, only }: Reading,
  { schema, target }: Connection,
) => ({
  ...{ dir: settings.dir, command, flags: settings.flags, startedAt, schema, target },
  vars: settings.flags.vars ?? {},
  env: process.env,
  interval: { start: startedAt, end: startedAt },
  sources: {},
  run: id,
  select: planned,
  only,
  audit: false,
});

/**
 * Reads the project without opening its warehouse.
 *
 * @throws MillraceError for a project or profile that cannot be read
 */
export function readProject(invocation: Invocation, reading: Reading): ReadTransform {
  const connection = connectionOf(invocation);
  return readTransform({ ...contextOf(invocation, reading, connection), warehouse: connection });
}

/**
 * Opens warehouse and project, hands them to `work`, and closes the warehouse.
 *
 * @throws MillraceError for a project, profile or warehouse that cannot be read
 */
export async function withProject<T>(
  invocation: Invocation,
  reading: Reading,
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  const connection = connectionOf(invocation);
  const warehouse = await connection.open();
  const stop = new AbortController();
  // every statement under way listens
  setMaxListeners(0, stop.signal);
  const interrupt = (): void => stop.abort(new Interrupted());
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    const context = contextOf(invocation, reading, connection);
    // only who wants to reuse results gets a ledger into the warehouse
    const reuse = invocation.settings.given['reuse'] === true;
    const transform = await loadTransform({ ...context, warehouse, reuse, ledger: reuse });
    const { environment } = transform;
    environment.log = ({ level, text: line }) => {
      if (level === 'print') invocation.log.answer(line);
      else invocation.log.event({ name: 'JinjaLog', code: 'I062', message: line, level });
    };
    return await work({
      transform,
      environment,
      warehouse,
      threads: connection.target.threads,
      signal: stop.signal,
    });
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    await warehouse.close();
  }
}
