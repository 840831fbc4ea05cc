import type { NodeRecord } from '../../../../schemas/transform.js';
import { compileNodes } from '../../../dbt/compile-nodes.js';
import { exitOf } from '../../../dbt/exit.js';
import { writeArtifacts } from '../../../dbt/finish.js';
import type { Invocation } from '../../../dbt/invocation.js';
import { withProject } from '../../../dbt/open.js';
import { text } from '../../../dbt/settings.js';
import { TargetFolder } from '../../../dbt/write-target.js';

/** `compile`: the SQL of every selected node into `target/compiled`; that of a single one is printed, too. */
export function compile(invocation: Invocation): Promise<number> {
  const { settings, log } = invocation;
  return withProject(invocation, { command: 'compile', planned: false }, async (opened) => {
    const { plan, records, reporter, seconds } = await compileNodes(invocation, opened);
    const [only] = records;
    const single = typeof only?.compiled === 'string';
    if (single && (records.length === 1 || settings.flags.inline !== undefined))
      log.answer(printed(only, plan.nodes[0]?.name ?? '', invocation));
    const code = exitOf(records.map(({ result }) => result.status));
    if (code !== 0) reporter.end(plan, records, seconds);
    writeArtifacts(invocation, opened.environment, new TargetFolder(settings.target), records, seconds);
    return code;
  });
}

function printed({ compiled }: NodeRecord, name: string, { settings }: Invocation): string {
  const inline = settings.flags.inline !== undefined;
  if (text(settings.given, 'output') === 'json')
    return JSON.stringify({ ...(!inline && { node: name }), compiled }, null, 2);
  return `${inline ? 'Compiled inline node is:' : `Compiled node '${name}' is:`}\n${compiled ?? ''}`;
}
