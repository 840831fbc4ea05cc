import { runAsWorkflow, type DbtWorkflow, type DbtWorkflowResult } from '../../clients/dbt/start.js';
import type { DbtRun } from '../../schemas/run.js';
import type { TestRun } from './shop-run.js';

/** What `millrace dbt` asks of Temporal, against the stack of a test. */
export async function dbtWorkflow(
  { address, namespace }: TestRun,
  root: string,
  run: Partial<DbtRun> = {},
  told: Pick<DbtWorkflow, 'onStart' | 'onProgress'> = {},
): Promise<DbtWorkflowResult> {
  const former = process.env['TEMPORAL_ADDRESS'];
  Object.assign(process.env, { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace });
  try {
    return await runAsWorkflow({
      ...{ root, reuse: false, ...told },
      run: {
        ...{ command: 'build', flags: {}, schema: 'main', target: { name: 'dev', threads: 4 } },
        startedAt: new Date().toISOString(),
        ...run,
      },
    });
  } finally {
    delete process.env['TEMPORAL_NAMESPACE'];
    if (former === undefined) delete process.env['TEMPORAL_ADDRESS'];
    else process.env['TEMPORAL_ADDRESS'] = former;
  }
}
