import type { TransformResult } from '../schemas/run.js';
import type { NodeResult, PlanNode } from '../schemas/transform.js';

const SLOWEST_TOLD = 12;
const LINES_TOLD = 40;

/** A node's line in the table of those that took longest. */
export type NodeLine = NodeResult & { name: string };

export function keepSlowest(lines: NodeLine[], { name }: PlanNode, outcome: NodeResult): void {
  lines.push({ ...outcome, name });
  lines.sort((a, b) => b.seconds - a.seconds);
  lines.length = Math.min(lines.length, SLOWEST_TOLD);
}

/** The nodes that took longest, with what the warehouse said of them. */
function tableOf(lines: readonly NodeLine[]): string {
  if (lines.length === 0) return '';
  const number = (value: number | undefined): string => value?.toLocaleString('en') ?? '';
  return [
    '',
    '| slowest nodes | status | seconds | rows | bytes read | query |',
    '| --- | --- | ---: | ---: | ---: | --- |',
    ...lines.map(
      ({ name, status, seconds, rows, bytes, queryIds }) =>
        `| ${name} | ${status} | ${seconds} | ${number(rows)} | ${number(bytes)} | ${queryIds?.at(-1) ?? ''} |`,
    ),
    '',
  ].join('\n');
}

const graph = (mermaid: string): string => (mermaid === '' ? '' : ['```mermaid', mermaid, '```'].join('\n'));

/** What the Temporal UI shows of a run: its sums, warnings and failures, the slowest nodes, the graph. */
export const describe = (
  result: TransformResult,
  done: number,
  slowest: readonly NodeLine[],
  mermaid: string,
): string => [summary(result, done), tableOf(slowest), graph(mermaid)].join('\n');

function summary(result: TransformResult, done: number): string {
  const lines = [
    `${done} of ${result.nodes} nodes: ${result.built} built, ${result.reused} reused, ${result.passed} tests passed, ` +
      `${result.warned} warned, ${result.failed.length} failed, ${result.skipped} skipped`,
    ...result.warnings.map((warning) => `- warning: ${warning}`),
    ...result.failed.map(({ id, message }) => `- **${id}**: ${message}`),
  ];
  return lines.slice(0, LINES_TOLD).join('\n');
}
