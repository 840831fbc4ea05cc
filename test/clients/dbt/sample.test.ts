import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parseArguments } from '../../../clients/dbt/parse-arguments.js';
import { settle } from '../../../clients/dbt/settings.js';

test('who asks for a sample is told that there is none, and does not get the whole', () => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-sample-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, 'dbt_project.yml'), 'name: shop\n');
  const argv = ['run', '--project-dir', dir, '--sample', '3 days'];
  const parsed = parseArguments(argv);
  expect(() => settle(parsed as Parameters<typeof settle>[0], argv)).toThrow('--sample is not supported');
});
