import { writeManifest } from '../../engines/dbt/artifacts/manifest.js';
import type { Environment } from '../../engines/dbt/context/environment.js';
import type { NodeRecord } from '../../schemas/transform.js';
import type { Invocation } from './invocation.js';
import { runResults, sourceResults } from './run-results.js';
import type { TargetFolder } from './write-target.js';

/** Writes the artifacts of a run that has ended. */
export function writeArtifacts(
  invocation: Invocation,
  environment: Environment,
  target: TargetFolder,
  records: readonly NodeRecord[],
  seconds: number,
): void {
  const { settings } = invocation;
  if (settings.given['write_json'] === false) return;
  const outcome = { invocation, records, seconds };
  if (settings.command === 'source freshness') target.json('sources.json', sourceResults(outcome));
  else target.json('run_results.json', runResults(outcome));
  writeManifest(environment, target.folder, new Map(records.map((record) => [record.result.id, record])));
}
