import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { homeDir, packageRoot } from '../../deploy/local/home.js';
import { openDuckDb } from '../../engines/warehouse/duckdb.js';

export interface Play {
  /** a copy of the example, so that its runs leave the checkout as it is */
  root: string;
  /** prints a heading */
  say: (text: string) => void;
  /** `millrace …` for the copy; fails when the command does */
  millrace: (...args: string[]) => Promise<void>;
  /** prints what a query of the warehouse gives */
  show: (title: string, sql: string) => Promise<void>;
}

/**
 * Sets up a fresh copy of an example to play through.
 * @param env what the commands and the workers that they start are given
 */
export async function prepare(example: string, env: Record<string, string>): Promise<Play> {
  const root = join(homeDir(), 'examples', example);
  await rm(root, { recursive: true, force: true });
  await mkdir(root, { recursive: true });
  for (const part of ['millrace.ts', 'dbt', 'copybooks'])
    await cp(join(packageRoot(), 'examples', example, part), join(root, part), { recursive: true }).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      },
    );
  const say = (text: string): void => void process.stdout.write(`\n${text}\n`);
  return {
    root,
    say,
    async millrace(...args) {
      say(`$ millrace ${args.join(' ')}`);
      const child = spawn(
        process.execPath,
        [join(packageRoot(), 'bin', 'millrace.mjs'), ...args, '-C', root],
        {
          stdio: 'inherit',
          env: { ...process.env, ...env },
        },
      );
      const [code] = (await once(child, 'exit')) as [number | null];
      if (code !== 0) throw new Error(`millrace ${args.join(' ')} ended with ${code}`);
    },
    async show(title, sql) {
      say(title);
      const warehouse = await openDuckDb({
        path: join(root, '.millrace', 'warehouse.duckdb'),
        memoryLimit: '512MB',
      });
      try {
        const rows = await warehouse.query(sql);
        process.stdout.write(`${table(rows)}\n`);
      } finally {
        await warehouse.close();
      }
    },
  };
}

function table(rows: Record<string, unknown>[]): string {
  if (rows.length === 0) return '  (no rows)';
  const names = Object.keys(rows[0] ?? {});
  const lines = [names, ...rows.map((row) => names.map((name) => cell(row[name])))];
  const widths = names.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) => `  ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd())
    .join('\n');
}

const cell = (value: unknown): string =>
  value === null || value === undefined
    ? ''
    : typeof value === 'object'
      ? JSON.stringify(value)
      : `${value as string}`;
