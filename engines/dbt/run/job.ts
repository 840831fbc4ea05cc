import type { DbtCommand, DbtFlags } from '../../../schemas/dbt.js';
import type { NodeRecord, NodeResult } from '../../../schemas/transform.js';
import type { Warehouse } from '../../warehouse/port.js';
import type { Environment } from '../context/environment.js';

export interface RunOptions {
  command: DbtCommand;
  flags: DbtFlags;
  /** take what the ledger says is current for these inputs */
  reuse: boolean;
  /** keep the ledger in the warehouse: what a retry, a later run and a write-audit-publish need */
  ledger: boolean;
}

/** What carrying out a node needs. */
export interface Job {
  warehouse: Warehouse;
  environment: Environment;
  options: RunOptions;
  signal: AbortSignal | undefined;
  /** what the run came to so far: `results` of on-run-end hooks */
  results: readonly NodeRecord[];
}

/** What it came to. An error is thrown, a failed test is an outcome. */
export interface Outcome extends Pick<NodeResult, 'status'> {
  /** hash of SQL and inputs; empty without a ledger */
  key: string;
  rows?: number | null;
  bytes?: number;
  queryIds?: string[];
  failures?: number;
  message?: string;
  /** the node's SQL as the warehouse got it (for a model without its DDL) */
  compiled?: string;
  /** the statements that made it, DDL included */
  built?: string;
  /** dbt's adapter_response */
  response?: Record<string, unknown>;
  batches?: NodeRecord['batches'];
  freshness?: NodeRecord['freshness'];
  shown?: NodeRecord['rows'];
  /** when the SQL was ready and its execution began, as `timestamp` writes it; the whole time counts as execution without it */
  compiledAt?: string;
}
