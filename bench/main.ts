import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../deploy/local/home.js';
import { row, type Bench, type Figure } from './figure.js';

const BENCHES: Record<string, () => Promise<Bench>> = {
  orchestration: async () => (await import('./orchestration.js')).orchestration,
  extract: async () => (await import('./extract.js')).extract,
  postgres: async () => (await import('./postgres.js')).postgres,
  cdc: async () => (await import('./cdc.js')).cdc,
  copybook: async () => (await import('./copybook.js')).copybookFiles,
  train: async () => (await import('./train.js')).train,
  score: async () => (await import('./score.js')).score,
  engagement: async () => (await import('./engagement.js')).engagement,
  dbt: async () => (await import('./dbt.js')).dbt,
  cli: async () => (await import('./cli.js')).cli,
};

/** `npm run bench [-- --quick] [name…]` */
async function main(argv: string[]): Promise<void> {
  const quick = argv.includes('--quick');
  const asked = argv.filter((arg) => !arg.startsWith('--'));
  const unknown = asked.filter((name) => !BENCHES[name]);
  if (unknown.length > 0) {
    process.stderr.write(
      `no benchmark is called ${unknown.join(', ')}; there are: ${Object.keys(BENCHES).join(', ')}\n`,
    );
    process.exitCode = 2;
    return;
  }
  const figures: Figure[] = [];
  for (const name of asked.length > 0 ? asked : Object.keys(BENCHES)) {
    const bench = await BENCHES[name]?.();
    if (!bench) continue;
    for await (const one of bench({ quick })) {
      figures.push(one);
      process.stdout.write(`${row(one)}\n`);
    }
  }
  const folder = join(packageRoot(), 'bench', 'results');
  await mkdir(folder, { recursive: true });
  const date = new Date().toISOString();
  const machine = {
    cpu: cpus()[0]?.model ?? '',
    cores: cpus().length,
    memoryBytes: totalmem(),
    node: process.version,
  };
  const file = join(folder, `${[date.slice(0, 10), ...asked, ...(quick ? ['quick'] : [])].join('-')}.json`);
  await writeFile(file, `${JSON.stringify({ date, commit: commit(), machine, quick, figures }, null, 2)}\n`);
  process.stdout.write(`\n${file}\n`);
}

function commit(): string | null {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: packageRoot(),
      encoding: 'utf8',
    }).trim();
  } catch {
    return null; // an unpacked archive has no history
  }
}

await main(process.argv.slice(2));
process.exit();
