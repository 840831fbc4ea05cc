import type { Command } from 'commander';
import { examples, lazy } from '../lazy.js';

export function registerFreshness(program: Command): void {
  program
    .command('freshness [source]')
    .description('how old the newest load of each stream is; ends with 1 when one is older than it may be')
    .addHelpText('after', examples('freshness', 'freshness crm --json'))
    .action(lazy(async () => (await import('../actions/freshness.js')).freshness));
}
