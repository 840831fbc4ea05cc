import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { timestamp } from '../../../engines/dbt/artifacts/timestamp.js';

export type Level = 'debug' | 'info' | 'warn' | 'error';
const RANK: Record<Level | 'none', number> = { debug: 0, info: 1, warn: 2, error: 3, none: 4 };

/** Something to tell; names and codes are those dbt's structured logs have, which tools match on. */
export interface Event {
  name: string;
  code: string;
  message: string;
  level?: Level;
  data?: Record<string, unknown>;
}

export interface LogOptions {
  format: 'text' | 'debug' | 'json';
  level: Level | 'none';
  colours: boolean;
  invocationId: string;
  /** folder of dbt.log; none is written without it */
  folder?: string | undefined;
}

/** What a command says: lines as dbt writes them, or a JSON document a line, and the same to `dbt.log`. */
export class Log {
  private readonly kept: string[] = [];

  constructor(private readonly options: LogOptions) {}

  event({ name, code, message, level = 'info', data = {} }: Event): void {
    const now = new Date();
    const plain = withoutColours(message);
    if (this.options.folder !== undefined)
      this.kept.push(`${now.toISOString().slice(11, 23)} [${level.padEnd(5)}]: ${plain}\n`);
    if (RANK[level] < RANK[this.options.level]) return;
    const { format, colours, invocationId } = this.options;
    if (format === 'json') {
      const info = {
        ...{ category: '', code, extra: {}, invocation_id: invocationId, level, msg: plain, name },
        ...{ pid: process.pid, thread: 'MainThread', ts: timestamp(now) },
      };
      process.stdout.write(`${JSON.stringify({ data: { ...data, msg: plain }, info })}\n`);
      return;
    }
    process.stdout.write(`${now.toISOString().slice(11, 19)}  ${colours ? message : plain}\n`);
  }

  info(message: string): void {
    this.event({ name: 'Formatting', code: 'Z017', message });
  }

  warn(message: string): void {
    this.event({
      name: 'JinjaLogWarning',
      code: 'I061',
      message: `${paint.yellow('[WARNING]')}: ${message}`,
      level: 'warn',
    });
  }

  error(message: string): void {
    this.event({ name: 'RunResultError', code: 'Z024', message, level: 'error' });
  }

  /** What the command was asked for; no level silences it. */
  answer(text: string): void {
    const line = text.endsWith('\n') ? text : `${text}\n`;
    if (this.options.format !== 'json') process.stdout.write(line);
    else this.event({ name: 'CommandAnswer', code: 'Q042', message: text, level: 'error' });
  }

  /** Writes `dbt.log`. A folder that cannot be written is no reason to fail. */
  close(): void {
    const { folder } = this.options;
    if (folder === undefined || this.kept.length === 0) return;
    try {
      mkdirSync(folder, { recursive: true });
      appendFileSync(join(folder, 'dbt.log'), this.kept.splice(0).join(''));
    } catch (error) {
      process.stderr.write(`dbt.log was not written: ${String(error)}\n`);
    }
  }
}

const colour = (code: number) => (text: string) => `\u001b[${code}m${text}\u001b[0m`;
export const paint = { red: colour(31), green: colour(32), yellow: colour(33) };
const withoutColours = (text: string): string => text.replace(/\u001b\[\d+m/g, '');
