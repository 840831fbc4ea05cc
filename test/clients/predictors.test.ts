import { beforeEach, describe, expect, test } from 'vitest';
import {
  compareVersions,
  listPredictors,
  promoteVersion,
  readPredictor,
  readVersion,
  rollbackPredictor,
} from '../../clients/predictors.js';
import { openLocalStore } from '../../engines/lake/local-store.js';
import { writeArtifact } from '../../engines/ml/artifact.js';
import { openRegistry } from '../../engines/ml/registry.js';
import { TrainParams } from '../../schemas/predictor.js';
import { Artifact } from '../../schemas/train.js';
import { millrace, temporaryFolder, writeProject } from './support.js';

const PARTS = `
  predictors: {
    churn: { task: 'binary', relation: 'features', id: 'id', label: 'left', approval: { approvers: ['ana'] } },
    value: { task: 'regression', relation: 'features', id: 'id', label: 'spend' },
  }`;
const ana = { who: 'ana', why: 'checked' };

let folder: string;
beforeEach(async () => {
  folder = temporaryFolder();
  writeProject(folder, 'shop', PARTS);
  await trained(0.7, 'monday');
  await trained(0.8, 'tuesday');
});

/** A version of `churn` as training leaves it: an artifact in the lake and its entry in the registry. */
async function trained(auc: number, data: string): Promise<void> {
  const lake = await openLocalStore(`${folder}/.millrace/lake`);
  const params = TrainParams.parse({});
  const dataset = { files: [{ uri: `${data}.parquet`, sha256: data, bytes: 1 }], rows: 1000, sha256: data };
  const reference = { edges: [0], shares: [0.5, 0.5, 0] };
  const spend = {
    name: 'spend',
    kind: 'numeric',
    type: 'DOUBLE',
    categories: [],
    range: { min: 0, max: 9 },
    reference,
  };
  const artifact = Artifact.parse({
    ...{
      task: 'binary',
      id: 'id',
      label: 'left',
      encoder: { features: [spend], classes: ['0', '1'] },
      params,
    },
    ...{
      rounds: 20,
      roundsRun: 40,
      rows: { train: 700, validation: 100, holdout: 200, unlabelled: 0 },
      holdout: 0.2,
    },
    ...{
      metrics: { auc },
      importances: [{ feature: 'spend', gain: 12.5 }],
      scores: reference,
      dataset,
      xgboost: '3.2.0',
    },
    files: { onnx: 'a', ubj: 'b' },
  });
  const hash = await writeArtifact(lake, 'churn', artifact, {
    onnx: Buffer.from('a'),
    ubj: Buffer.from('b'),
  });
  const interval = { start: '2026-01-05T00:00:00Z', end: '2026-01-12T00:00:00Z' };
  await openRegistry(lake, 'churn').register({
    hash,
    metrics: { auc },
    params,
    dataset,
    interval,
    run: data,
    project: 'p',
  });
}

test('declared and trained predictors are listed with their champions', async () => {
  await promoteVersion(folder, 'churn', '1', ana);
  expect(await listPredictors(folder)).toMatchObject([
    { name: 'churn', task: 'binary', versions: 2, champion: { version: 1, metrics: { auc: 0.7 } } },
    { name: 'value', task: 'regression', versions: 0, champion: null },
  ]);
});

test('a version shows what it was made of and who decided about it', async () => {
  await promoteVersion(folder, 'churn', 'v2', ana);
  const version = await readVersion(folder, 'churn', 'champion');
  expect(version).toMatchObject({
    ...{ version: 2, status: 'champion', run: 'tuesday', dataset: { rows: 1000 } },
    artifact: { rows: { holdout: 200 }, features: ['spend'], importances: [{ feature: 'spend' }] },
    decisions: [{ event: 'promoted', by: 'ana', why: 'checked' }],
  });
});

test('a comparison says whether both were measured on the same data', async () => {
  expect(await compareVersions(folder, 'churn', '1', '2')).toMatchObject({
    sameData: false,
    one: { metrics: { auc: 0.7 } },
  });
  expect((await compareVersions(folder, 'churn', '1', '1')).sameData).toBe(true);
});

test('a rollback puts the former champion back, and the history keeps all of it', async () => {
  await promoteVersion(folder, 'churn', '1', ana);
  await promoteVersion(folder, 'churn', '2', ana);
  expect(await rollbackPredictor(folder, 'churn', { who: 'ana', why: 'complaints' })).toBe(1);
  const { champion, history } = await readPredictor(folder, 'churn');
  expect(champion?.version).toBe(1);
  expect(history.map(({ event }) => event)).toEqual([
    'registered',
    'registered',
    'promoted',
    'promoted',
    'rolledBack',
  ]);
  await promoteVersion(folder, 'churn', '2', ana);
  expect((await readPredictor(folder, 'churn')).champion?.version).toBe(2);
});

describe('refused, with nothing changed', () => {
  test.each([
    [
      'somebody who is no approver',
      () => promoteVersion(folder, 'churn', '1', { who: 'eve', why: 'x' }),
      'ApprovalRejected',
      /eve may not decide about churn.*ana/,
    ],
    [
      'a version that there is not',
      () => promoteVersion(folder, 'churn', '7', ana),
      'PredictorNotFound',
      /versions 1 to 2/,
    ],
    [
      'a version that is no number',
      () => promoteVersion(folder, 'churn', 'best', ana),
      'PredictorNotFound',
      /no version best/,
    ],
    [
      'a predictor that was never trained',
      () => promoteVersion(folder, 'value', '1', ana),
      'PredictorNotFound',
      /not trained yet/,
    ],
    ['a typing error', () => readPredictor(folder, 'chrun'), 'PredictorNotFound', /did you mean 'churn'/],
    [
      'a rollback without a former champion',
      () => rollbackPredictor(folder, 'churn', ana),
      'NoChampion',
      /no champion/,
    ],
    [
      'a champion that there is not',
      () => readVersion(folder, 'churn', 'champion'),
      'PredictorNotFound',
      /has no champion/,
    ],
  ])('%s', async (_, work, type, message) => {
    const error: unknown = await Promise.resolve(work()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ type, message: expect.stringMatching(message) as string });
    expect((await readPredictor(folder, 'churn')).history).toHaveLength(2);
  });

  test('a predictor that the project no longer declares is listed, but nobody may decide about it', async () => {
    writeProject(folder, 'shop', 'predictors: {}');
    expect(await listPredictors(folder)).toMatchObject([{ name: 'churn', task: null, versions: 2 }]);
    await expect(promoteVersion(folder, 'churn', '1', ana)).rejects.toMatchObject({
      type: 'ApprovalRejected',
    });
  });
});

test('on the command line', async () => {
  const cli = (...args: string[]) => millrace(['predictors', ...args, '-C', folder]);
  const promoted = await cli('promote', 'churn', '2', '--who', 'ana', '--why', 'better');
  expect(promoted).toMatchObject({ code: 0, stdout: 'promoted churn v2; it serves from now on\n' });
  expect((await cli('list')).stdout).toMatch(/churn +binary +2 +v2 +auc 0\.8000/);
  expect((await cli('show', 'churn')).stdout).toMatch(/v2 +champion[^]*v1 +candidate/);
  expect((await cli('show', 'churn', '2')).stdout).toContain('promoted by ana: better');
  expect((await cli('compare', 'churn', '2', '1')).stdout).toMatch(/auc +0\.8000 +0\.7000 +-0\.1000/);
  const refused = await cli('rollback', 'churn', '--who', 'ana', '--why', 'x');
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('no earlier champion');
});
