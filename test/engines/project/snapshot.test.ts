import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openLocalStore } from '../../../engines/lake/local-store.js';
import { openSnapshot, takeSnapshot } from '../../../engines/project/snapshot.js';
import { Project } from '../../../schemas/project.js';

test('a snapshot holds what a dbt project is written in, and no database, password or environment beside it', async () => {
  const root = mkdtempSync(join(tmpdir(), 'millrace-snapshot-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const kept = ['.dbtignore', 'dbt_project.yml', 'models/a.sql', 'models/docs.md', 'seeds/Big.CSV'];
  const left = ['shop.duckdb', 'shop.duckdb.wal', 'profiles.yml', 'venv/lib/x.py', 'target/run.sql'];
  for (const path of [...kept, ...left]) {
    mkdirSync(dirname(join(root, 'dbt', path)), { recursive: true });
    writeFileSync(join(root, 'dbt', path), 'name: shop\n');
  }
  const lake = await openLocalStore(join(root, 'lake'));
  const spec = Project.parse({ name: 'shop', transform: { dir: 'dbt' } });
  const before = await takeSnapshot(lake, { root, spec });
  writeFileSync(join(root, 'dbt/shop.duckdb'), 'other rows');
  expect(await takeSnapshot(lake, { root, spec })).toEqual(before);
  const { dbtDir } = await openSnapshot(lake, before, () => root);
  const found = readdirSync(dbtDir ?? '', { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice((dbtDir ?? '').length + 1));
  expect(found.sort()).toEqual([...kept].sort());
});
