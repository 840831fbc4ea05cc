import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readArtifact } from '../engines/ml/artifact.js';
import { publishScores, type PublishedScores } from '../engines/ml/publish-scores.js';
import { openRegistry } from '../engines/ml/registry.js';
import { scorePartition } from '../engines/ml/score.js';
import { contentKey, sha256File } from '../engines/lake/content.js';
import type { ObjectStore } from '../engines/lake/store.js';
import { quoteIdent, quoteRelation, type RelationName, type Session } from '../engines/warehouse/port.js';
import { MillraceError } from '../schemas/errors.js';
import type { DatasetRef } from '../schemas/dataset.js';
import type { ScoreInput, ScoreResult } from '../schemas/run.js';
import type { PartitionScore } from '../schemas/score.js';
import { beating, type Beat } from './beating.js';
import { freeze } from './freeze.js';
import { describeGold, goldRelation, readAsOf } from './gold.js';
import type { Deps } from './deps.js';
import { predictorPlace } from './place.js';

/** What is to be scored, by whom: pinned once, so that a promotion in mid-run changes nothing. */
export interface Frozen {
  /** folder in the lake, named by champion, rows and policy: the same scores are computed once */
  prefix: string;
  partitions: number;
  rows: number;
  version: number;
  hash: string;
}

const labels = ({ project }: ScoreInput) => ({ project: project.name, stage: 'score', stream: '' });

/** One step: errors about rows point to the predictor's declaration. */
const step = <T>(deps: Deps, input: ScoreInput, work: (beat: Beat) => Promise<T>): Promise<T> =>
  beating(deps, labels(input), work, () => predictorPlace(input));

/** The part of scoring that reads and writes the warehouse. */
export const createScoreWarehouseActivities = (deps: Deps) => ({
  /** Pins the champion and freezes the rows it will score, cut into partitions of the order of the id. */
  freezePartitions: (input: ScoreInput): Promise<Frozen> =>
    step(deps, input, async ({ signal }) => {
      const project = await deps.resources.project(input.project);
      const { champion } = await openRegistry(project.lake, input.predictor).read();
      if (!champion) {
        throw new MillraceError('NoChampion', {
          what: `predictor ${input.predictor} has no champion to score with`,
          fix: `Train and promote one: the pipeline's train stage, or millrace predictors promote ${input.predictor} <version>`,
        });
      }
      const predictor = project.spec.predictors[input.predictor];
      const relation = goldRelation(
        project,
        input.gold,
        input.policy.relation ?? predictor?.relation ?? input.predictor,
      );
      const warehouse = await deps.resources.warehouse(project.spec, input.project.root);
      const { encoder } = await readArtifact(project.lake, input.predictor, champion.hash);
      const id = predictor?.id ?? 'id';
      const columns = [id, ...encoder.features.map(({ name }) => name)];
      await requireColumns(await describeGold(warehouse, relation), columns, relation, champion.version);
      const dataset = await readAsOf(warehouse, relation, input.run, async (session) => {
        const rows = await orderRows(session, relation, id, columns, signal);
        const partitions = Math.max(1, Math.ceil(rows / input.policy.partitionRows));
        const size = Math.ceil(rows / partitions);
        const names = columns.map(quoteIdent).join(', ');
        const queries = Array.from(
          { length: partitions },
          (_, i) =>
            `select ${names} from millrace_rows where rn >= ${i * size} and rn < ${(i + 1) * size} order by rn`,
        );
        const frozen = await freeze({
          session,
          lake: project.lake,
          prefix: `datasets/${input.predictor}`,
          queries,
          signal,
        });
        await session.run('drop table millrace_rows');
        return frozen;
      });
      const prefix = `scores/${input.predictor}/${contentKey(champion.hash, dataset.sha256, input.policy.unknownCategory)}`;
      await project.lake.put(`${prefix}/partitions.json`, Buffer.from(JSON.stringify(dataset)));
      return {
        prefix,
        partitions: dataset.files.length,
        rows: dataset.rows,
        version: champion.version,
        hash: champion.hash,
      };
    }),

  /** Publishes results and QA of this interval together, once. */
  publishScores: ({ frozen, ...input }: ScoreInput & { frozen: Frozen }): Promise<ScoreResult> =>
    step(deps, input, async ({ signal }) => {
      const project = await deps.resources.project(input.project);
      const warehouse = await deps.resources.warehouse(project.spec, input.project.root);
      const parts = await Promise.all(
        Array.from({ length: frozen.partitions }, (_, i) => readPart(project.lake, frozen, i)),
      );
      const output = input.policy.output ?? `${input.predictor}_scores`;
      const published: PublishedScores = await publishScores(
        {
          ...{
            warehouse,
            schema: project.spec.warehouse.schema,
            output,
            interval: input.interval,
            run: input.run,
          },
          files: await Promise.all(parts.map(({ file }) => project.lake.localFile(file))),
          quarantineFiles: await Promise.all(
            parts.flatMap(({ quarantine }) => (quarantine ? [project.lake.localFile(quarantine)] : [])),
          ),
          partitions: parts.map(({ counts }) => counts),
          artifact: await readArtifact(project.lake, input.predictor, frozen.hash),
          predictor: { name: input.predictor, version: frozen.version, hash: frozen.hash },
          key: contentKey(frozen.prefix, input.interval),
        },
        { signal },
      );
      deps.meter.count('rows', labels(input), published.scored);
      deps.meter.set(
        'scorePsi',
        { project: input.project.name, predictor: input.predictor },
        published.scorePsi,
      );
      return { predictor: input.predictor, version: frozen.version, ...published };
    }),
});
export type ScoreWarehouseActivities = ReturnType<typeof createScoreWarehouseActivities>;

