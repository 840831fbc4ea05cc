import type { Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';

/** Every history there is, payloads decoded to text: what a reader of the server's database could find. */
export async function allHistories(client: Client): Promise<string> {
  const texts: string[] = [];
  for await (const { workflowId, runId } of client.workflow.list()) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    const text = historyToJSON(history);
    texts.push(text, ...dataOf(text).map((data) => data.toString()));
  }
  return texts.join('\n');
}

/** Size of the largest payload of a run (the latest of its workflow, or the one named), and the number of its events. */
export async function historySize(
  client: Client,
  workflowId: string,
  runId?: string,
): Promise<{ events: number; largest: number; scheduled: (activity: string) => number }> {
  const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  const events = history.events ?? [];
  return {
    events: events.length,
    largest: Math.max(0, ...dataOf(historyToJSON(history)).map((data) => data.length)),
    scheduled: (activity) =>
      events.filter(
        ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name === activity,
      ).length,
  };
}

const dataOf = (json: string): Buffer[] =>
  [...json.matchAll(/"data": ?"([^"]*)"/g)].map(([, data]) => Buffer.from(data ?? '', 'base64'));
