import {
  compareVersions,
  listPredictors,
  promoteVersion,
  readPredictor,
  readVersion,
  rollbackPredictor,
  type Decision,
  type VersionDetails,
} from '../../predictors.js';
import type { Metrics } from '../../../schemas/predictor.js';
import type { VersionStatus } from '../../../schemas/registry.js';
import { compareMetrics } from '../describe.js';
import { answer, style, table, type GlobalOptions } from '../output.js';

/** `millrace predictors list` */
export async function list(options: GlobalOptions): Promise<void> {
  const found = await listPredictors(options.project);
  answer(options, found, () =>
    found.length === 0
      ? 'the project declares no predictors'
      : table(
          ['predictor', 'task', 'versions', 'champion', 'metrics'],
          found.map(({ name, task, versions, champion }) => [
            ...[name, task ?? style.yellow('not declared'), String(versions)],
            ...(champion ? [`v${champion.version}`, brief(champion.metrics)] : ['none', '']),
          ]),
        ),
  );
}

/** `millrace predictors show` */
export async function show(options: GlobalOptions, name: string, version?: string): Promise<void> {
  if (version !== undefined) {
    const details = await readVersion(options.project, name, version);
    answer(options, details, () => describeVersion(name, details));
    return;
  }
  const state = await readPredictor(options.project, name);
  answer(options, state, () =>
    state.versions.length === 0
      ? `${name} was not trained yet`
      : table(
          ['version', 'status', 'trained', 'data of', 'metrics', 'hash'],
          [...state.versions]
            .reverse()
            .map(({ version: number, status, createdAt, interval, metrics, hash }) => [
              ...[`v${number}`, paint(status), createdAt, interval.start, brief(metrics), hash.slice(0, 12)],
            ]),
        ),
  );
}

/** `millrace predictors compare` */
export async function compare(
  options: GlobalOptions,
  name: string,
  one: string,
  other: string,
): Promise<void> {
  const comparison = await compareVersions(options.project, name, one, other);
  answer(options, comparison, () => [
    ...compareMetrics(
      comparison.one.metrics,
      comparison.other.metrics,
      `v${comparison.one.version}`,
      `v${comparison.other.version}`,
      { title: 'change', of: (from, to) => to - from },
    ),
    ...(comparison.sameData
      ? []
      : [
          style.yellow(
            'each on its own hold-out of different data; the run that judged them compared on the same rows',
          ),
        ]),
  ]);
}

/** `millrace predictors promote` */
export async function promote(
  options: GlobalOptions & Decision,
  name: string,
  version: string,
): Promise<void> {
  const champion = await promoteVersion(options.project, name, version, options);
  answer(
    options,
    { predictor: name, champion },
    () => `${style.green('promoted')} ${name} v${champion}; it serves from now on`,
  );
}

/** `millrace predictors rollback` */
export async function rollback(options: GlobalOptions & Decision, name: string): Promise<void> {
  const champion = await rollbackPredictor(options.project, name, options);
  answer(
    options,
    { predictor: name, champion },
    () => `${style.green('rolled back')} ${name} to v${champion}; it serves from now on`,
  );
}

function describeVersion(name: string, details: VersionDetails): string[] {
  const { version, status, hash, run, createdAt, interval, dataset, project, params, artifact, decisions } =
    details;
  const { rows } = artifact;
  const facts = {
    hash,
    trained: `${createdAt} by run ${run}`,
    interval: `${interval.start} to ${interval.end}`,
    project,
    data: `${dataset.rows.toLocaleString('en')} rows, ${dataset.sha256}`,
    rows: `${rows.train} training, ${rows.validation} validation, ${rows.holdout} hold-out`,
    ...(artifact.classes.length > 0 && {
      classes: `${artifact.classes.join(', ')}${artifact.classes.length === 2 ? `; the score is the probability of ${artifact.classes[1]}` : ''}`,
    }),
    parameters: Object.entries(params)
      .map(([key, value]) => `${key} ${typeof value === 'object' ? JSON.stringify(value) : value}`)
      .join(', '),
    rounds: `${artifact.rounds} kept, XGBoost ${artifact.xgboost}`,
    features: artifact.features.join(', '),
    'by gain': artifact.importances
      .slice(0, 10)
      .map(({ feature, gain }) => `${feature} ${gain.toPrecision(3)}`)
      .join(', '),
  };
  return [
    `${style.bold(`${name} v${version}`)} ${paint(status)}`,
    ...Object.entries(facts).map(([key, value]) => `  ${style.dim(key.padEnd(10))} ${value}`),
    ...compareMetrics(details.metrics, null, 'hold-out', '').map((line) => `  ${line}`),
    ...decisions.map(
      ({ event, at, by, why }) =>
        `  ${at} ${event === 'rolledBack' ? 'put back into service' : event} by ${by}: ${why}`,
    ),
  ];
}

const paint = (status: VersionStatus): string =>
  status === 'champion' ? style.green(status) : status === 'rejected' ? style.red(status) : status;

const brief = (metrics: Metrics): string =>
  Object.entries(metrics)
    .slice(0, 3)
    .map(([metric, value]) => `${metric} ${value.toFixed(4)}`)
    .join(', ');
