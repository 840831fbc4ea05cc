import { rmSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { isRecord } from '../../../../engines/dbt/parse/config.js';
import { MillraceError } from '../../../../schemas/errors.js';
import { DBT_EXIT } from '../../../dbt/exit.js';
import type { Invocation } from '../../../dbt/invocation.js';

/** What may never be deleted, whatever clean-targets says. */
const SOURCES = [
  'model-paths',
  'seed-paths',
  'test-paths',
  'macro-paths',
  'snapshot-paths',
  'analysis-paths',
];

/** `clean`: deletes the folders of clean-targets; never anything outside the project, and no source. */
export function clean({ settings, log }: Invocation): Promise<number> {
  const { dir, yaml } = settings;
  const targets = listOf(yaml['clean-targets']) ?? [listOf(yaml['target-path'])?.[0] ?? 'target'];
  const sources = SOURCES.flatMap(
    (key) => listOf(yaml[key]) ?? [key.replace('-paths', 's').replace('analysiss', 'analyses')],
  );
  for (const target of targets) {
    const folder = resolve(dir, target);
    const inside = relative(dir, folder);
    if (inside === '' || inside.startsWith('..')) throw refuse(target, 'it is not inside the project');
    if (sources.some((source) => resolve(dir, source) === folder))
      throw refuse(target, 'the project reads it');
  }
  for (const target of targets) {
    rmSync(resolve(dir, target), { recursive: true, force: true });
    log.info(`Cleaned ${resolve(dir, target)}/*`);
  }
  log.info('Finished cleaning all paths.');
  return Promise.resolve(DBT_EXIT.ok);
}

function listOf(value: unknown): string[] | undefined {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((item) => !isRecord(item)).map(String) : undefined;
}

const refuse = (target: string, why: string): MillraceError =>
  new MillraceError('ProjectInvalid', {
    what: `clean will not delete '${target}': ${why}`,
    where: { file: 'dbt_project.yml', path: 'clean-targets' },
    fix: 'Name only folders that can be made again, such as target and dbt_packages',
  });
