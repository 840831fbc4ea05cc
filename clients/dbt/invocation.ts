import { randomUUID } from 'node:crypto';
import { isAbsolute, join } from 'node:path';
import { Log, type Level } from './log/log.js';
import { text, type Settings } from './settings.js';

/** One call of `millrace dbt`: its identity, and where it tells what it does. */
export interface Invocation {
  settings: Settings;
  id: string;
  /** ISO 8601 */
  startedAt: string;
  log: Log;
  /** ids of nodes: exactly these, whatever is selected */
  only?: readonly string[];
}

export function beginInvocation(settings: Settings): Invocation {
  const { given, dir } = settings;
  const id = randomUUID();
  const logs = text(given, 'log_path') ?? 'logs';
  const format = text(given, 'log_format') ?? 'text';
  const log = new Log({
    format: format === 'json' || format === 'debug' ? format : 'text',
    level: levelOf(settings),
    colours: given['use_colors'] !== false && (process.stdout.isTTY ?? false) && !process.env['NO_COLOR'],
    invocationId: id,
    folder: isAbsolute(logs) ? logs : join(dir, logs),
  });
  return { settings, id, startedAt: new Date().toISOString(), log };
}

function levelOf({ given }: Settings): Level | 'none' {
  if (given['quiet'] === true) return 'error';
  if (given['debug'] === true) return 'debug';
  return (text(given, 'log_level') as Level | 'none' | undefined) ?? 'info';
}
