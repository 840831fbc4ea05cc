import { listLines } from '../../../../engines/dbt/select/list.js';
import { select } from '../../../../engines/dbt/select/selection.js';
import { DBT_EXIT } from '../../../dbt/exit.js';
import type { Invocation } from '../../../dbt/invocation.js';
import { tellWarnings } from '../../../dbt/log/warnings.js';
import { readProject } from '../../../dbt/open.js';
import { text } from '../../../dbt/settings.js';

const OUTPUTS = ['name', 'path', 'selector', 'json'] as const;
type Output = (typeof OUTPUTS)[number];

/** `ls`: what a selection comes to, a line each on standard output. */
export function ls(invocation: Invocation): Promise<number> {
  const { settings, log } = invocation;
  const { environment } = readProject(invocation, { command: 'build', planned: false });
  const { ids, warnings } = select(environment, { command: 'ls' });
  tellWarnings(log, settings.flags, warnings);
  const output = (text(settings.given, 'output') ?? 'selector') as Output;
  const keys = ((settings.given['output_keys'] as string[] | undefined) ?? []).flatMap((key) =>
    key.split(/\s+/),
  );
  const lines = listLines(environment, ids, { output, keys });
  if (lines.length > 0) log.answer(lines.join('\n'));
  return Promise.resolve(DBT_EXIT.ok);
}
