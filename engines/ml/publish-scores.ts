import { MillraceError } from '../../schemas/errors.js';
import type { Interval } from '../../schemas/interval.js';
import type { PartitionScore } from '../../schemas/score.js';
import type { Artifact } from '../../schemas/train.js';
import { quoteIdent, quoteRelation, quoteText, type Session, type Warehouse } from '../warehouse/port.js';
import { psi, verdict, type Verdict } from './drift.js';

export interface PublishInput {
  warehouse: Warehouse;
  /** schema of the relations */
  schema: string;
  /** name of the results relation; `<output>_qa` and `<output>_quarantine` stand beside it */
  output: string;
  /** local Parquet files that the partitions were scored into, and quarantined into */
  files: string[];
  quarantineFiles: string[];
  partitions: PartitionScore[];
  artifact: Artifact;
  predictor: { name: string; version: number; hash: string };
  interval: Interval;
  /** for the ledger */
  run: string;
  /** content key of what is published */
  key: string;
}

export interface PublishedScores {
  /** `schema.name` */
  relation: string;
  rows: number;
  scored: number;
  quarantined: number;
  /** of the scores, against the hold-out of training */
  scorePsi: number;
}

/**
 * Publishes the results of an interval, their QA and the quarantine in one transaction, in place of what the interval
 * had. The same key twice is published once. No column reads the clock: the same scores give the same relations.
 *
 * @throws MillraceError ObjectCorrupt when the files do not hold the rows that scoring counted
 */
export async function publishScores(
  input: PublishInput,
  { signal }: { signal?: AbortSignal } = {},
): Promise<PublishedScores> {
  const qa = assess(input);
  const target = quoteRelation({ schema: input.schema, name: input.output });
  const there = (await input.warehouse.describe({ schema: input.schema, name: input.output })) !== null;
  await input.warehouse.transaction(
    async (session) => {
      await createLedger(session);
      const slice = `relation = ${quoteText(target)} AND interval_start = ${start(input)} AND interval_end = ${end(input)}`;
      const [current] = await session.query(`SELECT key FROM millrace.published_scores WHERE ${slice}`);
      if (there && current?.['key'] === input.key) return;
      await publishResults(session, input, target, qa.published.scored);
      await publishQuarantine(session, input, qa.published.quarantined);
      await publishQa(session, input, qa, target);
      await session.run(`DELETE FROM millrace.published_scores WHERE ${slice}`);
      await session.run(
        `INSERT INTO millrace.published_scores VALUES (${quoteText(target)}, ${start(input)}, ${end(input)}, ${quoteText(input.key)}, ${quoteText(input.run)})`,
      );
    },
    { signal },
  );
  return qa.published;
}

const timestamp = (text: string): string => `CAST(${quoteText(text)} AS TIMESTAMP)`;
const start = ({ interval }: PublishInput): string => timestamp(interval.start);
const end = ({ interval }: PublishInput): string => timestamp(interval.end);
const parquet = (files: string[]): string => `read_parquet([${files.map(quoteText).join(', ')}])`;

/** A slice is known by its interval: whoever published it last, with whatever version, is the one to be replaced. */
async function createLedger(session: Session): Promise<void> {
  await session.run('CREATE SCHEMA IF NOT EXISTS millrace');
  await session.run(
    `CREATE TABLE IF NOT EXISTS millrace.published_scores
     (relation VARCHAR, interval_start TIMESTAMP, interval_end TIMESTAMP, key VARCHAR, run VARCHAR)`,
  );
}

const lineage = (input: PublishInput): string =>
  `${input.predictor.version} AS predictor_version, ${start(input)} AS interval_start, ${end(input)} AS interval_end`;

async function publishResults(
  session: Session,
  input: PublishInput,
  target: string,
  scored: number,
): Promise<void> {
  const id = quoteIdent(input.artifact.id);
  const named = input.artifact.task === 'multiclass' ? ', class' : '';
  // decile 10 holds the highest scores; the id breaks ties, so that the same rows always share a decile
  await replaceSlice(
    session,
    input,
    target,
    `SELECT ${id}, score, CAST(11 - ntile(10) OVER (ORDER BY score DESC, ${id}) AS INTEGER) AS decile${named}, ${lineage(input)}
     FROM ${parquet(input.files)} ORDER BY ${id}`,
    scored,
  );
}

async function publishQuarantine(session: Session, input: PublishInput, quarantined: number): Promise<void> {
  const target = quoteRelation({ schema: input.schema, name: `${input.output}_quarantine` });
  const id = quoteIdent(input.artifact.id);
  const source =
    quarantined > 0
      ? parquet(input.quarantineFiles)
      : `(SELECT ${id}, '' AS reason FROM ${parquet(input.files)} LIMIT 0)`;
  await replaceSlice(
    session,
    input,
    target,
    `SELECT ${id}, reason, ${lineage(input)} FROM ${source} ORDER BY ${id} NULLS FIRST, reason`,
    quarantined,
  );
}

