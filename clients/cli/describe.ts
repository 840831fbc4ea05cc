import type { Metrics } from '../../schemas/predictor.js';
import type { ExtractResult, PipelineResult } from '../../schemas/run.js';
import { style, table } from './output.js';

const count = (n: number): string => n.toLocaleString('en');
const number = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(4));

/** What a finished run did, stage by stage. */
export function describeResult(result: PipelineResult): string[] {
  const lines: string[] = [`interval  ${result.interval.start} to ${result.interval.end}`];
  for (const one of result.extract) {
    if (one.batches === 0) {
      lines.push(`extract   ${one.source}.${one.stream}: nothing new, bronze has the files of this interval`);
      continue;
    }
    lines.push(
      `extract   ${one.source}.${one.stream}: ${one.batches} ${one.batches === 1 ? 'batch' : 'batches'}, ${count(one.read)} read = ${count(one.loaded)} loaded + ` +
        `${count(one.quarantined)} quarantined + ${count(one.filtered)} filtered`,
      ...describeShape(one).map((line) => `          ${style.yellow(line)}`),
    );
  }
  const { transform } = result;
  if (transform) {
    lines.push(
      `transform ${transform.nodes} nodes: ${transform.built} built, ${transform.reused} reused, ` +
        `${transform.passed} tests passed, ${transform.warned} warned, ${count(transform.rows)} rows`,
    );
  }
  for (const warning of transform?.warnings ?? [])
    lines.push(`          ${style.yellow('warning')} ${warning}`);
  for (const one of result.train) {
    const by = one.approval ? ` (${one.approval.who}: ${one.approval.why})` : '';
    lines.push(`train     ${one.predictor} v${one.version} ${style.bold(one.outcome)}${by}, ${one.hash}`);
    lines.push(...describeEvidence(one).map((line) => `          ${line}`));
  }
  for (const one of result.score) {
    lines.push(
      `score     ${one.predictor} v${one.version} → ${one.relation}: ${count(one.rows)} in = ${count(one.scored)} scored + ` +
        `${count(one.quarantined)} quarantined, score PSI ${number(one.scorePsi)}`,
    );
  }
  return lines;
}

/** What became of values and columns that the stream did not know. */
function describeShape({ discarded = 0, columns = [] }: ExtractResult): string[] {
  const came = columns.filter(({ was }) => was === undefined);
  const wider = columns.filter(({ was }) => was !== undefined);
  const counted = (n: number, what: string): string => `${count(n)} ${what}${n === 1 ? '' : 's'}`;
  return [
    ...(discarded > 0 ? [`${counted(discarded, 'value')} left out by the contract`] : []),
    ...(came.length > 0
      ? [
          `${counted(came.length, 'column')} new: ${came.map(({ column, type }) => `${column} (${type})`).join(', ')}`,
        ]
      : []),
    ...(wider.length > 0
      ? [
          `${counted(wider.length, 'column')} wider: ${wider.map(({ column, type, was }) => `${column} (${was} → ${type})`).join(', ')}`,
        ]
      : []),
  ];
}

/** What an approver decides by: the candidate's metrics, and the champion's on the same hold-out. */
export const describeEvidence = ({
  metrics,
  championMetrics,
}: {
  metrics: Metrics;
  championMetrics: Metrics | null;
}): string[] => compareMetrics(metrics, championMetrics, 'candidate', 'champion');

/** Metrics of two versions side by side; how they differ is told as the reader will read it. */
export function compareMetrics(
  one: Metrics,
  other: Metrics | null,
  name: string,
  otherName: string,
  difference = { title: 'difference', of: (value: number, against: number): number => value - against },
): string[] {
  const rows = Object.entries(one).map(([metric, value]) => {
    const against = other?.[metric as keyof Metrics];
    const apart = against === undefined ? '' : number(difference.of(value, against));
    return [metric, number(value), ...(other ? [number(against), apart] : [])];
  });
  return table(['metric', name, ...(other ? [otherName, difference.title] : [])], rows);
}
