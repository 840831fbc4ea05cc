import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { writeManifest } from '../../engines/dbt/artifacts/manifest.js';
import type { Environment } from '../../engines/dbt/context/environment.js';
import type { NodeRecord } from '../../schemas/transform.js';
import type { Invocation } from './invocation.js';
import { hasFailed } from './local.js';
import { runResults, sourceResults } from './run-results.js';
import { productionFolder, text, type Settings } from './settings.js';
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
  const outcome = { invocation, environment, records, seconds };
  if (settings.command === 'source freshness') writeFreshness(settings, target, sourceResults(outcome));
  else target.json('run_results.json', runResults(outcome));
  const manifest = writeManifest(
    environment,
    target.folder,
    new Map(records.map((record) => [record.result.id, record])),
  );
  if (isProduction(invocation) && !records.some(hasFailed)) {
    const folder = productionFolder(target.folder);
    mkdirSync(folder, { recursive: true });
    copyFileSync(manifest, join(folder, 'manifest.json'));
  }
}

/** `--output` names another file for it. */
function writeFreshness({ given }: Settings, target: TargetFolder, results: Record<string, unknown>): void {
  const output = text(given, 'output');
  if (output === undefined) return target.json('sources.json', results);
  mkdirSync(dirname(resolve(output)), { recursive: true });
  writeFileSync(resolve(output), JSON.stringify(results));
}

/** The whole project was built where readers look: environments are compared with this state. */
function isProduction({ settings: { command, flags }, only }: Invocation): boolean {
  const part =
    flags.select ?? flags.exclude ?? flags.selector ?? flags.resourceTypes ?? flags.environment ?? only;
  return (command === 'build' || command === 'run') && part === undefined && flags.empty !== true;
}
