import { proxyActivities, setCurrentDetails, setHandler } from '@temporalio/workflow';
import type { ScoreActivities, ScoreWarehouseActivities } from '../activities/score.js';
import type { ScoreInput, ScoreResult } from '../schemas/run.js';
import { progress } from './messages.js';
import { policies } from './policies.js';
import { slidingWindow } from './window.js';

const { scorePartition } = proxyActivities<ScoreActivities>(policies.compute);

/** Every row scored by the champion, partition by partition; results and QA are published together. */
export async function score(input: ScoreInput): Promise<ScoreResult> {
  const { predictor, policy } = input;
  let done = 0;
  let total = 0;
  let rows = 0;
  setHandler(progress, () => ({
    ...{ stage: `score ${predictor}`, done, total, rows },
    current: done < total ? [`${predictor}: ${done} of ${total} partitions`] : [],
  }));
  const { freezePartitions, publishScores } = proxyActivities<ScoreWarehouseActivities>({
    ...policies.warehouse,
    taskQueue: input.warehouseQueue,
  });

  const frozen = await freezePartitions(input);
  total = frozen.partitions;
  await slidingWindow(total, policy.window, async (partition) => {
    const counts = await scorePartition.executeWithOptions(
      { summary: `${predictor} v${frozen.version}: partition ${partition + 1} of ${total}` },
      [{ ...input, frozen, partition }],
    );
    done++;
    rows += counts.scored;
    setCurrentDetails(
      `v${frozen.version}: ${done} of ${total} partitions, ${rows.toLocaleString('en')} rows scored`,
    );
  });
  const result = await publishScores.executeWithOptions(
    { summary: `publish ${rows} scores of v${frozen.version}` },
    [{ ...input, frozen }],
  );
  setCurrentDetails(
    `v${result.version} → \`${result.relation}\`: ${result.scored.toLocaleString('en')} scored, ` +
      `${result.quarantined.toLocaleString('en')} quarantined, score PSI ${result.scorePsi.toFixed(4)}`,
  );
  return result;
}
