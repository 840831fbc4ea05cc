import { listLines } from '../../../../engines/dbt/select/list.js';
import { choose } from '../../../dbt/choose.js';
import { DBT_EXIT } from '../../../dbt/exit.js';
import type { Invocation } from '../../../dbt/invocation.js';
import { readProject } from '../../../dbt/open.js';
import { text } from '../../../dbt/settings.js';

type Output = 'name' | 'path' | 'selector' | 'json';

/** `ls`: what a selection comes to, a line each on standard output. */
export function ls(invocation: Invocation): Promise<number> {
  const { settings, log } = invocation;
  const { environment } = readProject(invocation, { command: 'build', planned: false });
  const ids = choose(invocation, environment, 'ls');
  const output = (text(settings.given, 'output') ?? 'selector') as Output;
  const keys = ((settings.given['output_keys'] as string[] | undefined) ?? []).flatMap((key) =>
    key.split(/\s+/),
  );
  const lines = listLines(environment, ids, { output, keys });
  if (lines.length > 0) log.answer(lines.join('\n'));
  return Promise.resolve(DBT_EXIT.ok);
}
