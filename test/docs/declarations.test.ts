import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadProject } from '../../engines/project/load.js';
import { blocks, pages } from './pages.js';

/** Parts of a `millrace.ts` that a page shows: `sources: { … },` and others. */
const parts = pages.flatMap(({ path, text }) =>
  blocks(text, 'ts')
    .filter((code) => /^(sources|lake|warehouse|transform): \{/.test(code))
    .map((code, index) => ({ name: `${path}, number ${index + 1}`, code })),
);

test.each(parts)('$name is what a project may say', async ({ code }) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-docs-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const api = 'columnsOf, copybook, csv, excel, fixed, journal, json, jsonl, parquet, project, s3, sftp, z';
  writeFileSync(
    join(folder, 'millrace.ts'),
    `import { ${api} } from 'millrace';\nexport default project({ name: 'shown',\n${code}});\n`,
  );
  for (const [, path = ''] of code.matchAll(/'([\w/.-]+\.cpy)'/g)) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), '       01 R.\n          05 F PIC X.\n');
  }
  await expect(loadProject(folder)).resolves.toBeDefined();
});

test('the pages show some', () => {
  expect(parts.length).toBeGreaterThan(6);
});
