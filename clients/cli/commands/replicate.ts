import type { Command } from 'commander';
import { examples, lazy } from '../lazy.js';

export function registerReplicate(program: Command): void {
  const replicate = program
    .command('replicate')
    .description('change data capture of a Postgres source, for as long as it lives');
  replicate
    .command('start <source>')
    .description('copy the tables and follow their changes; when it goes on already, read the project anew')
    .option('--anew', 'make a new slot and copy every table again: after the slot was lost or dropped')
    .addHelpText('after', examples('replicate start shop', 'replicate start shop --anew'))
    .action(lazy(async () => (await import('../actions/replicate.js')).start));
  replicate
    .command('status <source>')
    .description('what slot, server and bronze say: position, lag, log that is held back, tables')
    .addHelpText('after', examples('replicate status shop', 'replicate status shop --json'))
    .action(lazy(async () => (await import('../actions/replicate.js')).status));
  for (const [kind, what] of [
    ['pause', 'hold it; the server keeps its log meanwhile'],
    ['resume', 'go on from where bronze is'],
    ['stop', 'end it; slot and bronze stay, and the next start goes on'],
  ] as const) {
    replicate
      .command(`${kind} <source>`)
      .description(what)
      .action(lazy(async () => (await import('../actions/replicate.js'))[kind]));
  }
  replicate
    .command('resnapshot <source> <stream>')
    .description('copy one table again from the start, and go on with its changes')
    .addHelpText('after', examples('replicate resnapshot shop orders'))
    .action(lazy(async () => (await import('../actions/replicate.js')).resnapshot));
  replicate
    .command('drop <source>')
    .description(
      'take slot and publication off the server; bronze stays, and start --anew copies every table',
    )
    .option('-y, --yes', 'do not ask')
    .action(lazy(async () => (await import('../actions/replicate.js')).drop));
}