/** The part of scoring that any worker can do. */
export const createScoreActivities = (deps: Deps) => ({
  /** Scores one partition into the lake; a partition that is there already is not scored again. */
  scorePartition: ({
    frozen,
    partition,
    ...input
  }: ScoreInput & { frozen: Frozen; partition: number }): Promise<{ scored: number }> =>
    step(deps, input, async ({ signal }) => {
      const { lake } = await deps.resources.project(input.project);
      const done = await readPart(lake, frozen, partition).catch(absent);
      if (done) return { scored: done.counts.scored };
      const dataset = JSON.parse(
        (await lake.get(`${frozen.prefix}/partitions.json`)).toString(),
      ) as DatasetRef;
      const folder = await mkdtemp(join(tmpdir(), 'millrace-score-'));
      try {
        const outFile = join(folder, 'scores.parquet');
        const quarantineFile = join(folder, 'quarantine.parquet');
        const counts = await scorePartition(
          {
            ...{ store: lake, predictorName: input.predictor, hash: frozen.hash, outFile, quarantineFile },
            inFile: await lake.localFile(dataset.files[partition]?.uri ?? ''),
            unknownCategory: input.policy.unknownCategory,
          },
          { signal },
        );
        signal.throwIfAborted();
        const stem = `${frozen.prefix}/part-${String(partition).padStart(5, '0')}`;
        const file = `${stem}-${(await sha256File(outFile)).slice(0, 16)}.parquet`;
        await lake.putFile(file, outFile);
        const quarantine = counts.quarantined > 0 ? `${stem}-quarantine.parquet` : null;
        if (quarantine) await lake.putFile(quarantine, quarantineFile);
        // the small file is the commit: it names the others
        await lake.put(
          `${stem}.json`,
          Buffer.from(JSON.stringify({ file, quarantine, counts } satisfies Part)),
        );
        return { scored: counts.scored };
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    }),
});
export type ScoreActivities = ReturnType<typeof createScoreActivities>;

interface Part {
  file: string;
  quarantine: string | null;
  counts: PartitionScore;
}

async function readPart(lake: ObjectStore, { prefix }: Frozen, partition: number): Promise<Part> {
  return JSON.parse(
    (await lake.get(`${prefix}/part-${String(partition).padStart(5, '0')}.json`)).toString(),
  ) as Part;
}

function absent(error: unknown): undefined {
  if (error instanceof MillraceError && error.type === 'ObjectMissing') return undefined;
  throw error;
}

/** Numbers the rows by id into a temporary table; partitions are then ranges of it. @returns how many there are */
async function orderRows(
  session: Session,
  relation: RelationName,
  id: string,
  columns: string[],
  signal: AbortSignal,
): Promise<number> {
  const key = quoteIdent(id);
  await session.run(
    `create or replace temp table millrace_rows as
     select ${columns.map(quoteIdent).join(', ')}, row_number() over (order by ${key}) - 1 as rn from ${quoteRelation(relation)} order by rn`,
    { signal },
  );
  const [counted] = await session.query<{ rows: number; ids: number }>(
    `select count(*)::integer as rows, count(distinct ${key})::integer as ids from millrace_rows`,
    { signal },
  );
  const rows = Number(counted?.rows ?? 0);
  if (rows === 0) {
    throw new MillraceError('TooFewRows', {
      what: `${relation.schema}.${relation.name} has no rows to score for this interval`,
      fix: 'Check the interval and the models below it',
    });
  }
  if (Number(counted?.ids) !== rows) {
    throw new MillraceError('DuplicateKey', {
      what: `${relation.schema}.${relation.name} has ${rows} rows, but ${String(counted?.ids)} different values of ${id}`,
      fix: `Make ${id} unique and not null in that model, and add both tests to it`,
    });
  }
  return rows;
}

async function requireColumns(
  found: string[],
  wanted: string[],
  relation: RelationName,
  version: number,
): Promise<void> {
  const missing = wanted.filter((name) => !found.includes(name));
  if (missing.length === 0) return;
  throw new MillraceError('FeatureMissing', {
    what: `v${version} was trained on ${missing.join(', ')}, which ${relation.schema}.${relation.name} does not have`,
    fix: 'Bring the columns back, or train and promote a version without them',
  });
}
