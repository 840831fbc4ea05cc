import type { Command } from 'commander';
import { examples } from '../lazy.js';

/** dbt's command line is dbt's own: its options stand before and after the command, and take several values. */
export function registerDbt(program: Command): void {
  program
    .command('dbt [arguments...]')
    .description('run a dbt project as it is, with dbt’s commands, options and exit codes')
    .allowUnknownOption()
    .allowExcessArguments()
    .helpOption(false)
    .addHelpText(
      'after',
      examples(
        'dbt build --project-dir shop --database shop.duckdb --local',
        'dbt build --select +orders --exclude tag:slow --target prod',
        'dbt ls --select state:modified+ --state artifacts',
      ),
    )
    .action(async (_: unknown, __: unknown, command: Command) => {
      const argv = (command.parent as Command & { rawArgs: string[] }).rawArgs;
      const { dbt } = await import('../actions/dbt/dbt.js');
      process.exitCode = await dbt(argv.slice(argv.indexOf('dbt') + 1));
    });
}
