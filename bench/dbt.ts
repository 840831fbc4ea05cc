import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { adHocProject } from '../clients/dbt/ad-hoc-project.js';
import { runLocal } from '../clients/dbt/local.js';
import { runAsWorkflow } from '../clients/dbt/start.js';
import { packageRoot } from '../deploy/local/home.js';
import { loadTransform, readTransform, type ReadContext } from '../engines/dbt/transform.js';
import { openDuckDb } from '../engines/warehouse/duckdb.js';
import { quoteRelation, type RelationName } from '../engines/warehouse/port.js';
import { writeLayers } from './dbt-project.js';
import { figure, median, type Bench, type Figure } from './figure.js';

const MODELS = 200;
const startedAt = '2026-01-05T00:00:00Z';
const context = (dir: string, file: string): Omit<ReadContext, 'warehouse'> => ({
  ...{ dir, schema: 'main', vars: {}, sources: {}, run: 'bench', startedAt, audit: false },
  env: { DBT_DB_PATH: file },
  interval: { start: startedAt, end: startedAt },
});
const duckdb = { dialect: 'duckdb', database: 'bench' } as const;

/** Whole projects beside dbt-core (named by DBT=…/dbt), and the run of one beside its bare SQL. */
export const dbt: Bench = async function* ({ quick }) {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  try {
    const layers = join(folder, 'layers');
    await writeLayers(layers, { layers: 10, width: MODELS / 10, tests: false });
    yield* processes(folder, layers, `${MODELS} models`, ['run']);
    const shop = join(packageRoot(), '..', 'shared', 'conformance', 'dbt', 'coffee_shop', 'project');
    if (existsSync(shop)) {
      await cp(shop, join(folder, 'coffee_shop'), { recursive: true });
      yield* processes(folder, join(folder, 'coffee_shop'), 'coffee_shop', ['build'], ['seed']);
    }
    yield* runs(folder, layers, quick ? 2 : 5);
    const large = join(folder, 'large');
    await writeLayers(large, { layers: 20, width: 50, tests: true });
    yield* parsing(large, quick ? 2 : 5);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** From the command line to its end, first on nothing and then again unchanged. */
async function* processes(
  folder: string,
  dir: string,
  name: string,
  args: string[],
  before?: string[],
): AsyncGenerator<Figure> {
  const bin = join(packageRoot(), 'bin', 'millrace.mjs');
  const file = join(folder, 'bench.duckdb');
  const clean = async (): Promise<void> => {
    for (const path of [file, `${file}.wal`, join(dir, 'target')])
      await rm(path, { recursive: true, force: true });
  };
  const ours = (command = args): number =>
    time(
      process.execPath,
      [bin, 'dbt', ...command, '--project-dir', dir, '--database', file, '--local'],
      file,
    );
  // its sources are tables that its seeds make
  const begin = async (): Promise<void> => {
    await clean();
    if (before) ours(before);
    await rm(join(dir, 'target'), { recursive: true, force: true });
  };
  await begin();
  const [cold, again] = [ours(), median([ours(), ours(), ours()])];
  const peer = process.env['DBT'];
  await begin();
  const theirs = peer
    ? [1, 2].map(() => time(peer, [...args, '--project-dir', dir, '--profiles-dir', dir, '--quiet'], file))
    : [];
  yield* [
    { name: `dbt ${args[0]} --local, ${name}, cold`, value: cold, peer: theirs[0], times: 5 },
    { name: `dbt ${args[0]} --local, ${name}, again`, value: again, peer: theirs[1], times: 8 },
  ].map(({ name: what, value, peer: floor, times }) =>
    figure({
      ...{ name: what, value, unit: 'ms' },
      ...(floor !== undefined && {
        against: { name: 'dbt-core ms', value: floor },
        goal: { atMost: 1 / times, of: 'ratio' },
      }),
    }),
  );
  await clean();
}

function time(command: string, args: string[], file: string): number {
  const started = performance.now();
  execFileSync(command, args, { stdio: 'ignore', env: { ...process.env, DBT_DB_PATH: file } });
  return performance.now() - started;
}

/** The nodes alone, without start and parsing: bare statements, in process, as a workflow. */
async function* runs(folder: string, dir: string, rounds: number): AsyncGenerator<Figure> {
  const bare: number[] = [];
  const local: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const file = join(folder, `local-${round}`, 'bench.duckdb');
    const warehouse = await openDuckDb({ path: file, memoryLimit: '1GB' });
    const transform = await loadTransform({ ...context(dir, file), warehouse, ledger: false, reuse: false });
    local.push(await timed(() => runLocal(transform, { threads: 4, failFast: false })));
    const statements: string[] = [];
    for (const { id, relation, materialized } of transform.plan().nodes)
      statements.push(
        `create or replace ${materialized} ${quoteRelation(relation as RelationName)} as ${await transform.compile(id)}`,
      );
    await warehouse.close();
    bare.push(await bareTime(join(folder, `local-${round}`, 'bare', 'bench.duckdb'), statements));
  }
  const floor = { name: 'bare SQL ms', value: median(bare) };
  yield figure({
    ...{ name: `${MODELS} models in process`, value: median(local), unit: 'ms', against: floor },
    goal: { atMost: 1.5, of: 'ratio' },
  });
  const workflow: number[] = [];
  for (let round = 0; round < Math.min(rounds, 3); round++) {
    const file = join(folder, `workflow-${round}`, 'bench.duckdb');
    const root = await adHocProject('layers', dir, { kind: 'duckdb', path: file });
    let began = 0;
    const { records, failure } = await runAsWorkflow({
      root,
      run: {
        ...{ command: 'run', flags: {}, schema: 'main', startedAt },
        target: { name: 'dev', threads: 16 },
      },
      reuse: false,
      onStart: () => (began = performance.now()),
      onEnd: () => workflow.push(performance.now() - began),
    });
    if (failure || records.size !== MODELS) throw new Error(`the workflow failed: ${failure?.message}`);
    await rm(root, { recursive: true, force: true });
  }
  yield figure({
    ...{ name: `${MODELS} models as a workflow, with parsing`, value: median(workflow), unit: 'ms' },
    ...{ against: floor, goal: { atMost: 2.5, of: 'ratio' } },
  });
}

async function bareTime(file: string, statements: string[]): Promise<number> {
  await mkdir(dirname(file), { recursive: true });
  const instance = await DuckDBInstance.create(file);
  const connection = await instance.connect();
  const ms = await timed(async () => {
    for (const statement of statements) await connection.run(statement);
  });
  connection.closeSync();
  instance.closeSync();
  return ms;
}

/** A thousand models with a test each: a process of its own, and the next run of a worker that knows the project. */
async function* parsing(dir: string, rounds: number): AsyncGenerator<Figure> {
  const bin = join(packageRoot(), 'bin', 'millrace.mjs');
  const file = join(dir, 'bench.duckdb');
  const cold: number[] = [];
  const warm: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    await rm(join(dir, 'target'), { recursive: true, force: true });
    cold.push(
      time(
        process.execPath,
        [bin, 'dbt', 'parse', '--project-dir', dir, '--database', file, '--local'],
        file,
      ),
    );
    const read = timed(() =>
      Promise.resolve(readTransform({ ...context(dir, ''), run: `warm-${round}`, warehouse: duckdb })),
    );
    if (round > 0) warm.push(await read);
    else await read;
  }
  yield figure({
    ...{ name: 'dbt parse, 1,000 models, cold', value: median(cold), unit: 'ms' },
    goal: { atMost: 2_000, of: 'value' },
  });
  yield figure({
    ...{ name: 'parse of 1,000 models, warm', value: median(warm), unit: 'ms' },
    goal: { atMost: 300, of: 'value' },
  });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
