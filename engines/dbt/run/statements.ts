import type { Answer } from '../../warehouse/port.js';
import type { Outcome } from './job.js';

/** What a node has run, and what the warehouse told of it. */
export class Statements {
  private readonly texts: string[] = [];
  private readonly ids: string[] = [];
  private bytes: number | undefined;

  add(sql: string): void {
    this.texts.push(sql.trim());
  }

  answered({ queryId, bytes }: Answer): void {
    if (queryId !== undefined) this.ids.push(queryId);
    if (bytes !== undefined) this.bytes = (this.bytes ?? 0) + bytes;
  }

  /** what of it belongs to an outcome */
  told(): Pick<Outcome, 'built' | 'queryIds' | 'bytes'> {
    return {
      ...(this.texts.length > 0 && { built: this.texts.join('\n\n') }),
      ...(this.ids.length > 0 && { queryIds: this.ids }),
      ...(this.bytes !== undefined && { bytes: this.bytes }),
    };
  }
}

/** What is known of a node that failed. */
export type FailedSql = Pick<Outcome, 'compiled' | 'built'>;
const FAILED = new WeakMap<object, FailedSql>();

/** Keeps a node's SQL with the error that ended it. @returns the error */
export function failedWith(cause: unknown, sql: FailedSql): unknown {
  if (typeof cause === 'object' && cause !== null) FAILED.set(cause, { ...FAILED.get(cause), ...sql });
  return cause;
}

/** The SQL of the node that threw `cause`, as far as it got. */
export const failedSql = (cause: unknown): FailedSql =>
  (typeof cause === 'object' && cause !== null ? FAILED.get(cause) : undefined) ?? {};
