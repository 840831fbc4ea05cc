import { createInterface } from 'node:readline/promises';
import { MillraceError } from '../../schemas/errors.js';

/**
 * Asks for a yes on the terminal.
 * @throws MillraceError ConfirmationMissing, as it is told, when there is no terminal to ask on
 */
export async function ask(question: string, missing: { what: string; fix: string }): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) throw new MillraceError('ConfirmationMissing', missing);
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
