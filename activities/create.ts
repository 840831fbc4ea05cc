import { createBackfillActivities } from './backfill.js';
import { createExtractActivities } from './extract.js';
import { createReplicateActivities } from './replicate.js';
import type { Deps } from './deps.js';
import { createPlanActivities } from './plan.js';
import { createScoreActivities, createScoreWarehouseActivities } from './score.js';
import { createTrainActivities, createTrainWarehouseActivities } from './train.js';
import { createTransformActivities } from './transform.js';

/** Every activity there is; which of them a worker runs is decided by the queues it serves. */
export const createActivities = (deps: Deps) => ({
  ...createPlanActivities(deps),
  ...createBackfillActivities(deps),
  ...createExtractActivities(deps),
  ...createReplicateActivities(deps),
  ...createTransformActivities(deps),
  ...createTrainWarehouseActivities(deps),
  ...createTrainActivities(deps),
  ...createScoreWarehouseActivities(deps),
  ...createScoreActivities(deps),
});
