import {
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { TrainActivities, TrainWarehouseActivities } from '../activities/train.js';
import { milliseconds } from '../schemas/duration.js';
import type { Metrics } from '../schemas/predictor.js';
import type { Progress, TrainInput, TrainOutcome, TrainResult } from '../schemas/run.js';
import { ApprovalDesk } from './approval.js';
import { attributes } from './attributes.js';
import { progress } from './messages.js';
import { policies } from './policies.js';

const { fitCandidate, evaluateChampion } = proxyActivities<TrainActivities>(policies.compute);
const { readChampion, judgeCandidate, promoteCandidate, rejectCandidate } = proxyActivities<TrainActivities>(
  policies.control,
);

/**
 * Rows frozen → candidate fitted → compared with the champion on the same hold-out → gate → approval → promotion.
 * Whatever happens on the way, the champion goes on serving until one atomic step replaces it.
 */
export async function train(input: TrainInput): Promise<TrainResult> {
  const { predictor, approval } = input;
  const desk = new ApprovalDesk();
  const state: Progress = {
    stage: `train ${predictor}`,
    done: 0,
    total: 5,
    current: ['freezing the rows'],
    rows: 0,
    answers: desk.records,
  };
  setHandler(progress, () => state);
  const step = (done: number, what: string): void => {
    Object.assign(state, { done, current: [what] });
    setCurrentDetails(what);
  };

  const { freezeTraining } = proxyActivities<TrainWarehouseActivities>({
    ...policies.warehouse,
    taskQueue: input.warehouseQueue,
  });
  const dataset = await freezeTraining(input);
  state.rows = dataset.rows;
  step(1, `fitting on ${dataset.rows.toLocaleString('en')} rows`);
  const candidate = await fitCandidate.executeWithOptions(
    { summary: `fit ${predictor} on ${dataset.rows} rows` },
    [{ ...input, dataset }],
  );
  step(2, 'comparing with the champion');
  const champion = await readChampion(input);
  if (champion?.hash === candidate.hash) {
    // the same data and parameters give the same bytes: there is nothing to decide
    step(5, `v${champion.version} stays: the candidate is the same`);
    state.current = [];
    return {
      ...{ predictor, outcome: 'unchanged', version: champion.version, hash: champion.hash },
      ...{
        metrics: candidate.metrics,
        championMetrics: null,
        championVersion: champion.version,
        approval: null,
      },
    };
  }
  const championMetrics = champion
    ? await evaluateChampion.executeWithOptions(
        { summary: `champion v${champion.version} on the same hold-out` },
        [{ ...input, dataset, hash: champion.hash }],
      )
    : null;
  step(3, 'judging');
  const verdict = await judgeCandidate({ ...input, dataset, candidate, champion, championMetrics });

  const finish = (
    outcome: TrainOutcome,
    answer = desk.records.find(({ accepted }) => accepted) ?? null,
  ): TrainResult => {
    step(5, `v${verdict.version} ${outcome}`);
    state.current = [];
    setCurrentDetails(
      [`**v${verdict.version} ${outcome}**`, evidence(candidate.metrics, championMetrics)].join('\n\n'),
    );
    return {
      ...{
        predictor,
        outcome,
        version: verdict.version,
        hash: candidate.hash,
        metrics: candidate.metrics,
        championMetrics,
      },
      championVersion: champion?.version ?? null,
      approval: answer,
    };
  };

  const target = {
    ...input,
    version: verdict.version,
    hash: candidate.hash,
    expectedChampion: champion?.version ?? null,
  };
  if (!verdict.passed) {
    await rejectCandidate({ ...target, by: 'gate', why: verdict.reasons.join('; ') });
    return finish('gate rejected');
  }
  if (champion === null && approval.required === 'replace') {
    await promoteCandidate({ ...target, by: 'gate', why: 'the first version that passed' });
    return finish('promoted');
  }

  const timeout = milliseconds(approval.timeout);
  const { workflowId } = workflowInfo();
  const deadline = new Date(Date.now() + timeout).toISOString();
  const { hash, metrics } = candidate;
  state.awaiting = { predictor, hash, workflowId, deadline, metrics, championMetrics };
  step(4, `awaiting approval of ${candidate.hash}`);
  setCurrentDetails(
    question(input, candidate.hash, verdict.reasons, evidence(candidate.metrics, championMetrics), deadline),
  );
  upsertSearchAttributes([{ key: attributes.status, value: 'awaiting approval' }]);
  const answer = await desk.ask(candidate.hash, approval.approvers, timeout);
  delete state.awaiting;
  upsertSearchAttributes([{ key: attributes.status, value: 'running' }]);

  if (answer?.answer === 'approve') {
    await promoteCandidate({ ...target, by: answer.who, why: answer.why });
    return finish('promoted', answer);
  }
  const why = answer?.why ?? `nobody answered within ${approval.timeout}`;
  await rejectCandidate({ ...target, by: answer?.who ?? 'timeout', why });
  return finish(answer ? 'rejected' : 'timed out', answer);
}

/** Candidate and champion side by side, as a Markdown table. */
function evidence(candidate: Metrics, champion: Metrics | null): string {
  const number = (value: number | undefined): string => (value === undefined ? '–' : value.toPrecision(5));
  const rows = Object.entries(candidate).map(
    ([name, value]) => `| ${name} | ${number(value)} | ${number(champion?.[name as keyof Metrics])} |`,
  );
  return ['| metric | candidate | champion |', '| --- | --- | --- |', ...rows].join('\n');
}

function question(
  input: TrainInput,
  hash: string,
  reasons: string[],
  table: string,
  deadline: string,
): string {
  const who = input.approval.approvers[0] ?? 'you@example.com';
  return [
    `**Waiting for approval until ${deadline}** (then it is rejected).`,
    table,
    ...reasons.map((reason) => `- ${reason}`),
    'Send the signal `approvePromotion` or `rejectPromotion` with:',
    '```json',
    JSON.stringify({ who, why: 'your reason', hash }),
    '```',
  ].join('\n\n');
}
