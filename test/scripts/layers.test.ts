import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A small tree with the project's rules, removed after the test. */
function lay(tree: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-layers-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const file of ['.dependency-cruiser.cjs', 'eslint.config.js', 'tsconfig.json', 'package.json']) {
    cpSync(join(ROOT, file), join(folder, file));
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const [path, text] of Object.entries(tree)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

/** Runs a checker in the tree; its answer counts, whatever its exit status. */
async function check<T>(folder: string, script: string, ...args: string[]): Promise<T> {
  const command = [join(ROOT, 'node_modules', script), ...args];
  const { stdout } = await promisify(execFile)(process.execPath, command, {
    cwd: folder,
    maxBuffer: 1e8,
  }).catch((error: { stdout: string }) => error);
  return JSON.parse(stdout) as T;
}

/** @returns the layer rules that a tree breaks, as `rule: file` */
async function broken(tree: Record<string, string>): Promise<string[]> {
  const { summary } = await check<{ summary: { violations: { rule: { name: string }; from: string }[] } }>(
    lay(tree),
    'dependency-cruiser/bin/dependency-cruise.mjs',
    ...['--config', '.dependency-cruiser.cjs', '--output-type', 'json', '.'],
  );
  return summary.violations.map(({ rule, from }) => `${rule.name}: ${from}`).sort();
}

/** @returns the lint rules that a tree breaks, as `rule: file` */
async function linted(tree: Record<string, string>): Promise<string[]> {
  const folder = lay(tree);
  const files = await check<{ filePath: string; messages: { ruleId: string }[] }[]>(
    folder,
    'eslint/bin/eslint.js',
    ...['--format', 'json', '.'],
  );
  return files
    .flatMap(({ filePath, messages }) =>
      messages.map(({ ruleId }) => `${ruleId}: ${relative(folder, filePath)}`),
    )
    .sort();
}

const leaf = 'export const leaf = 1;\nexport type Leaf = number;\n';
const uses = (path: string) => `import { leaf } from '${path}';\nexport const used = leaf;\n`;
const usesType = (path: string) => `import type { Leaf } from '${path}';\nexport const used: Leaf = 1;\n`;

test('what goes downwards is allowed', async () => {
  const tree = {
    'clients/cli/run.ts':
      uses('../../deploy/local/stack.js') + usesType('../../workflows/run.js').replaceAll('used', 'again'),
    'deploy/local/stack.ts': uses('../../schemas/common.js').replace('used', 'leaf2') + leaf,
    'workers/main.ts': uses('../activities/run.js'),
    'workflows/run.ts':
      usesType('../activities/run.js') +
      "import { sleep } from '@temporalio/workflow';\nexport const nap = sleep;\n" +
      'export type Leaf = number;\n',
    'activities/run.ts':
      uses('../engines/dbt/run.js') + leaf.replace('leaf', 'leaf3') + 'export { used as leaf };\n',
    'engines/dbt/run.ts': uses('../warehouse/port.js') + 'export { used as leaf };\n',
    'engines/ml/fit.ts': uses('../thread.js'),
    'engines/thread.ts': leaf,
    'engines/warehouse/port.ts': uses('../../schemas/common.js') + 'export { used as leaf };\n',
    'schemas/common.ts': leaf,
  };
  expect(await broken(tree)).toEqual([]);
});

test('nothing goes upwards or sideways', async () => {
  const tree = {
    'clients/up.ts': leaf,
    'schemas/a.ts': uses('../engines/thread.js'),
    'engines/thread.ts': leaf,
    'engines/b.ts': uses('../activities/b.js'),
    'activities/b.ts': leaf,
    'activities/c.ts': uses('../workflows/c.js'),
    'workflows/c.ts': leaf,
    'workers/d.ts': uses('../clients/up.js'),
    'workers/e.ts': uses('../deploy/local/e.js'),
    'deploy/local/e.ts': leaf,
    'deploy/local/f.ts': uses('../../engines/thread.js'),
    'clients/g.ts': uses('../test/g.js'),
    'test/g.ts': leaf,
  };
  expect(await broken(tree)).toEqual([
    'activities-downwards: activities/c.ts',
    'clients-downwards: clients/g.ts',
    'deploy-local-downwards: deploy/local/f.ts',
    'engines-downwards: engines/b.ts',
    'schemas-downwards: schemas/a.ts',
    'workers-downwards: workers/d.ts',
    'workers-downwards: workers/e.ts',
  ]);
});

test('a workflow takes activities as types only, engines not at all, and no package but the workflow API', async () => {
  const tree = {
    'activities/a.ts': leaf,
    'engines/ml/e.ts': leaf,
    'workflows/value.ts': uses('../activities/a.js'),
    'workflows/engine.ts': usesType('../engines/ml/e.js'),
    'workflows/core.ts': "import { readFileSync } from 'node:fs';\nexport const read = readFileSync;\n",
    'workflows/zod.ts': "import { z } from 'zod';\nexport const any = z.any();\n",
  };
  expect(await broken(tree)).toEqual([
    'workflow-packages: workflows/core.ts',
    'workflow-packages: workflows/zod.ts',
    'workflow-types-only: workflows/engine.ts',
    'workflows-downwards: workflows/value.ts',
  ]);
});

test('engines stand alone and know nothing of Temporal', async () => {
  const tree = {
    'engines/lake/l.ts': leaf,
    'engines/dbt/wrong.ts': uses('../lake/l.js'),
    'engines/secrets/wrong.ts': uses('../lake/l.js'),
    'engines/ml/right.ts': uses('../lake/l.js'),
    'engines/lake/temporal.ts':
      "import { Context } from '@temporalio/activity';\nexport const context = Context;\n",
    'deploy/local/temporal.ts':
      "import type { Client } from '@temporalio/client';\nexport type C = Client;\n",
  };
  expect(await broken(tree)).toEqual([
    'engine-alone: engines/secrets/wrong.ts',
    'engine-dbt-alone: engines/dbt/wrong.ts',
    'no-temporal-in-engines: deploy/local/temporal.ts',
    'no-temporal-in-engines: engines/lake/temporal.ts',
  ]);
});

test('cycles and development packages are refused', async () => {
  const tree = {
    'schemas/a.ts': uses('./b.js') + leaf,
    'schemas/b.ts': uses('./a.js') + leaf,
    'engines/x/dev.ts': "import fc from 'fast-check';\nexport const check = fc;\n",
  };
  expect(await broken(tree)).toEqual([
    'no-cycles: schemas/a.ts',
    'no-development-packages: engines/x/dev.ts',
  ]);
});

test('the linter refuses values in workflows that belong to the other side, promises nobody waits for, and the console', async () => {
  const tree = {
    'activities/a.ts': leaf,
    'workflows/type.ts': usesType('../activities/a.js'),
    'workflows/value.ts': uses('../activities/a.js'),
    'workflows/zod.ts': "import { z } from 'zod';\nexport const any: unknown = z;\n",
    'workflows/core.ts': "import { readFileSync } from 'node:fs';\nexport const read = readFileSync;\n",
    'engines/lost.ts': 'export const start = (work: () => Promise<void>): void => {\n  work();\n};\n',
    'engines/chatty.ts': "export const talk = (): void => console.log('hello');\n",
  };
  expect(await linted(tree)).toEqual([
    '@typescript-eslint/no-floating-promises: engines/lost.ts',
    '@typescript-eslint/no-restricted-imports: workflows/core.ts',
    '@typescript-eslint/no-restricted-imports: workflows/value.ts',
    '@typescript-eslint/no-restricted-imports: workflows/zod.ts',
    'no-console: engines/chatty.ts',
  ]);
});
