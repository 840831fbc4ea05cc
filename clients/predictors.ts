import { randomUUID } from 'node:crypto';
import type { ObjectStore } from '../engines/lake/store.js';
import { readArtifact } from '../engines/ml/artifact.js';
import { listPredictors as listRegistries, openRegistry } from '../engines/ml/registry.js';
import { loadProject, type LoadedProject } from '../engines/project/load.js';
import { nearest } from '../engines/nearest.js';
import { MillraceError } from '../schemas/errors.js';
import type { Metrics } from '../schemas/predictor.js';
import type { PredictorVersion, RegistryEvent, RegistryState } from '../schemas/registry.js';
import type { Artifact } from '../schemas/train.js';
import { openProjectLake } from './project-lake.js';

export interface PredictorSummary {
  name: string;
  /** null for one that the project no longer declares */
  task: string | null;
  versions: number;
  champion: { version: number; trained: string; metrics: Metrics } | null;
}

export interface VersionDetails extends PredictorVersion {
  /** who decided what about it, oldest first */
  decisions: Exclude<RegistryEvent, { event: 'registered' }>[];
  artifact: Pick<Artifact, 'rows' | 'rounds' | 'importances' | 'xgboost'> & {
    features: string[];
    /** in the order of the scores; of two the second is the one that is scored */
    classes: string[];
  };
}

/** Who decides and for what reason; both are kept in the registry. */
export interface Decision {
  who: string;
  why: string;
}

/** The predictors of a project, declared or trained, by name. */
export async function listPredictors(folder: string): Promise<PredictorSummary[]> {
  const { spec, lake } = await open(folder);
  const names = new Set([...Object.keys(spec.predictors), ...(await listRegistries(lake))]);
  return Promise.all(
    [...names].sort().map(async (name) => {
      const { versions, champion } = await openRegistry(lake, name).read();
      return {
        ...{ name, task: spec.predictors[name]?.task ?? null, versions: versions.length },
        champion: champion && {
          version: champion.version,
          trained: champion.createdAt,
          metrics: champion.metrics,
        },
      };
    }),
  );
}

/** All versions of a predictor, with its champion and history. @throws MillraceError PredictorNotFound */
export async function readPredictor(folder: string, name: string): Promise<RegistryState> {
  const { state } = await registryOf(await open(folder), name);
  return state;
}

/** One version with what it was made of. @param version a number, or `champion`. @throws MillraceError PredictorNotFound */
export async function readVersion(folder: string, name: string, version: string): Promise<VersionDetails> {
  const project = await open(folder);
  const { state } = await registryOf(project, name);
  const found = versionOf(state, name, version);
  const { rows, rounds, importances, xgboost, encoder } = await readArtifact(project.lake, name, found.hash);
  return {
    ...found,
    decisions: state.history
      .filter((entry) => entry.event !== 'registered')
      .filter((entry) => entry.version === found.version),
    artifact: {
      rows,
      rounds,
      importances,
      xgboost,
      features: encoder.features.map((feature) => feature.name),
      classes: encoder.classes,
    },
  };
}

export interface Comparison {
  one: PredictorVersion;
  other: PredictorVersion;
  /** false when they were measured on different rows, so that their metrics say little about each other */
  sameData: boolean;
}

/** @throws MillraceError PredictorNotFound */
export async function compareVersions(
  folder: string,
  name: string,
  one: string,
  other: string,
): Promise<Comparison> {
  const { state } = await registryOf(await open(folder), name);
  const [first, second] = [versionOf(state, name, one), versionOf(state, name, other)];
  return { one: first, other: second, sameData: first.dataset.sha256 === second.dataset.sha256 };
}

/**
 * Makes a version the champion, outside a run.
 * @returns the version that serves now
 * @throws MillraceError ApprovalRejected for somebody who may not decide, or a version that was rejected
 */
export async function promoteVersion(
  folder: string,
  name: string,
  version: string,
  { who, why }: Decision,
): Promise<number> {
  const project = await open(folder);
  const { registry, state } = await registryOf(project, name);
  assertMayDecide(project, name, who);
  const chosen = versionOf(state, name, version);
  await registry.promote({
    ...{ version: chosen.version, hash: chosen.hash, expectedChampion: state.aliases.champion },
    ...{ by: who, why, run: byHand() },
  });
  return chosen.version;
}

/**
 * Makes the former champion serve again.
 * @returns the version that serves now
 * @throws MillraceError ApprovalRejected for somebody who may not decide, NoChampion when there was none before
 */
export async function rollbackPredictor(
  folder: string,
  name: string,
  { who, why }: Decision,
): Promise<number> {
  const project = await open(folder);
  const { registry } = await registryOf(project, name);
  assertMayDecide(project, name, who);
  return registry.rollback({ by: who, why, run: byHand() });
}

/** Names the occasion, as a run's id does: the registry takes a second decision of one run for a retry. */
const byHand = (): string => `by-hand-${randomUUID()}`;

interface OpenProject extends LoadedProject {
  lake: ObjectStore;
}

async function open(folder: string): Promise<OpenProject> {
  const loaded = await loadProject(folder);
  return { ...loaded, lake: await openProjectLake(loaded) };
}

async function registryOf({ lake, spec, file }: OpenProject, name: string) {
  const registry = openRegistry(lake, name);
  const known = [...new Set([...Object.keys(spec.predictors), ...(await listRegistries(lake))])].sort();
  if (known.includes(name)) return { registry, state: await registry.read() };
  const near = nearest(name, known);
  throw new MillraceError('PredictorNotFound', {
    what: `project ${spec.name} has no predictor called '${name}'${near ? `; did you mean '${near}'?` : ''}`,
    where: { file, path: 'predictors' },
    fix: `There are: ${known.join(', ') || 'none'}`,
  });
}

function versionOf(state: RegistryState, name: string, version: string): PredictorVersion {
  const number = version === 'champion' ? state.aliases.champion : Number(version.replace(/^v/, ''));
  const found = state.versions.find((known) => known.version === number);
  if (found) return found;
  throw new MillraceError('PredictorNotFound', {
    what:
      version === 'champion'
        ? `predictor ${name} has no champion`
        : `predictor ${name} has no version ${version}`,
    fix:
      state.versions.length === 0
        ? 'It was not trained yet: run a pipeline that trains it'
        : `It has versions 1 to ${state.versions.length}`,
  });
}

function assertMayDecide({ spec, file }: OpenProject, name: string, who: string): void {
  const approvers = spec.predictors[name]?.approval.approvers;
  if (approvers && (approvers.length === 0 || approvers.includes(who))) return;
  throw new MillraceError('ApprovalRejected', {
    what: approvers
      ? `${who} may not decide about ${name}; those who may: ${approvers.join(', ')}`
      : `nobody may decide about ${name}: the project no longer declares it`,
    where: { file, path: approvers ? `predictors.${name}.approval.approvers` : 'predictors' },
    fix: approvers ? 'Ask one of them, or add the name' : 'Declare it again, with who may approve it',
  });
}
