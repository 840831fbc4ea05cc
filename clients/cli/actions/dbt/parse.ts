import { writeManifest } from '../../../../engines/dbt/artifacts/manifest.js';
import { DBT_EXIT } from '../../../dbt/exit.js';
import type { Invocation } from '../../../dbt/invocation.js';
import { tellWarnings } from '../../../dbt/log/warnings.js';
import { foundLine } from '../../../dbt/log/summary.js';
import { readProject } from '../../../dbt/open.js';

/** `parse`: reads everything, runs nothing, writes manifest.json. */
export function parse(invocation: Invocation): Promise<number> {
  const { settings, log } = invocation;
  const began = performance.now();
  const { environment } = readProject(invocation, { command: 'build', planned: false });
  tellWarnings(log, settings.flags, environment.manifest.warnings);
  log.info(foundLine(environment));
  if (settings.given['write_json'] !== false) writeManifest(environment, settings.target);
  log.info(`Parsed in ${((performance.now() - began) / 1000).toFixed(2)}s`);
  return Promise.resolve(DBT_EXIT.ok);
}
