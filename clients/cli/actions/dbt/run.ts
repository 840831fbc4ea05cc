import { eventTimes } from '../../../../engines/dbt/run/batches.js';
import { skippedRecord } from '../../../../engines/dbt/run/record.js';
import type { DbtCommand } from '../../../../schemas/dbt.js';
import type { NodeRecord } from '../../../../schemas/transform.js';
import { exitOf } from '../../../dbt/exit.js';
import { writeArtifacts } from '../../../dbt/finish.js';
import type { Invocation } from '../../../dbt/invocation.js';
import { runLocal } from '../../../dbt/local.js';
import { Reporter } from '../../../dbt/log/reporter.js';
import { withProject } from '../../../dbt/open.js';
import { showSeeds } from '../../../dbt/show-seeds.js';
import { TargetFolder, writeCompiled } from '../../../dbt/write-target.js';

/** Commands that carry out nodes: build, run, test, seed, snapshot, clone, source freshness. */
export async function run(invocation: Invocation): Promise<number> {
  const { settings } = invocation;
  eventTimes(settings.flags);
  if (settings.given['local'] === true || settings.command === 'clone') return inProcess(invocation);
  const { asWorkflow } = await import('./as-workflow.js');
  return asWorkflow(invocation);
}

function inProcess(invocation: Invocation): Promise<number> {
  const { settings, log, only } = invocation;
  const command = settings.command as DbtCommand;
  return withProject(invocation, { command, only }, async (opened) => {
    const { transform, environment, threads, signal } = opened;
    const began = performance.now();
    const target = new TargetFolder(settings.target);
    const reporter = new Reporter(log, environment, settings.target);
    const plan = transform.plan();
    reporter.begin(plan, threads);
    if (plan.nodes.length === 0) return exitOf([]);
    const ended = new Map<string, NodeRecord>();
    const records = await runLocal(transform, {
      ...{ threads, signal },
      failFast: settings.flags.failFast ?? false,
      onStart: reporter.start,
      onRecord: (record, node, place, error) => {
        ended.set(node.id, record);
        writeCompiled(target, environment, record);
        reporter.record(record, node, place, error);
      },
    }).catch((cause: unknown) => {
      // Ctrl-C: a retry goes on with what had not ended
      const all = plan.nodes.map(({ id }) => ended.get(id) ?? skippedRecord(id));
      const seconds = (performance.now() - began) / 1000;
      writeArtifacts(invocation, environment, target, all, seconds);
      throw cause;
    });
    const seconds = (performance.now() - began) / 1000;
    if (settings.given['show'] === true) await showSeeds(log, opened, records);
    reporter.end(plan, records, seconds);
    writeArtifacts(invocation, environment, target, records, seconds);
    return exitOf(records.map(({ result }) => result.status));
  });
}
