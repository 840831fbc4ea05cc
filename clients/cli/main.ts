import { Command, CommanderError } from 'commander';
import { registerCommands } from './commands.js';
import { EXIT, reportError } from './output.js';

/** `millrace` with its commands and the options that all of them take. */
export function createProgram(): Command {
  const program = new Command('millrace')
    .description('Durable data and ML pipelines as versioned TypeScript on Temporal')
    .option(
      '-C, --project <folder>',
      'project folder (with millrace.ts)',
      process.env['MILLRACE_PROJECT'] ?? '.',
    )
    .option('--json', 'print JSON, one document')
    .showHelpAfterError('(add --help for options and examples)')
    .exitOverride();
  registerCommands(program);
  return program;
}

/** Only the command table is loaded here; what a command needs is imported when it runs. */
export async function main(argv: string[]): Promise<number> {
  const program = createProgram();
  try {
    await program.parseAsync(argv, { from: 'user' });
    return Number(process.exitCode ?? EXIT.ok);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    return reportError(error, { json: argv.includes('--json') });
  }
}
