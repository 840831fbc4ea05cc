import { writeManifest } from '../../../../engines/dbt/artifacts/manifest.js';
import { publishEnvironment } from '../../../../engines/dbt/environments.js';
import { PreviousState } from '../../../../engines/dbt/state/previous.js';
import { MillraceError } from '../../../../schemas/errors.js';
import { DBT_EXIT } from '../../../dbt/exit.js';
import type { Invocation } from '../../../dbt/invocation.js';
import { withProject } from '../../../dbt/open.js';
import { environmentFolder, productionFolder, text } from '../../../dbt/settings.js';

/** `publish --env NAME`: what that environment built takes the place of production, all of it at once. */
export function publish(invocation: Invocation): Promise<number> {
  const { settings, log } = invocation;
  const name = text(settings.given, 'environment');
  if (name === undefined)
    throw new MillraceError('ProjectInvalid', {
      what: 'publish names no environment',
      fix: 'Write millrace dbt publish --env NAME',
    });
  const reading = { command: 'build', planned: false } as const;
  return withProject(invocation, reading, async ({ environment, warehouse, signal }) => {
    const built = new PreviousState(environmentFolder(settings.target, name));
    const { published } = await publishEnvironment({ warehouse, environment, signal }, name, built);
    writeManifest(environment, productionFolder(settings.target));
    for (const id of published) log.info(`Published ${id}`);
    log.info(`Done. PUBLISHED=${published.length}`);
    return DBT_EXIT.ok;
  });
}
