import type { Command } from 'commander';
import type { GlobalOptions } from './output.js';

/** Options of a command together with the global ones. */
type Options = GlobalOptions & Record<string, string | boolean | undefined>;

/** Loads the code of a command only when it runs: `millrace --help` starts in a blink. */
export function lazy<A extends unknown[]>(
  load: () => Promise<(options: never, ...args: A) => Promise<number | void>>,
) {
  return async (...received: unknown[]): Promise<void> => {
    const command = received.at(-1) as Command;
    const run = (await load()) as (options: Options, ...args: unknown[]) => Promise<number | void>;
    const code = await run(command.optsWithGlobals<Options>(), ...received.slice(0, -2));
    if (typeof code === 'number') process.exitCode = code;
  };
}

/** What a command's help shows after its options. */
export const examples = (...lines: string[]): string =>
  `\nExamples:\n${lines.map((line) => `  $ millrace ${line}`).join('\n')}`;
