import type { Command } from 'commander';
import { examples, lazy } from '../lazy.js';

export function registerExtract(program: Command): void {
  program
    .command('streams [source]')
    .description('what bronze holds of each stream: batches, rows, open quarantine, reconciliation')
    .addHelpText('after', examples('streams', 'streams crm --json'))
    .action(lazy(async () => (await import('../actions/extract.js')).streams));
  const extract = program.command('extract').description('look into sources and streams');
  extract
    .command('preview <stream>')
    .description('read the first rows of a stream here, without a server and without writing to the lake')
    .option('-n, --rows <n>', 'rows to show', '10')
    .option('-i, --interval <interval>', 'data time, as for run (default: the last complete day)')
    .addHelpText(
      'after',
      examples('extract preview crm.customers', 'extract preview crm.customers -i 2026-W02 -n 3'),
    )
    .action(lazy(async () => (await import('../actions/extract.js')).preview));
  extract
    .command('profile <stream>')
    .description('what the last batch holds, column by column, and what differs from the one before')
    .option('-b, --batch <batch>', 'of another batch; the start of its key is enough')
    .addHelpText('after', examples('extract profile crm.customers'))
    .action(lazy(async () => (await import('../actions/extract.js')).profile));
}
