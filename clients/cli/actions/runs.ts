import { loadProject } from '../../../engines/project/load.js';
import { SEARCH_ATTRIBUTES } from '../../../schemas/queues.js';
import { runUrl, withClient } from '../../connect.js';
import { attributes } from '../../../workflows/attributes.js';
import { answer, style, table, type GlobalOptions } from '../output.js';

interface RunsOptions extends GlobalOptions {
  pipeline?: string;
  status?: string;
  limit: string;
}

/** `millrace runs` */
export async function runs(options: RunsOptions): Promise<void> {
  const { spec } = await loadProject(options.project);
  const query = [
    `WorkflowType = 'pipeline'`,
    `${SEARCH_ATTRIBUTES.project} = '${spec.name}'`,
    ...(options.pipeline
      ? [`${SEARCH_ATTRIBUTES.pipeline} = '${options.pipeline.replaceAll("'", '')}'`]
      : []),
    ...(options.status ? [`ExecutionStatus = '${statusName(options.status)}'`] : []),
  ];
  await withClient(async (connected) => {
    const found: {
      workflowId: string;
      runId: string;
      pipeline: string;
      status: string;
      stage: string;
      started: string;
      seconds: number | null;
      url: string | undefined;
    }[] = [];
    for await (const run of connected.client.workflow.list({ query: query.join(' AND ') })) {
      found.push({
        workflowId: run.workflowId,
        runId: run.runId,
        pipeline: run.typedSearchAttributes.get(attributes.pipeline) ?? '',
        status: run.status.name.toLowerCase(),
        stage: run.typedSearchAttributes.get(attributes.status) ?? '',
        started: run.startTime.toISOString(),
        seconds: run.closeTime ? (run.closeTime.getTime() - run.startTime.getTime()) / 1000 : null,
        url: runUrl(connected, run.workflowId, run.runId),
      });
      if (found.length >= Number(options.limit)) break;
    }
    answer(options, found, () =>
      found.length === 0
        ? `no runs of ${spec.name} yet`
        : table(
            ['run', 'status', 'started', 'took'],
            found.map(({ workflowId, status, started, seconds }) => [
              workflowId,
              status === 'completed'
                ? style.green(status)
                : status === 'running'
                  ? style.cyan(status)
                  : style.red(status),
              started,
              seconds === null ? '' : `${seconds.toFixed(1)} s`,
            ]),
          ),
    );
  });
}

const statusName = (status: string): string =>
  status.slice(0, 1).toUpperCase() +
  status
    .slice(1)
    .toLowerCase()
    .replace(/[^a-z]/g, '');
