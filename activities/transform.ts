import { readManifest } from '../engines/lake/bronze.js';
import { freshness } from '../engines/lake/freshness.js';
import { projectFile } from '../engines/project/load.js';
import { bindSource, boundSources } from '../engines/warehouse/bind-source.js';
import { loadTransform, type Transform } from '../engines/dbt/transform.js';
import { MillraceError } from '../schemas/errors.js';
import type { TransformInput } from '../schemas/run.js';
import type { NodeRecord, NodeResult, TransformPlan } from '../schemas/transform.js';
import type { Stream } from '../schemas/source.js';
import { beating } from './beating.js';
import type { Deps } from './deps.js';
import type { OpenProject } from './resources.js';

export interface NodeInput extends TransformInput {
  node: string;
}

export const createTransformActivities = (deps: Deps) => {
  const labels = ({ project }: TransformInput) => ({ project: project.name, stage: 'transform', stream: '' });

  const open = async (input: TransformInput): Promise<Transform> => {
    const project = await deps.resources.project(input.project);
    const warehouse = await deps.resources.warehouse(project.spec, input.project.root);
    if (!project.spec.transform || !project.dbtDir) {
      throw new MillraceError('DbtProjectInvalid', {
        what: `project ${input.project.name} has no dbt_project.yml in its transform folder`,
        where: { file: projectFile(input.project.root) ?? input.project.root, path: 'transform.dir' },
        fix: 'Point transform.dir to the folder that holds dbt_project.yml',
      });
    }
    return loadTransform({
      dir: project.dbtDir,
      warehouse,
      schema: project.spec.warehouse.schema,
      vars: project.spec.transform.vars,
      env: await variables(project.spec.transform.env),
      interval: input.interval,
      sources: await boundSources(warehouse),
      run: input.run,
      select: input.select,
      reuse: input.reuse,
    });
  };

  /** What a template may read: what the project declares, and the variables that are dbt's by their name. */
  const variables = async (declared: Record<string, string>): Promise<Record<string, string | undefined>> => {
    const resolved = Object.entries(declared).map(
      async ([name, ref]) => [name, await deps.resources.secrets.resolve(ref)] as const,
    );
    const own = Object.entries(process.env).filter(([name]) => name.startsWith('DBT_'));
    return Object.fromEntries([...own, ...(await Promise.all(resolved))]);
  };

  const node =
    (work: (transform: Transform, id: string, signal: AbortSignal) => Promise<NodeRecord>) =>
    (input: NodeInput): Promise<NodeResult> =>
      beating(deps, labels(input), async ({ signal }) => {
        const { result } = await work(await open(input), input.node, signal);
        deps.meter.count('nodes', { project: input.project.name, status: result.status }, 1);
        if (result.status === 'success') deps.meter.count('rows', labels(input), result.rows ?? 0);
        return result;
      });

  return {
    /** Binds bronze to the warehouse, parses the project and works out the graph of the selected nodes. */
    planTransform: (input: TransformInput): Promise<TransformPlan> =>
      beating(deps, labels(input), async ({ signal }) => {
        const project = await deps.resources.project(input.project);
        const warehouse = await deps.resources.warehouse(project.spec, input.project.root);
        for (const [source, spec] of Object.entries(project.spec.sources)) {
          await bindSource({ warehouse, lake: project.lake, source, spec, signal });
        }
        await assertFresh(project);
        return (await open(input)).plan();
      }),

    buildNode: node((transform, id, signal) => transform.run(id, { signal })),
    testNode: node((transform, id, signal) => transform.run(id, { signal })),
    /** After a cancellation: what was built beside the live relations and will not be published. */
    discardBuilt: (input: TransformInput): Promise<void> =>
      beating(deps, labels(input), async ({ signal }) => (await open(input)).discard({ signal })),

    publishNode: (input: NodeInput): Promise<NodeResult> =>
      beating(deps, labels(input), async ({ signal }) => (await open(input)).publish(input.node, { signal })),
  };
};
export type TransformActivities = ReturnType<typeof createTransformActivities>;

/** Old data is a fault where the stream says so; a replicated table is as fresh as the run that waited for it. */
async function assertFresh({ spec, lake, ref }: OpenProject): Promise<void> {
  for (const [source, { streams }] of Object.entries(spec.sources)) {
    for (const [stream, declared] of Object.entries<Stream>(streams)) {
      if (!declared.freshness?.errorAfter || ('load' in declared && declared.load === 'cdc')) continue;
      const { batches } = await readManifest(lake, source, stream);
      const { status, at, limit } = freshness(batches, new Date(), declared.freshness);
      if (status !== 'error') continue;
      throw new MillraceError('DataStale', {
        what: `the newest rows of ${source}.${stream} are from ${at ?? 'never'}, older than ${limit}`,
        where: {
          file: projectFile(ref.root) ?? ref.root,
          path: `sources.${source}.streams.${stream}.freshness`,
        },
        fix: 'Find out why its source brings nothing; then run again. Nothing was built from old data',
      });
    }
  }
}
