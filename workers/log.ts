import { pino, type Logger as Pino } from 'pino';
import type { LogLevel, LogMetadata, Logger } from '@temporalio/worker';

/** JSON logs on standard output; the SDK adds workflow, run and activity ids to each line. */
export const createLog = (level: string, redact: (line: string) => string): Pino =>
  pino({ level, base: { service: 'millrace-worker', pid: process.pid }, hooks: { streamWrite: redact } });

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** The same log, in the shape the Temporal SDK writes to. */
export function temporalLogger(log: Pino): Logger {
  const write = (level: LogLevel, message: string, meta?: LogMetadata): void =>
    log[LEVELS[level]](meta ?? {}, message);
  return {
    log: write,
    trace: (message, meta) => write('TRACE', message, meta),
    debug: (message, meta) => write('DEBUG', message, meta),
    info: (message, meta) => write('INFO', message, meta),
    warn: (message, meta) => write('WARN', message, meta),
    error: (message, meta) => write('ERROR', message, meta),
  };
}
