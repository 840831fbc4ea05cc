import type { NodeRecord, TransformPlan } from '../../../../schemas/transform.js';
import { compileNodes } from '../../../dbt/compile-nodes.js';
import { exitOf } from '../../../dbt/exit.js';
import { writeArtifacts } from '../../../dbt/finish.js';
import type { Invocation } from '../../../dbt/invocation.js';
import { withProject } from '../../../dbt/open.js';
import { text, type Settings } from '../../../dbt/settings.js';
import { TargetFolder } from '../../../dbt/write-target.js';

/** `compile`: the SQL of every selected node into `target/compiled`; that of nodes called by name is printed, too. */
export function compile(invocation: Invocation): Promise<number> {
  const { settings, log } = invocation;
  return withProject(invocation, { command: 'compile', planned: false }, async (opened) => {
    const { plan, records, reporter, seconds } = await compileNodes(invocation, opened);
    for (const { name, record } of asked(plan, records, settings))
      log.answer(printed(record, name, invocation));
    const code = exitOf(records.map(({ result }) => result.status));
    if (code !== 0) reporter.end(plan, records, seconds);
    writeArtifacts(invocation, opened.environment, new TargetFolder(settings.target), records, seconds);
    return code;
  });
}

/** Whose SQL is shown: the one of `--inline`, those that `--select` names, or the only one that was selected. */
function asked(
  { nodes }: TransformPlan,
  records: readonly NodeRecord[],
  { flags }: Settings,
): { name: string; record: NodeRecord }[] {
  const names = new Map(nodes.map(({ id, name }) => [id, name]));
  const words = new Set((flags.select ?? []).flatMap((text) => text.split(/[\s,]+/)));
  const all = records
    .filter(({ compiled }) => typeof compiled === 'string')
    .map((record) => ({ name: names.get(record.result.id) ?? '', record }));
  if (flags.inline !== undefined) return all.slice(0, 1);
  return records.length === 1 ? all : all.filter(({ name }) => words.has(name));
}

function printed({ compiled }: NodeRecord, name: string, { settings }: Invocation): string {
  const inline = settings.flags.inline !== undefined;
  if (text(settings.given, 'output') === 'json')
    return JSON.stringify({ ...(!inline && { node: name }), compiled }, null, 2);
  return `${inline ? 'Compiled inline node is:' : `Compiled node '${name}' is:`}\n${compiled ?? ''}`;
}
