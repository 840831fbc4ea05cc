import { MillraceError } from '../../schemas/errors.js';
import { RegistryEvent, type PredictorVersion, type RegistryState } from '../../schemas/registry.js';
import { CommitLog, type LogState } from '../lake/commit-log.js';
import type { ObjectStore } from '../lake/store.js';

type Registered = Extract<RegistryEvent, { event: 'registered' }>;
export type RegisterInput = Omit<Registered, 'event' | 'version' | 'at'>;

export interface DecideInput {
  version: number;
  /** the candidate's, so that nobody decides about something else than they read about */
  hash: string;
  by: string;
  why: string;
  run: string;
}
export interface PromoteInput extends DecideInput {
  /** the champion that the candidate was compared with; null for none */
  expectedChampion: number | null;
}
export interface RollbackInput {
  /** default: the champion before this one */
  version?: number | undefined;
  by: string;
  why: string;
  run: string;
}

/**
 * Versions of one predictor and which of them serves. Each change is one entry of a commit log, so changes are
 * serialised, and the alias flips together with the record of who did it. A change made twice is made once.
 */
export class Registry {
  private readonly log: CommitLog<RegistryEvent>;

  constructor(
    store: ObjectStore,
    readonly predictor: string,
  ) {
    this.log = new CommitLog(store, `predictors/${predictor}/registry`, RegistryEvent);
  }

  async read(): Promise<RegistryState> {
    return fold((await this.log.read()).entries);
  }

  /** @returns its version number; the same hash of the same run has one version */
  register(input: RegisterInput): Promise<number> {
    return this.log.commit((log) => {
      const { versions } = fold(log.entries);
      const known = versions.find(({ hash, run }) => hash === input.hash && run === input.run);
      if (known) return { result: known.version };
      const version = versions.length + 1;
      return { entry: { event: 'registered', version, ...input, at: now() }, result: version };
    });
  }

  /**
   * Makes a version the champion.
   * @throws MillraceError ApprovalRejected when the champion has changed since the comparison, the version was
   * rejected or the hash is another one's; PredictorNotFound
   */
  promote(input: PromoteInput): Promise<void> {
    return this.log.commit((log) => {
      const { version, by, why, run, expectedChampion } = input;
      const state = fold(log.entries);
      const candidate = this.named(state, input);
      const current = state.aliases.champion;
      if (current === version || decidedBefore(log, 'promoted', input)) return { result: undefined };
      if (candidate.status === 'rejected')
        throw refused(`version ${version} of ${this.predictor} was rejected`);
      if (current !== expectedChampion) {
        throw refused(
          `version ${version} of ${this.predictor} was compared with ${versionName(expectedChampion)}, but ${versionName(current)} serves now`,
        );
      }
      return {
        entry: { event: 'promoted', version, by, why, run, from: current, at: now() },
        result: undefined,
      };
    });
  }

  /** @throws MillraceError ApprovalRejected for the champion or another hash, PredictorNotFound */
  reject(input: DecideInput): Promise<void> {
    return this.log.commit((log) => {
      const { version, by, why, run } = input;
      const state = fold(log.entries);
      const { status } = this.named(state, input);
      if (status === 'rejected') return { result: undefined };
      if (status === 'champion') throw refused(`version ${version} of ${this.predictor} serves already`);
      return { entry: { event: 'rejected', version, by, why, run, at: now() }, result: undefined };
    });
  }

  /**
   * Puts an earlier champion back into service.
   * @returns the version that serves now
   * @throws MillraceError NoChampion, PredictorNotFound
   */
  rollback({ version, by, why, run }: RollbackInput): Promise<number> {
    return this.log.commit((log) => {
      const state = fold(log.entries);
      const done = log.entries.find((entry) => entry.event === 'rolledBack' && entry.run === run);
      if (done) return { result: done.version };
      const from = state.aliases.champion;
      const to = version ?? championBefore(log.entries);
      if (from === null || to === null) {
        throw new MillraceError('NoChampion', {
          what: `predictor ${this.predictor} has no ${from === null ? 'champion' : 'earlier champion to go back to'}`,
          fix: `Promote a version: millrace predictors promote ${this.predictor} <version>`,
        });
      }
      this.version(state, to);
      if (to === from) return { result: to };
      return { entry: { event: 'rolledBack', version: to, by, why, run, from, at: now() }, result: to };
    });
  }

  private named(state: RegistryState, { version, hash }: DecideInput): PredictorVersion {
    const found = this.version(state, version);
    if (found.hash === hash) return found;
    throw refused(`the answer is for ${hash}, but version ${version} of ${this.predictor} is ${found.hash}`);
  }

  private version({ versions }: RegistryState, version: number): PredictorVersion {
    const found = versions.find((known) => known.version === version);
    if (found) return found;
    throw new MillraceError('PredictorNotFound', {
      what: `predictor ${this.predictor} has no version ${version}`,
      fix: versions.length === 0 ? 'It was never trained' : `It has versions 1 to ${versions.length}`,
    });
  }
}

export const openRegistry = (store: ObjectStore, predictor: string): Registry =>
  new Registry(store, predictor);

/** @returns names of the predictors that have a registry in this lake, sorted */
export async function listPredictors(store: ObjectStore): Promise<string[]> {
  const keys = await store.list('predictors/');
  const names = keys.flatMap((key) => /^predictors\/([^/]+)\/registry\//.exec(key)?.[1] ?? []);
  return [...new Set(names)].sort();
}

const now = (): string => new Date().toISOString();
const versionName = (version: number | null): string =>
  version === null ? 'no champion' : `version ${version}`;

const refused = (what: string): MillraceError =>
  new MillraceError('ApprovalRejected', {
    what,
    fix: 'Nothing was changed; train again to compare with the champion of today',
  });

/** A retry after somebody else's rollback must not promote a second time. */
function decidedBefore(
  log: LogState<RegistryEvent>,
  event: 'promoted',
  { version, run }: DecideInput,
): boolean {
  return log.entries.some((entry) => entry.event === event && entry.version === version && entry.run === run);
}

/** The version that served before the present champion was first put into service; null without one. */
function championBefore(entries: readonly RegistryEvent[]): number | null {
  const line: number[] = [];
  for (const entry of entries) {
    if (entry.event === 'promoted') line.push(entry.version);
    // going back forgets what came after, so that a second rollback goes further back
    if (entry.event === 'rolledBack') {
      const at = line.lastIndexOf(entry.version);
      if (at >= 0) line.length = at + 1;
      else line.push(entry.version);
    }
  }
  return line.at(-2) ?? null;
}

/** The state that a registry's entries add up to. */
export function fold(entries: readonly RegistryEvent[]): RegistryState {
  const versions: PredictorVersion[] = [];
  let champion: PredictorVersion | null = null;
  for (const entry of entries) {
    if (entry.event === 'registered') {
      const { version, hash, metrics, params, dataset, interval, run, project, at: createdAt } = entry;
      versions.push({
        ...{ version, hash, metrics, params, dataset, interval, run, project, createdAt },
        status: 'candidate',
      });
      continue;
    }
    const subject = versions[entry.version - 1];
    if (!subject) continue;
    if (entry.event === 'rejected') {
      subject.status = 'rejected';
      continue;
    }
    if (champion) champion.status = 'retired';
    champion = subject;
    champion.status = 'champion';
  }
  return { versions, champion, aliases: { champion: champion?.version ?? null }, history: entries };
}
