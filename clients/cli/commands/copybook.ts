import type { Command } from 'commander';
import { examples, lazy } from '../lazy.js';

/** `millrace copybook`: mainframe files without a project. */
export function registerCopybook(program: Command): void {
  const copybook = program.command('copybook').description('COBOL copybooks and the files they describe');
  const given = (command: Command): Command =>
    command
      .option('--copybook <files>', 'copybooks, separated by commas; several describe the same bytes')
      .option('--copybooks <files>', 'the same')
      .option('--options <file>', 'JSON object of extractor options, named as in Cobrix');
  given(copybook.command('decode'))
    .description('print the records of data files as JSON lines, numbers exact')
    .requiredOption('--data <files>', 'data files, separated by commas; .gz and .bz2 are decompressed')
    .addHelpText(
      'after',
      examples(
        'copybook decode --copybook customer.cpy --data customer.dat',
        'copybook decode --copybook orders.cpy --data orders.dat.gz --options orders.json',
      ),
    )
    .action(lazy(async () => (await import('../actions/copybook.js')).decode));
  given(copybook.command('layout'))
    .description('print where each field of the record is: level, type, offset, length')
    .addHelpText('after', examples('copybook layout --copybook customer.cpy'))
    .action(lazy(async () => (await import('../actions/copybook.js')).layout));
}
