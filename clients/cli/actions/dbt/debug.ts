import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DBT_VERSION } from '../../../../engines/dbt/project/dbt-version.js';
import { DBT_EXIT } from '../../../dbt/exit.js';
import type { Invocation } from '../../../dbt/invocation.js';
import { paint } from '../../../dbt/log/log.js';
import { connectionOf, type Connection } from '../../../dbt/connection.js';

const OK = (text: string): string => paint.green(`[OK ${text}]`);
const BAD = (text: string): string => paint.red(`[ERROR ${text}]`);

/** `debug`: versions, files, connection; every line says whether it is as it should be. */
export async function debug(invocation: Invocation): Promise<number> {
  const { settings, log } = invocation;
  let good = true;
  const check = (label: string, problem: string | null, fine: string): void => {
    if (problem !== null) good = false;
    log.info(`  ${label} ${problem === null ? OK(fine) : BAD(problem)}`);
  };
  log.info(`dbt version: ${DBT_VERSION} (Millrace)`);
  log.info(`node version: ${process.versions.node}`);
  log.info(`os info: ${process.platform} ${process.arch}`);
  log.info(`Using dbt_project.yml file at ${join(settings.dir, 'dbt_project.yml')}`);
  log.info('Configuration:');
  check('dbt_project.yml file', null, 'found and valid');
  let connection: Connection | undefined;
  try {
    connection = connectionOf(invocation);
    check(
      'profile',
      null,
      connection.profile ? `found and valid: ${connection.profile.file}` : 'none needed',
    );
  } catch (error) {
    check('profile', textOf(error), '');
  }
  log.info('Required dependencies:');
  check(' - git', hasGit() ? null : 'not found: packages from git cannot be installed', 'found');
  if (connection) {
    log.info('Connection:');
    for (const [name, value] of Object.entries(facts(connection))) log.info(`  ${name}: ${value}`);
    try {
      const warehouse = await connection.open();
      await warehouse.query('select 1 as id').finally(() => warehouse.close());
      check('Connection test:', null, 'connection ok');
    } catch (error) {
      check('Connection test:', textOf(error), '');
    }
  }
  if (!existsSync(join(settings.dir, 'dbt_packages')) && existsSync(join(settings.dir, 'packages.yml')))
    log.info('  packages.yml is there, but no package is installed: millrace dbt deps');
  log.info(good ? paint.green('All checks passed!') : paint.red('Some checks failed'));
  return good ? DBT_EXIT.ok : DBT_EXIT.failed;
}

/** What is known of it without its secrets. */
const facts = ({ dialect, database, schema, target }: Connection): Record<string, string> => ({
  ...{ type: dialect, target: target.name, database, schema, threads: String(target.threads) },
  ...Object.fromEntries(
    Object.entries(target.fields ?? {}).map(([name, value]) => [name, JSON.stringify(value)]),
  ),
});

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function hasGit(): boolean {
  try {
    execFileSync('git', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
