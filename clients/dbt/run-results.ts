import { metadata } from '../../engines/dbt/artifacts/metadata.js';
import type { Environment } from '../../engines/dbt/context/environment.js';
import type { NodeRecord } from '../../schemas/transform.js';
import type { Invocation } from './invocation.js';

interface Timed {
  invocation: Invocation;
  environment: Environment;
  records: readonly NodeRecord[];
  seconds: number;
}

/** `run_results.json` in dbt's schema v6. */
export function runResults({ invocation, environment, records, seconds }: Timed): Record<string, unknown> {
  const { settings } = invocation;
  return {
    metadata: metadata('run-results', environment),
    results: records.map(runResult),
    elapsed_time: seconds,
    args: { ...settings.given, which: settings.command, invocation_command: settings.invocation },
  };
}

function runResult(record: NodeRecord): Record<string, unknown> {
  const { result, batches } = record;
  const ran = result.status !== 'skipped' && result.status !== 'no-op';
  const sql = !/^(seed|exposure|saved_query|source)\./.test(result.id);
  return {
    status: result.status === 'reused' ? 'success' : result.status,
    timing: ran ? timing(record) : [],
    thread_id: 'main',
    execution_time: result.seconds,
    adapter_response: record.response,
    message: result.message ?? record.response['_message'] ?? null,
    failures: result.failures ?? null,
    unique_id: result.id,
    compiled: sql ? record.compiled !== null : null,
    compiled_code: sql ? record.compiled : null,
    relation_name: record.relationName,
    batch_results: batches,
  };
}

const timing = (record: NodeRecord): Record<string, string>[] => [
  { name: 'compile', started_at: record.compileStarted, completed_at: record.compileCompleted },
  { name: 'execute', started_at: record.executeStarted, completed_at: record.executeCompleted },
];

/** `sources.json` in dbt's schema v3. */
export function sourceResults({
  environment,
  records,
  seconds,
}: Omit<Timed, 'invocation'>): Record<string, unknown> {
  return {
    metadata: metadata('sources', environment),
    results: records.map(sourceResult),
    elapsed_time: seconds,
  };
}

function sourceResult(record: NodeRecord): Record<string, unknown> {
  const { result, freshness } = record;
  if (!freshness) return { unique_id: result.id, error: result.message ?? null, status: 'runtime error' };
  return {
    unique_id: result.id,
    max_loaded_at: freshness.maxLoadedAt,
    snapshotted_at: freshness.snapshottedAt,
    max_loaded_at_time_ago_in_s: freshness.age,
    status: result.status === 'fail' ? 'error' : result.status,
    criteria: freshness.criteria,
    adapter_response: record.response,
    timing: timing(record),
    thread_id: 'main',
    execution_time: result.seconds,
  };
}
