import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { skippedRecord } from '../../../../engines/dbt/run/record.js';
import type { DbtCommand } from '../../../../schemas/dbt.js';
import { MillraceError } from '../../../../schemas/errors.js';
import type { NodeRecord } from '../../../../schemas/transform.js';
import { adHocProject } from '../../../dbt/ad-hoc-project.js';
import { connectionOf, type Connection } from '../../../dbt/connection.js';
import { DBT_EXIT, exitOf } from '../../../dbt/exit.js';
import { writeArtifacts } from '../../../dbt/finish.js';
import { Interrupted } from '../../../dbt/interrupted.js';
import type { Invocation } from '../../../dbt/invocation.js';
import { Reporter } from '../../../dbt/log/reporter.js';
import { readProject } from '../../../dbt/open.js';
import { text } from '../../../dbt/settings.js';
import { runAsWorkflow } from '../../../dbt/start.js';
import { TargetFolder, writeCompiled } from '../../../dbt/write-target.js';

/** Runs a command as a workflow: seen in the Temporal UI, retried, and gone on with after a crash. */
export async function asWorkflow(invocation: Invocation): Promise<number> {
  const { settings, log, startedAt } = invocation;
  const command = settings.command as DbtCommand;
  const connection = connectionOf(invocation);
  const { environment, plan: expected } = readProject(invocation, { command, only: invocation.only });
  const target = new TargetFolder(settings.target);
  const reporter = new Reporter(log, environment, settings.target);
  if (expected.nodes.length === 0) {
    reporter.begin(expected, connection.target.threads);
    return DBT_EXIT.ok;
  }
  const began = performance.now();
  let told = 0;
  const { plan, records, failure, interrupted } = await runAsWorkflow({
    root: await projectRoot(invocation, connection),
    run: {
      command,
      flags: settings.flags,
      schema: connection.schema,
      target: connection.target,
      startedAt,
      only: invocation.only && [...invocation.only],
    },
    reuse: settings.given['reuse'] === true,
    onStart: (workflowId, url, former) => {
      log.info(`Workflow ${workflowId}${url === undefined ? '' : `  ${url}`}`);
      if (former) log.info('It had begun before, and its command was cut off: it goes on where it was');
    },
    onProgress: ({ done, total, current }) => {
      if (done === told) return;
      told = done;
      log.info(
        // hooks are done, too, and are none of the nodes
        `${Math.min(done, total)} of ${total} done${current.length > 0 ? `; now ${current.slice(0, 4).join(', ')}` : ''}`,
      );
    },
  });
  if (failure && plan.nodes.length === 0) {
    log.error(`${failure.type}: ${failure.message}`);
    return interrupted ? DBT_EXIT.interrupted : DBT_EXIT.invalid;
  }
  reporter.begin(plan, connection.target.threads);
  const all: NodeRecord[] = [];
  for (const list of [plan.start, plan.nodes, plan.end])
    for (const [at, node] of list.entries()) {
      const record = records.get(node.id) ?? skippedRecord(node.id);
      all.push(record);
      writeCompiled(target, environment, record);
      reporter.record(record, node, { index: at + 1, total: list.length });
    }
  const seconds = (performance.now() - began) / 1000;
  writeArtifacts(invocation, environment, target, all, seconds);
  if (interrupted) throw new Interrupted();
  reporter.end(plan, all, seconds);
  const code = exitOf(all.map(({ result }) => result.status));
  if (!failure || code !== DBT_EXIT.ok) return code;
  log.error(`${failure.type}: ${failure.message}`);
  return DBT_EXIT.invalid;
}

/** A folder that workers can open: the one with a millrace.ts, or one made for this dbt project. */
function projectRoot({ settings }: Invocation, { dialect, profile }: Connection): Promise<string> | string {
  const { dir, given, yaml } = settings;
  const own = ['millrace.ts', 'millrace.mjs'].some((name) => existsSync(join(dir, name)));
  const file = text(given, 'database') ?? (profile && text(profile.settings, 'path'));
  if (own && text(given, 'database') === undefined) return dir;
  if (dialect !== 'duckdb' || typeof file !== 'string' || file === ':memory:')
    throw new MillraceError('Unsupported', {
      what: `A workflow cannot open this ${dialect} target: its workers would not find it`,
      fix: 'Add --local to run in this process, or declare the warehouse in a millrace.ts beside dbt_project.yml',
    });
  return adHocProject(text(yaml, 'name') ?? 'dbt', dir, { kind: 'duckdb', path: resolve(file) });
}
