import { addPackage } from '../../../../engines/dbt/project/deps/add-package.js';
import { installPackages } from '../../../../engines/dbt/project/deps/deps.js';
import { DBT_EXIT } from '../../../dbt/exit.js';
import type { Invocation } from '../../../dbt/invocation.js';
import { text } from '../../../dbt/settings.js';

/** `deps`: installs what packages.yml and dependencies.yml name, and locks the versions. */
export async function deps({ settings, log }: Invocation): Promise<number> {
  const { dir, given, yaml, flags } = settings;
  const added = text(given, 'add_package');
  if (added !== undefined) {
    const file = addPackage(dir, added, (text(given, 'source') ?? 'hub') as 'hub' | 'git' | 'local');
    log.info(`Added ${added} to ${file}`);
  }
  const { installed, locked, warnings } = await installPackages({
    ...{ dir, name: text(yaml, 'name') ?? '', env: process.env, vars: flags.vars ?? {} },
    installPath: text(yaml, 'packages-install-path') ?? 'dbt_packages',
    upgrade: given['upgrade'] === true,
    lockOnly: given['lock'] === true,
    checkVersion: given['version_check'] !== false,
  });
  for (const warning of warnings) log.warn(warning);
  if (installed.length === 0 && !locked) log.warn('No packages were found in packages.yml');
  if (locked) log.info('Wrote package-lock.yml');
  for (const { name, shown, newer } of installed) {
    log.info(`Installed ${name} from ${shown}`);
    if (newer !== undefined) log.info(`  Updated version available: ${newer}`);
  }
  return DBT_EXIT.ok;
}
