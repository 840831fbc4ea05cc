import { MillraceError } from '../../schemas/errors.js';
import type { Batch } from '../../schemas/lake.js';
import { QuarantineEvent } from '../../schemas/quarantine.js';
import { CommitLog } from './commit-log.js';
import { currentBatches } from './current-batches.js';
import type { ObjectStore } from './store.js';

/**
 * `open` until somebody replays or drops it; `superseded` when a later load has taken the place of its batch. Being
 * replayed is a fact of the manifest, so that it holds even when a replay died before it was noted.
 */
export type QuarantineState = 'open' | 'replayed' | 'dropped' | 'superseded';

/** The quarantined records of one batch. */
export interface QuarantinedBatch {
  batch: Batch;
  state: QuarantineState;
  /** the batch that replays it */
  replay: Batch | null;
  /** who decided what, oldest first */
  decisions: QuarantineEvent[];
}

const logOf = (store: ObjectStore, source: string, stream: string): CommitLog<QuarantineEvent> =>
  new CommitLog(store, `quarantine/${source}/${stream}/_log`, QuarantineEvent);

/**
 * Batches of a stream that have quarantined records, oldest first.
 * @param batches of the stream, superseded ones too
 */
export async function listQuarantine(
  store: ObjectStore,
  source: string,
  stream: string,
  batches: readonly Batch[],
): Promise<QuarantinedBatch[]> {
  const affected = batches.filter(({ quarantine }) => quarantine !== null);
  if (affected.length === 0) return [];
  const { entries } = await logOf(store, source, stream).read();
  const replays = new Map(batches.map((batch) => [batch.replays, batch]));
  const current = new Set(currentBatches(batches).map(({ key }) => key));
  return affected.map((batch) => {
    const replay = replays.get(batch.key) ?? null;
    const decisions = entries.filter((event) => event.batch === batch.key);
    const state = replay
      ? 'replayed'
      : !current.has(batch.key)
        ? 'superseded'
        : decisions.some(({ event }) => event === 'dropped')
          ? 'dropped'
          : 'open';
    return { batch, state, replay, decisions };
  });
}

/**
 * Accepts that the records of a batch stay out. Nothing is deleted; doing it twice changes nothing.
 * @throws MillraceError CommitConflict when they have been replayed meanwhile
 */
export async function dropQuarantined(
  store: ObjectStore,
  { source, stream, batch }: { source: string; stream: string; batch: Batch },
  { who, why, at }: { who: string; why: string; at: string },
): Promise<void> {
  const records = batch.quarantined;
  await logOf(store, source, stream).commit(({ entries }) => {
    const mine = entries.filter((event) => event.batch === batch.key);
    if (mine.some(({ event }) => event === 'dropped')) return { result: undefined };
    if (mine.some(({ event }) => event === 'replayed')) {
      throw new MillraceError('CommitConflict', {
        what: `The quarantined records of batch ${batch.key} have been replayed meanwhile`,
        fix: 'List the quarantine again: what did not fit then is in the quarantine of the replay',
      });
    }
    return { entry: { event: 'dropped', batch: batch.key, records, who, why, at }, result: undefined };
  });
}

/** Writes down who replayed what, once; a replay that died before this is noted by the next one. */
export async function noteReplay(
  store: ObjectStore,
  { source, stream, replay }: { source: string; stream: string; replay: Batch },
  { who, at }: { who: string; at: string },
): Promise<void> {
  const { key: into, replays: batch, read, loaded, quarantined } = replay;
  if (batch === undefined) return;
  await logOf(store, source, stream).commit(({ entries }) =>
    entries.some((event) => event.event === 'replayed' && event.into === into)
      ? { result: undefined }
      : {
          entry: { event: 'replayed', batch, into, read, loaded, quarantined, who, at },
          result: undefined,
        },
  );
}

/** Where the records of a stream have gone: `read = loaded + open + dropped + filtered`. */
export interface Account {
  /** records of the source; those of replays are not counted twice */
  read: number;
  loaded: number;
  /** of `loaded`, those that came in by a replay */
  replayed: number;
  filtered: number;
  open: number;
  dropped: number;
}

/**
 * Adds up what readers see of a stream.
 * @param batches of the stream, superseded ones too
 * @param quarantine of {@link listQuarantine}
 */
export function accountFor(batches: readonly Batch[], quarantine: readonly QuarantinedBatch[]): Account {
  const current = currentBatches(batches);
  const replays = current.filter((batch) => batch.replays !== undefined);
  const sum = (of: readonly Batch[], count: 'read' | 'loaded' | 'filtered' | 'quarantined'): number =>
    of.reduce((total, batch) => total + batch[count], 0);
  const inState = (state: QuarantineState): number =>
    sum(
      quarantine.filter((one) => one.state === state).map(({ batch }) => batch),
      'quarantined',
    );
  return {
    read: sum(current, 'read') - sum(replays, 'read'),
    loaded: sum(current, 'loaded'),
    replayed: sum(replays, 'loaded'),
    filtered: sum(current, 'filtered'),
    open: inState('open'),
    dropped: inState('dropped'),
  };
}
