import { MillraceError, formatPosition } from '../../schemas/errors.js';

/** Exit codes, the same for every command. */
export const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3, waiting: 4, interrupted: 130 } as const;

export interface GlobalOptions {
  project: string;
  json?: boolean;
}

const colours = process.stdout.isTTY && !process.env['NO_COLOR'];
const paint = (code: number) => (text: string) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
export const style = {
  bold: paint(1),
  dim: paint(2),
  red: paint(31),
  green: paint(32),
  yellow: paint(33),
  cyan: paint(36),
};

/** One line on standard output. */
export const say = (line = ''): void => void process.stdout.write(`${line}\n`);

/** The answer of a command: the JSON document, or lines for people. */
export function answer(
  options: { json?: boolean | undefined },
  document: unknown,
  lines: () => string[] | string,
): void {
  if (options.json) say(JSON.stringify(document, null, 2));
  else for (const line of [lines()].flat()) say(line);
}

/** Columns as wide as their widest cell. */
export function table(head: string[], rows: string[][]): string[] {
  const plain = (text: string): number => text.replace(/\u001b\[\d+m/g, '').length;
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => plain(row[i] ?? ''))));
  const line = (cells: string[]): string =>
    cells
      .map((cell, i) => cell + ' '.repeat(Math.max(0, (widths[i] ?? 0) - plain(cell))))
      .join('  ')
      .trimEnd();
  return [style.dim(line(head)), ...rows.map(line)];
}

/** Says what went wrong on standard error. @returns the exit code for it */
export function reportError(error: unknown, { json }: { json?: boolean }): number {
  const known = error instanceof MillraceError ? error : undefined;
  const message = describe(error);
  if (json) {
    const body = known
      ? { type: known.type, what: known.what, where: known.where, fix: known.fix }
      : { type: error instanceof Error ? error.name : 'Error', what: message };
    process.stderr.write(`${JSON.stringify({ error: body })}\n`);
  } else if (known) {
    const where = formatPosition(known.where);
    process.stderr.write(`${style.red(`${known.type}:`)} ${known.what}\n`);
    if (where) process.stderr.write(`  at   ${where.replace(/^at /, '')}\n`);
    if (known.fix) process.stderr.write(`  fix  ${known.fix}\n`);
  } else {
    process.stderr.write(`${style.red('error:')} ${message}\n`);
    if (process.env['MILLRACE_DEBUG'] && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  }
  if (known?.type === 'Unavailable') return EXIT.unreachable;
  return known ? EXIT.usage : EXIT.failed;
}

/** The text of an error with what a gRPC error keeps for itself: the server's own words are in its cause. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  const details = cause instanceof Error && 'details' in cause ? String(cause.details) : '';
  return details && !error.message.includes(details) ? `${error.message}: ${details}` : error.message;
}