async function replaceSlice(
  session: Session,
  input: PublishInput,
  target: string,
  select: string,
  expected: number,
): Promise<void> {
  const slice = `interval_start = ${start(input)} AND interval_end = ${end(input)}`;
  await session.run(`CREATE TABLE IF NOT EXISTS ${target} AS SELECT * FROM (${select}) LIMIT 0`);
  await session.run(`DELETE FROM ${target} WHERE ${slice}`);
  await session.run(`INSERT INTO ${target} BY NAME ${select}`);
  const [counted] = await session.query(`SELECT count(*)::INTEGER AS n FROM ${target} WHERE ${slice}`);
  if (Number(counted?.['n']) === expected) return;
  throw new MillraceError('ObjectCorrupt', {
    what: `the files for ${target} hold ${Number(counted?.['n'])} rows, but scoring counted ${expected}`,
    where: { file: input.files.join(', ') },
    fix: 'Nothing was published; score the interval again',
  });
}

interface Assessment {
  published: PublishedScores;
  nullRates: Record<string, number>;
  featurePsi: Record<string, number>;
  /** counters of the scores' bins */
  distribution: { edges: number[]; counts: number[] };
  worst: { feature: string; psi: number };
  verdict: Verdict;
}

/** Adds the partitions up and holds them against training. Pure. */
export function assess({ schema, output, partitions, artifact }: PublishInput): Assessment {
  const total = (pick: (partition: PartitionScore) => number): number =>
    partitions.reduce((sum, partition) => sum + pick(partition), 0);
  const counts = {
    rows: total(({ rows }) => rows),
    scored: total(({ scored }) => scored),
    quarantined: total(({ quarantined }) => quarantined),
  };
  if (counts.rows !== counts.scored + counts.quarantined) {
    throw new MillraceError('ObjectCorrupt', {
      what: `${counts.rows} rows were read, but ${counts.scored} scored and ${counts.quarantined} quarantined`,
      fix: 'Nothing was published; score the interval again',
    });
  }
  const features = artifact.encoder.features.map(({ name, reference }, at) => {
    const bins = reference.shares.map((_, bin) => total((partition) => partition.features[at]?.[bin] ?? 0));
    const missing = bins.at(-1) ?? 0;
    return {
      name,
      nullRate: counts.scored === 0 ? 0 : missing / counts.scored,
      psi: psi(reference.shares, bins),
    };
  });
  const scores = artifact.scores.shares.map((_, bin) => total((partition) => partition.scores[bin] ?? 0));
  const scorePsi = psi(artifact.scores.shares, scores);
  const worst = features.reduce((most, feature) => (feature.psi > most.psi ? feature : most));
  return {
    published: { relation: `${schema}.${output}`, ...counts, scorePsi },
    nullRates: Object.fromEntries(features.map(({ name, nullRate }) => [name, nullRate])),
    featurePsi: Object.fromEntries(features.map((feature) => [feature.name, feature.psi])),
    distribution: { edges: artifact.scores.edges, counts: scores },
    worst: { feature: worst.name, psi: worst.psi },
    verdict: verdict(Math.max(scorePsi, worst.psi)),
  };
}

async function publishQa(
  session: Session,
  input: PublishInput,
  qa: Assessment,
  results: string,
): Promise<void> {
  const target = quoteRelation({ schema: input.schema, name: `${input.output}_qa` });
  const json = (value: unknown): string => `CAST(${quoteText(JSON.stringify(value))} AS JSON)`;
  const { rows, scored, quarantined, scorePsi } = qa.published;
  await replaceSlice(
    session,
    input,
    target,
    `SELECT ${quoteText(input.predictor.name)} AS predictor, ${quoteText(input.predictor.hash)} AS predictor_hash,
            CAST(${rows} AS BIGINT) AS rows_in, CAST(${scored} AS BIGINT) AS scored, CAST(${quarantined} AS BIGINT) AS quarantined,
            min(score) AS score_min, round(avg(score), 9) AS score_mean, max(score) AS score_max,
            ${json(qa.distribution)} AS score_distribution, ${json(qa.nullRates)} AS null_rates,
            CAST(${scorePsi} AS DOUBLE) AS score_psi, ${json(qa.featurePsi)} AS feature_psi,
            ${quoteText(qa.worst.feature)} AS worst_feature, CAST(${qa.worst.psi} AS DOUBLE) AS worst_feature_psi,
            ${quoteText(qa.verdict)} AS verdict, ${lineage(input)}
     FROM ${results} WHERE interval_start = ${start(input)} AND interval_end = ${end(input)}`,
    1,
  );
}
