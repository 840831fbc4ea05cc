import { assertPast, cut, lastComplete } from '../engines/project/interval.js';
import { loadProject } from '../engines/project/load.js';
import { nearest } from '../engines/nearest.js';
import { streamsOf } from '../engines/project/references.js';
import { lakeOf, takeSnapshot } from '../engines/project/snapshot.js';
import { MillraceError } from '../schemas/errors.js';
import type { Pipeline } from '../schemas/pipeline.js';
import type { Predictor } from '../schemas/predictor.js';
import type { Project } from '../schemas/project.js';
import type { BackfillInput, PipelineInput, PipelinePlan } from '../schemas/run.js';
import type { Interval } from '../schemas/interval.js';
import { beating } from './beating.js';
import type { Deps } from './deps.js';
import { planGraph } from './plan-graph.js';
import { queueOf } from './resources.js';

export interface PlanInput extends PipelineInput {
  /** when the run was due: the scheduled time, or its start */
  due: string;
}

export const createPlanActivities = (deps: Deps) => ({
  /** Loads the project, pins it, and works out what this run will do. */
  planRun: (input: PlanInput): Promise<PipelinePlan> =>
    beating(deps, { project: '', stage: 'plan', stream: '' }, async () => {
      const loaded = await loadProject(input.root);
      const { spec, root } = loaded;
      const pipeline = findPipeline(spec, input.pipeline, loaded.file);
      const interval = input.interval ?? lastComplete(new Date(input.due), pipeline);
      assertPast(interval, new Date());
      const lake = await deps.resources.lake(lakeOf(loaded));
      const streams = streamsOf(spec, pipeline.extract);
      const plan: Omit<PipelinePlan, 'mermaid'> = {
        project: await takeSnapshot(lake, loaded),
        pipeline: input.pipeline,
        interval,
        warehouseQueue: queueOf(spec, root),
        streams: streams.map(({ source, stream }) => ({
          source,
          stream,
          replicated: isReplicated(spec, source, stream),
        })),
        concurrency: Object.fromEntries(
          streams.map(({ source }) => [source, spec.sources[source]?.concurrency ?? 1]),
        ),
        transform:
          spec.transform && pipeline.transform !== false
            ? { select: input.select ?? pipeline.transform, concurrency: spec.transform.concurrency }
            : null,
        train: pipeline.train.map((predictor) => {
          const { gate, approval } = predictorOf(spec, predictor);
          return { predictor, gate, approval };
        }),
        score: pipeline.score.map((predictor) => ({ predictor, policy: predictorOf(spec, predictor).score })),
        gold: [
          ...new Set(
            [...pipeline.train, ...pipeline.score].flatMap((name) => goldOf(predictorOf(spec, name))),
          ),
        ],
      };
      return { ...plan, mermaid: planGraph(plan) };
    }),

  /** The intervals of a backfill, oldest first. */
  planBackfill: (input: BackfillInput): Promise<{ project: string; intervals: Interval[] }> =>
    beating(deps, { project: '', stage: 'plan', stream: '' }, async () => {
      const { spec, file } = await loadProject(input.root);
      const pipeline = findPipeline(spec, input.pipeline, file);
      assertPast(input.range, new Date());
      return { project: spec.name, intervals: cut(input.range, pipeline) };
    }),
});
export type PlanActivities = ReturnType<typeof createPlanActivities>;

function findPipeline(spec: Project, name: string, file: string): Pipeline {
  const found = spec.pipelines[name];
  if (found) return found;
  const names = Object.keys(spec.pipelines);
  const near = nearest(name, names);
  throw new MillraceError('ProjectInvalid', {
    what: `project ${spec.name} has no pipeline called '${name}'`,
    where: { file, path: 'pipelines' },
    fix: near ? `Did you mean '${near}'?` : `There are: ${names.join(', ') || 'none'}`,
  });
}

/** Its changes come by the `replicate` workflow. */
function isReplicated(spec: Project, source: string, stream: string): boolean {
  const declared = spec.sources[source];
  return declared?.kind === 'postgres' && declared.streams[stream]?.load === 'cdc';
}

/** References were checked when the project was loaded. */
function predictorOf(spec: Project, name: string): Predictor {
  const predictor = spec.predictors[name];
  if (!predictor) throw new MillraceError('PredictorNotFound', { what: `no predictor is called '${name}'` });
  return predictor;
}

const goldOf = ({ relation, score }: Predictor): string[] =>
  score.relation ? [relation, score.relation] : [relation];
