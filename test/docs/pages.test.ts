import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommanderError, type Command } from 'commander';
import { globSync } from 'tinyglobby';
import { describe, expect, test } from 'vitest';
import { createProgram } from '../../clients/cli/main.js';
import { ERROR_TYPES } from '../../schemas/errors.js';
import { createMetrics } from '../../workers/metrics.js';
import { anchorsOf, commandsIn, pages, root } from './pages.js';

test.each(pages)('every link in $path leads somewhere', ({ folder, text }) => {
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '');
  const broken = links
    .filter((link) => !/^\w+:/.test(link))
    .filter((link) => {
      const [path = '', anchor] = link.split('#');
      const file = join(folder, path);
      if (path !== '' && !existsSync(file)) return true;
      return (
        anchor !== undefined && !anchorsOf(path === '' ? text : readFileSync(file, 'utf8')).includes(anchor)
      );
    });
  expect(broken).toEqual([]);
});

describe('every command shown is one that the CLI takes', () => {
  const shown = pages.flatMap(({ path, text }) => commandsIn(text).map((one) => ({ path, ...one })));
  test.each(shown)('$path: millrace $args', async ({ args, mentioned }) => {
    const problem = await parse(args);
    if (mentioned && INCOMPLETE.test(problem ?? '')) return;
    expect(problem).toBeUndefined();
  });
});

test('every MILLRACE_ variable named in the documents exists in the code', () => {
  const code = globSync(
    ['*.ts', '{clients,workers,engines,activities,deploy,scripts,test,bench}/**/*.{ts,mjs}', '.ci/run'],
    {
      cwd: root,
    },
  )
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .join('\n');
  const named = new Set(pages.flatMap(({ text }) => text.match(/\bMILLRACE_[A-Z_]+\b/g) ?? []));
  expect([...named].filter((name) => !code.includes(name))).toEqual([]);
});

test('every error type that the page for failed runs names is one', () => {
  const page = pages.find(({ path }) => path === 'docs/failed-run.md')?.text ?? '';
  const named = [...page.matchAll(/^\| (`[^|]+)\|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([A-Z]\w+)`/g)].map(([, name = '']) => name),
  );
  expect(named.length).toBeGreaterThan(40);
  const known = [...Object.keys(ERROR_TYPES), 'Unexpected', 'TimedOut', 'StageFailed'];
  expect(named.filter((name) => !known.includes(name))).toEqual([]);
});

test('every metric named in the documents is one of ours', async () => {
  const { registry } = createMetrics();
  const ours = registry.getMetricsAsArray().map(({ name }) => name);
  const named = new Set(
    pages.flatMap(({ text }) => text.match(/\bmillrace_\w+_(?:total|bytes|seconds|psi)\b/g) ?? []),
  );
  expect([...named].filter((name) => !ours.includes(name))).toEqual([]);
});

/** What a command says that is named without all that it needs, or a group of commands. */
const INCOMPLETE = /^commander\.(missing|optionMissingArgument|help$)/;

/** Parses as the CLI does, and carries nothing out. @returns what it objects to */
async function parse(args: string[]): Promise<string | undefined> {
  const program = createProgram();
  const disarm = (command: Command): void => {
    command.exitOverride().configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
    if (command.commands.length === 0) command.action(() => undefined);
    else command.commands.forEach(disarm);
  };
  disarm(program);
  try {
    await program.parseAsync(args, { from: 'user' });
    return undefined;
  } catch (error) {
    return error instanceof CommanderError ? error.code : String(error);
  }
}
