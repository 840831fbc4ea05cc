// The worker's environment, queues, policies and metrics.
import { join } from 'node:path';
import { Declarations } from './comments.mjs';
import { page, table } from './markdown.mjs';

/**
 * @param {string} root
 * @param {{ defaults: Record<string, unknown>, queues: Record<string, string>, policies: Record<string, any>, registry: import('prom-client').Registry }} code
 */
export function workerPage(root, { defaults, queues, policies, registry }) {
  const variables = new Declarations(join(root, 'workers'), ['env.ts']).members('Env');
  const queueMeanings = new Declarations(join(root, 'schemas'), ['queues.ts']).members('QUEUES');
  const own = registry.getMetricsAsArray().filter(({ name }) => name.startsWith('millrace_'));
  return page(
    '# The worker, setting by setting',
    'A worker is `node dist/workers/main.js`, set by its environment. `millrace up` starts one with all of this set.',
    '## Environment',
    table(
      ['variable', 'default', 'meaning'],
      [...variables].map(([name, { text }]) => [`\`${name}\``, written(defaults[name]), text]),
    ),
    "Temporal's own variables (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_API_KEY`, `TEMPORAL_TLS…`, " +
      '`TEMPORAL_PROFILE`, `TEMPORAL_CONFIG_FILE`) are read as its other tools read them. ' +
      'What `transform.env` refers to has to be in the environment of the worker that serves the warehouse.',
    '## Queues',
    table(
      ['`MILLRACE_QUEUES`', 'task queue', 'what it does'],
      [
        ...Object.entries(queues).map(([name, queue]) => [
          `\`${name}\``,
          `\`${queue}\``,
          queueMeanings.get(name)?.text ?? '',
        ]),
        [
          '`warehouse`',
          '`millrace-warehouse-<project>-<file>`',
          'SQL; one queue for each DuckDB file of `MILLRACE_PROJECTS`, served by the one worker that holds it',
        ],
      ],
    ),
    '## Timeouts and retries',
    table(
      ['kind of work', 'one attempt', 'all attempts', 'silent for', 'wait between attempts'],
      Object.entries(policies).map(([name, policy]) => [
        name,
        policy.startToCloseTimeout,
        policy.scheduleToCloseTimeout ?? 'no limit',
        policy.heartbeatTimeout,
        `${policy.retry.initialInterval}, doubled up to ${policy.retry.maximumInterval}`,
      ]),
    ),
    'An attempt that is silent for that long is taken for dead, and another one begins. Attempts are not counted.',
    '## Metrics',
    "`/metrics` has these, Node's own (`process_…`, `nodejs_…`) and those of the Temporal SDK (`temporal_…`, with " +
      '`_total` and `_seconds` suffixes).',
    table(
      ['metric', 'type', 'labels', 'meaning'],
      own.map(({ name, type = kindOf(name), labelNames, help }) => [
        `\`${name}\``,
        type,
        labelNames.map((label) => `\`${label}\``).join(', '),
        help,
      ]),
    ),
  );
}

const kindOf = (name) =>
  name.endsWith('_total') ? 'counter' : name.endsWith('_seconds') ? 'histogram' : 'gauge';

const written = (value) => {
  if (value === undefined) return 'none';
  return Array.isArray(value) ? `\`${value.join(',') || '[]'}\`` : `\`${value}\``;
};
