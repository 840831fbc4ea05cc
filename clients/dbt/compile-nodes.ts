import { timestamp } from '../../engines/dbt/artifacts/timestamp.js';
import { topological } from '../../engines/dbt/graph.js';
import { record } from '../../engines/dbt/run/record.js';
import type { Transform } from '../../engines/dbt/transform.js';
import type { NodeRecord, PlanNode, TransformPlan } from '../../schemas/transform.js';
import { choose } from './choose.js';
import { inlineNode } from './inline.js';
import type { Invocation } from './invocation.js';
import { runLocal } from './local.js';
import { Reporter } from './log/reporter.js';
import type { Opened } from './open.js';
import { TargetFolder, writeCompiled } from './write-target.js';

export interface Compilation {
  plan: TransformPlan;
  records: NodeRecord[];
  seconds: number;
  reporter: Reporter;
}

/** Compiles every selected node and writes the texts into `target/compiled`. Only failures are told. */
export async function compileNodes(invocation: Invocation, opened: Opened): Promise<Compilation> {
  const { settings, log } = invocation;
  const { environment, threads, signal } = opened;
  const target = new TargetFolder(settings.target);
  const began = performance.now();
  const plan = planOf(invocation, opened);
  const reporter = new Reporter(log, environment, settings.target);
  reporter.begin(plan, threads);
  const records = await runLocal(compiling(opened, plan), {
    ...{ threads, signal },
    failFast: settings.flags.failFast ?? false,
    onRecord: (record, node, place, error) => {
      writeCompiled(target, environment, record);
      if (record.result.status !== 'success') reporter.record(record, node, place, error);
    },
  });
  return { plan, records, reporter, seconds: (performance.now() - began) / 1000 };
}

/** Every selected node that has SQL, ephemeral models and analyses too. */
function planOf(invocation: Invocation, { environment }: Opened): TransformPlan {
  const { manifest } = environment;
  const rest = { start: [], end: [], mermaid: '', warnings: manifest.warnings };
  const { inline } = invocation.settings.flags;
  if (inline !== undefined) {
    const { id, name, kind } = inlineNode(environment, inline);
    return { ...rest, nodes: [{ id, name, kind, parents: [] }] };
  }
  const ids = choose(invocation, environment, 'compile');
  const chosen = topological(manifest).filter(({ id, kind }) => ids.has(id) && kind !== 'seed');
  const index = new Map(chosen.map(({ id }, at) => [id, at]));
  const nodes = chosen.map(({ id, name, kind, dependsOn }): PlanNode => ({
    ...{ id, name, kind },
    parents: dependsOn.flatMap((parent) => index.get(parent) ?? []),
  }));
  return { ...rest, nodes };
}

const compiling = (
  { transform, environment }: Opened,
  plan: TransformPlan,
): Pick<Transform, 'plan' | 'run'> => ({
  plan: () => plan,
  run: (id, statement) =>
    record({ id, relation: null }, environment.target.database, async () => {
      const compiled = await transform.compile(id, statement);
      return { status: 'success', key: '', compiled, compiledAt: timestamp() };
    }),
});
