import type { Command } from 'commander';
import { examples, lazy } from '../lazy.js';

export function registerQuarantine(program: Command): void {
  const quarantine = program
    .command('quarantine')
    .description('records that were put aside: look at them, read them again, or accept it');
  quarantine
    .command('list [stream]')
    .description('batches with quarantined records, of a source or one stream')
    .option('-a, --all', 'also those that were replayed, dropped or superseded')
    .addHelpText('after', examples('quarantine list', 'quarantine list crm.customers --all'))
    .action(lazy(async () => (await import('../actions/quarantine.js')).list));
  quarantine
    .command('show <stream>')
    .description('quarantined records with position, reason and bytes')
    .option('-b, --batch <batch>', 'of one batch; the start of its key is enough')
    .option('-n, --limit <n>', 'at most so many', '20')
    .addHelpText('after', examples('quarantine show crm.customers --limit 5'))
    .action(lazy(async () => (await import('../actions/quarantine.js')).show));
  quarantine
    .command('replay <stream>')
    .description('read open records again with the present declaration; those that fit now go into bronze')
    .option('-b, --batch <batch>', 'of one batch, also of one that was dropped')
    .option('--who <who>', 'who does it (default: the user of this process)')
    .addHelpText('after', examples('quarantine replay crm.customers'))
    .action(lazy(async () => (await import('../actions/quarantine.js')).replay));
  quarantine
    .command('drop <stream>')
    .description('accept that the records of a batch stay out; nothing is deleted')
    .requiredOption('-b, --batch <batch>', 'the batch; the start of its key is enough')
    .requiredOption('--why <why>', 'the reason, kept in the lake')
    .option('--who <who>', 'who decides (default: the user of this process)')
    .addHelpText('after', examples('quarantine drop crm.customers --batch 3fa9c1 --why "test accounts"'))
    .action(lazy(async () => (await import('../actions/quarantine.js')).drop));
}
