import type { Command } from 'commander';
import { registerCopybook } from './commands/copybook.js';
import { registerDbt } from './commands/dbt.js';
import { registerExtract } from './commands/extract.js';
import { registerFreshness } from './commands/freshness.js';
import { registerReplicate } from './commands/replicate.js';
import { registerQuarantine } from './commands/quarantine.js';
import { examples, lazy } from './lazy.js';

/** Every command with its options and examples. The docs' CLI reference is generated from this table. */
export function registerCommands(program: Command): void {
  program
    .command('up')
    .description('start Temporal with its UI and a worker here, and keep them running until Ctrl-C')
    .option('--port <port>', 'gRPC port of the server (default 7233, or the next free one)')
    .option('--ui-port <port>', 'port of the Temporal UI (default 8233, or the next free one)')
    .option('--metrics-port <port>', 'port of /metrics, /healthz and /readyz')
    .addHelpText('after', examples('up', 'up -C examples/engagement --ui-port 9000'))
    .action(lazy(async () => (await import('./actions/up.js')).up));

  program
    .command('run <pipeline>')
    .description('run a pipeline over an interval and follow it')
    .option(
      '-i, --interval <interval>',
      'data time: 2026-W02, 2026-01-05, 2026-01-05..2026-01-12 (default: the last complete one)',
    )
    .option('--from-failure', 'repeat the last failed run: finished work is kept, only the rest is done')
    .option('-s, --select <selection>', 'dbt selection for the transform, such as +marts or tag:daily')
    .option('--no-reuse', 'build every node again, also those whose content is current')
    .option('--detach', 'start it and return')
    .addHelpText(
      'after',
      examples('run weekly', 'run weekly --interval 2026-W02', 'run weekly --from-failure'),
    )
    .action(lazy(async () => (await import('./actions/run.js')).run));

  program
    .command('runs')
    .description('list runs, newest first')
    .option('-p, --pipeline <pipeline>', 'of one pipeline')
    .option('--status <status>', 'running, completed, failed, canceled, terminated')
    .option('-n, --limit <n>', 'how many', '20')
    .addHelpText('after', examples('runs', 'runs --status failed --json'))
    .action(lazy(async () => (await import('./actions/runs.js')).runs));

  program
    .command('show <run>')
    .description('show a run: stages, progress, results, and what went wrong')
    .option('-f, --follow', 'keep watching until it ends')
    .addHelpText(
      'after',
      examples(
        'show engagement.weekly.2026-01-05T00:00Z',
        'show engagement.weekly.2026-01-05T00:00Z --follow',
      ),
    )
    .action(lazy(async () => (await import('./actions/show.js')).show));

  for (const kind of ['approve', 'reject'] as const) {
    program
      .command(`${kind} <run>`)
      .description(`${kind} the candidate that waits in a run`)
      .requiredOption('--who <who>', 'who answers; must be one of the approvers')
      .requiredOption('--why <why>', 'the reason, kept in the registry')
      .option('--hash <hash>', 'the candidate that was read about; needed when several wait')
      .addHelpText(
        'after',
        examples(
          `${kind} engagement.weekly.2026-01-12T00:00Z --who ana@example.com --why "AUC up, no drift"`,
        ),
      )
      .action(lazy(async () => (await import('./actions/answer.js'))[kind]));
  }

  program
    .command('cancel <run>')
    .description('cancel a run: its queries stop, nothing half-done is published')
    .addHelpText('after', examples('cancel engagement.weekly.2026-01-05T00:00Z'))
    .action(lazy(async () => (await import('./actions/cancel.js')).cancel));

  const schedule = program.command('schedule').description('schedules as code');
  schedule
    .command('diff')
    .description('show what apply would change')
    .action(lazy(async () => (await import('./actions/schedule.js')).diff));
  schedule
    .command('apply')
    .description('make the server’s schedules those of millrace.ts; doing it twice changes nothing')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', examples('schedule diff', 'schedule apply --yes'))
    .action(lazy(async () => (await import('./actions/schedule.js')).apply));
  schedule
    .command('list')
    .description('schedules on the server, with their last and next runs')
    .action(lazy(async () => (await import('./actions/schedule.js')).list));
  for (const kind of ['pause', 'resume'] as const) {
    schedule
      .command(`${kind} <schedule>`)
      .option('--why <why>', 'note kept with the schedule')
      .description(`${kind} a schedule`)
      .action(lazy(async () => (await import('./actions/schedule.js'))[kind]));
  }
  schedule
    .command('trigger <schedule>')
    .description('run it once, now')
    .action(lazy(async () => (await import('./actions/schedule.js')).trigger));
  schedule
    .command('delete <schedule>')
    .description('remove it from the server')
    .action(lazy(async () => (await import('./actions/schedule.js')).remove));

  const backfill = program.command('backfill').description('run a pipeline over a range of intervals');
  backfill
    .command('start <pipeline> <range>')
    .description('start or go on; intervals that a backfill has brought to success are not repeated')
    .option('-w, --window <n>', 'runs at once', '1')
    .option('--order <order>', 'oldest or newest first', 'oldest')
    .option('--failed-only', 'only intervals that failed before')
    .option('--dry-run', 'list the intervals and their state, start nothing')
    .option('-s, --select <selection>', 'dbt selection for the transform')
    .option('--detach', 'start it and return')
    .addHelpText(
      'after',
      examples(
        'backfill start weekly 2026-01-05..2026-03-02 --dry-run',
        'backfill start weekly 2026-01-05..2026-03-02 --window 2',
      ),
    )
    .action(lazy(async () => (await import('./actions/backfill.js')).start));
  for (const kind of ['pause', 'resume', 'cancel'] as const) {
    backfill
      .command(`${kind} <backfill>`)
      .description(`${kind} a running backfill`)
      .action(lazy(async () => (await import('./actions/backfill.js'))[kind]));
  }

  registerDbt(program);
  registerFreshness(program);
  registerCopybook(program);
  registerExtract(program);
  registerReplicate(program);
  registerQuarantine(program);

  const predictors = program.command('predictors').description('versions of trained predictors');
  predictors
    .command('list')
    .description('predictors of the project with their champions')
    .action(lazy(async () => (await import('./actions/predictors.js')).list));
  predictors
    .command('show <predictor> [version]')
    .description('versions of a predictor, or one with its parameters, metrics and lineage')
    .action(lazy(async () => (await import('./actions/predictors.js')).show));
  predictors
    .command('compare <predictor> <version> <other>')
    .description('metrics of two versions side by side')
    .action(lazy(async () => (await import('./actions/predictors.js')).compare));
  predictors
    .command('promote <predictor> <version>')
    .description('make a version the champion, outside a run')
    .requiredOption('--who <who>', 'who decides; must be one of the approvers')
    .requiredOption('--why <why>', 'the reason, kept in the registry')
    .action(lazy(async () => (await import('./actions/predictors.js')).promote));
  predictors
    .command('rollback <predictor>')
    .description('make the former champion serve again')
    .requiredOption('--who <who>', 'who decides; must be one of the approvers')
    .requiredOption('--why <why>', 'the reason, kept in the registry')
    .action(lazy(async () => (await import('./actions/predictors.js')).rollback));

  program
    .command('doctor')
    .description('check this machine and checkout: Node, Temporal, XGBoost, ports, disk')
    .action(lazy(async () => (await import('./actions/doctor.js')).doctor));
  program
    .command('init <folder>')
    .description('make a new project that runs')
    .option('--name <name>', 'its name (default: the folder’s)')
    .addHelpText('after', examples('init sales', 'init ./sales --name sales'))
    .action(lazy(async () => (await import('./actions/init.js')).init));
  program
    .command('demo')
    .description('the engagement example end to end: two weeks, a kill, an approval')
    .option('--customers <n>', 'customers a week', '100000')
    .option('--keep', 'keep the stack running afterwards')
    .option('--no-kill', 'do not kill a worker on the way')
    .action(lazy(async () => (await import('./actions/demo.js')).demo));
}
