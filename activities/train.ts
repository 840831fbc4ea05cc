import { localFiles, freeze } from './freeze.js';
import { evaluate } from '../engines/ml/evaluate.js';
import { fit } from '../engines/ml/fit.js';
import { didYouMean } from '../engines/nearest.js';
import { decide } from '../engines/ml/gate.js';
import { openRegistry } from '../engines/ml/registry.js';
import { quoteIdent, quoteRelation, type RelationName, type Warehouse } from '../engines/warehouse/port.js';
import { MillraceError } from '../schemas/errors.js';
import type { DatasetRef } from '../schemas/dataset.js';
import type { Metrics, Predictor } from '../schemas/predictor.js';
import type { TrainInput } from '../schemas/run.js';
import type { Candidate } from '../schemas/train.js';
import { beating, type Beat } from './beating.js';
import type { Deps } from './deps.js';
import { describeGold, goldRelation, readAsOf } from './gold.js';
import { predictorPlace } from './place.js';
import type { OpenProject } from './resources.js';

export interface ChampionRef {
  version: number;
  hash: string;
}

export interface JudgeInput extends TrainInput {
  dataset: DatasetRef;
  candidate: Candidate;
  champion: ChampionRef | null;
  championMetrics: Metrics | null;
}

export interface Verdict {
  version: number;
  passed: boolean;
  /** every rule with its limit and value, for people */
  reasons: string[];
}

export interface DecisionInput extends TrainInput {
  version: number;
  hash: string;
  /** the champion that the candidate was compared with */
  expectedChampion: number | null;
  by: string;
  why: string;
}

const labels = ({ project }: TrainInput) => ({ project: project.name, stage: 'train', stream: '' });

/** One step: errors about rows point to the predictor's declaration. */
const step = <T>(deps: Deps, input: TrainInput, work: (beat: Beat) => Promise<T>): Promise<T> =>
  beating(deps, labels(input), work, () => predictorPlace(input));

/** The part of training that reads the warehouse. */
export const createTrainWarehouseActivities = (deps: Deps) => ({
  /** Freezes the labelled rows of the gold relation: what the predictor is trained on stays readable for ever. */
  freezeTraining: (input: TrainInput): Promise<DatasetRef> =>
    step(deps, input, async ({ signal }) => {
      const project = await deps.resources.project(input.project);
      const predictor = predictorOf(project, input.predictor);
      const warehouse = await deps.resources.warehouse(project.spec, input.project.root);
      const relation = goldRelation(project, input.gold, predictor.relation);
      const columns = await trainingColumns(warehouse, relation, predictor);
      return readAsOf(warehouse, relation, input.run, (session) =>
        freeze({
          ...{ session, lake: project.lake, prefix: `datasets/${input.predictor}`, signal },
          queries: [
            `select ${columns.map(quoteIdent).join(', ')} from ${quoteRelation(relation)} ` +
              `where ${quoteIdent(predictor.label)} is not null order by all`,
          ],
        }),
      );
    }),
});
export type TrainWarehouseActivities = ReturnType<typeof createTrainWarehouseActivities>;

/** The part of training that any worker can do: it reads the lake only. */
export const createTrainActivities = (deps: Deps) => {
  const open = async (input: TrainInput) => {
    const project = await deps.resources.project(input.project);
    return {
      project,
      predictor: predictorOf(project, input.predictor),
      registry: openRegistry(project.lake, input.predictor),
    };
  };
  return {
    /** Fits the candidate and measures it on the hold-out; the same inputs give the artifact that exists already. */
    fitCandidate: (input: TrainInput & { dataset: DatasetRef }): Promise<Candidate> =>
      step(deps, input, async ({ signal, progress }) => {
        const { project, predictor } = await open(input);
        const files = await localFiles(project.lake, input.dataset);
        const candidate = await fit(
          { store: project.lake, predictorName: input.predictor, predictor, dataset: input.dataset, files },
          { signal, onProgress: progress },
        );
        for (const [metric, value] of Object.entries(candidate.metrics)) {
          deps.meter.set(
            'trainingMetric',
            { project: input.project.name, predictor: input.predictor, metric },
            value,
          );
        }
        return candidate;
      }),

    readChampion: (input: TrainInput): Promise<ChampionRef | null> =>
      step(deps, input, async () => {
        const { registry } = await open(input);
        const { champion } = await registry.read();
        return champion && { version: champion.version, hash: champion.hash };
      }),

    /** The champion on the hold-out of the candidate's data: the only comparison that is fair. */
    evaluateChampion: (input: TrainInput & { dataset: DatasetRef; hash: string }): Promise<Metrics> =>
      step(deps, input, async ({ signal }) => {
        const { project, predictor } = await open(input);
        const files = await localFiles(project.lake, input.dataset);
        return evaluate(
          { store: project.lake, predictorName: input.predictor, predictor, hash: input.hash, files },
          { signal },
        );
      }),

    /** Registers the candidate as a version and holds it against the gate. */
    judgeCandidate: ({ candidate, champion, championMetrics, ...input }: JudgeInput): Promise<Verdict> =>
      step(deps, input, async () => {
        const { registry } = await open(input);
        const version = await registry.register({
          ...{
            hash: candidate.hash,
            metrics: candidate.metrics,
            params: candidate.params,
            dataset: input.dataset,
          },
          ...{ interval: input.interval, run: input.run, project: input.project.hash },
        });
        const { passed, reasons } = decide(input.gate, candidate.metrics, champion && championMetrics);
        return {
          version,
          passed,
          reasons: reasons.map(
            ({ rule, value, passed: ok }) =>
              `${ok ? 'passed' : 'FAILED'}: ${rule}; it has ${value ?? 'none'}`,
          ),
        };
      }),

    /** One atomic entry flips the alias; doing it twice is doing it once. */
    promoteCandidate: ({
      version,
      hash,
      expectedChampion,
      by,
      why,
      ...input
    }: DecisionInput): Promise<void> =>
      step(deps, input, async () => {
        const { registry } = await open(input);
        await registry.promote({ version, hash, expectedChampion, by, why, run: input.run });
      }),

    rejectCandidate: ({ version, hash, by, why, ...input }: DecisionInput): Promise<void> =>
      step(deps, input, async () => {
        const { registry } = await open(input);
        await registry.reject({ version, hash, by, why, run: input.run });
      }),
  };
};
export type TrainActivities = ReturnType<typeof createTrainActivities>;

function predictorOf({ spec }: OpenProject, name: string): Predictor {
  const found = spec.predictors[name];
  if (!found)
    throw new MillraceError('PredictorNotFound', { what: `the project has no predictor called '${name}'` });
  return found;
}

/** Columns to freeze, in a stable order. @throws MillraceError FeatureMissing naming what the relation has */
async function trainingColumns(
  warehouse: Warehouse,
  relation: RelationName,
  predictor: Predictor,
): Promise<string[]> {
  const found = await describeGold(warehouse, relation);
  const features =
    predictor.features ??
    found.filter((name) => ![predictor.id, predictor.label, ...predictor.exclude].includes(name));
  const wanted = [predictor.id, predictor.label, ...features];
  const missing = wanted.filter((name) => !found.includes(name));
  if (missing.length > 0) {
    throw new MillraceError('FeatureMissing', {
      what: `${relation.schema}.${relation.name} has no column ${missing.map((name) => `'${name}'`).join(', ')}`,
      fix: [didYouMean(missing[0] ?? '', found), `It has: ${found.join(', ')}`].filter(Boolean).join(' '),
    });
  }
  return wanted;
}
