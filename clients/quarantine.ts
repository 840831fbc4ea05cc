import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import iconv from 'iconv-lite';
import { codePage } from '../engines/copybook/pages/code-page.js';
import { commitBatches, readManifest } from '../engines/lake/bronze.js';
import { currentSchema } from '../engines/lake/contract.js';
import {
  dropQuarantined,
  listQuarantine,
  noteReplay,
  type QuarantinedBatch,
  type QuarantineState,
} from '../engines/lake/quarantine.js';
import {
  quarantineReasons,
  readQuarantine,
  type QuarantinedRecord,
} from '../engines/lake/quarantined-records.js';
import type { ObjectStore } from '../engines/lake/store.js';
import { fileSpecOf } from '../engines/sources/replay/file-spec.js';
import { replayBatch } from '../engines/sources/replay/replay-batch.js';
import { MillraceError } from '../schemas/errors.js';
import type { Batch } from '../schemas/lake.js';
import type { Source } from '../schemas/source.js';
import type { QuarantineEvent } from '../schemas/quarantine.js';
import { findBatch, openStream, openStreams, type OpenStream } from './streams.js';

export interface QuarantineSummary {
  source: string;
  stream: string;
  batch: string;
  file: string;
  records: number;
  /** most frequent first, without the values, and one of each in full */
  reasons: { reason: string; records: number; example: string }[];
  extractedAt: string;
  state: QuarantineState;
  /** the batch that replays it */
  replay: string | null;
  decisions: QuarantineEvent[];
}

/**
 * Batches with quarantined records, oldest first in each stream.
 * @param selector `source` or `source.stream`; without it all
 * @param all also those that are not open any more
 */
export async function listQuarantined(
  folder: string,
  selector?: string,
  all = false,
): Promise<QuarantineSummary[]> {
  const { lake, streams } = await openStreams(folder, selector);
  return withWorkDir(async (workDir) => {
    const found: QuarantineSummary[] = [];
    for (const { source, stream, batches } of streams) {
      for (const one of await listQuarantine(lake, source, stream, batches)) {
        if (!all && one.state !== 'open') continue;
        const { batch, state, replay, decisions } = one;
        found.push({
          ...{ source, stream, batch: batch.key, file: batch.source.file, records: batch.quarantined },
          ...{ reasons: await quarantineReasons(lake, batch, workDir), extractedAt: batch.extractedAt },
          ...{ state, replay: replay?.key ?? null, decisions },
        });
      }
    }
    return found;
  });
}

export interface ShownRecord extends QuarantinedRecord {
  batch: string;
  /** the raw bytes as text where they are text of the file's encoding, else null */
  text: string | null;
  /** of mainframe records, each byte as a character of their code page */
  characters: string | null;
}

/**
 * Quarantined records with their bytes: of one batch, or of the open ones, newest first.
 * @param limit at most so many in all
 */
export async function showQuarantined(
  folder: string,
  name: string,
  { batch: key, limit }: { batch?: string | undefined; limit: number },
): Promise<ShownRecord[]> {
  const { lake, stream } = await openStream(folder, name);
  const chosen = await choose(lake, stream, key, ['open']);
  const table = pageOf(stream);
  return withWorkDir(async (workDir) => {
    const shown: ShownRecord[] = [];
    for (const { batch } of chosen.reverse()) {
      if (shown.length >= limit) break;
      const { records, encoding } = await readQuarantine(lake, batch, workDir, limit - shown.length);
      for (const record of records)
        shown.push({
          ...{ ...record, batch: batch.key, text: table === null ? textOf(record.raw, encoding) : null },
          characters: table && Array.from(record.raw, (byte) => table[byte]).join(''),
        });
    }
    return shown;
  });
}

export interface ReplayOutcome {
  batch: string;
  file: string;
  read: number;
  loaded: number;
  /** what still does not fit */
  quarantined: number;
  /** the batch that holds them; null when none fits and nothing has changed */
  into: string | null;
  /** why none fits */
  why?: string;
}

/**
 * Reads quarantined records again with the present declaration. What fits becomes a batch of its own, with the original
 * file and positions; what does not goes into that batch's quarantine. A batch is replayed once: a repetition finds
 * the replay and changes nothing. When none of its records fits, it stays as it is.
 *
 * @param who by default the user of this process
 * @throws MillraceError Unsupported for streams without files, and whatever reading a file throws
 */
export async function replayQuarantined(
  folder: string,
  name: string,
  { batch: key, who = userInfo().username }: { batch?: string | undefined; who?: string | undefined },
): Promise<ReplayOutcome[]> {
  const { project, lake, stream: opened } = await openStream(folder, name);
  const { source, stream, log } = opened;
  const declared = project.spec.sources[source] as Source;
  const spec = fileSpecOf(declared, stream, log);
  const chosen = await choose(lake, opened, key, ['open', 'replayed', 'dropped']);
  const outcomes: ReplayOutcome[] = [];
  for (const { batch: origin, state, replay: done, decisions } of chosen) {
    if (key === undefined && state === 'dropped') continue;
    const { file } = origin.source;
    const at = new Date().toISOString();
    if (done) {
      // a replay that died between its commit and its note
      if (!decisions.some(({ event }) => event === 'replayed'))
        await noteReplay(lake, { source, stream, replay: done }, { who, at });
      else if (key === undefined) continue;
      outcomes.push(outcomeOf(origin, done));
      continue;
    }
    const outcome = await withWorkDir(async (workDir): Promise<ReplayOutcome> => {
      const { batches } = await readManifest(lake, source, stream, log);
      const { staged, why } = await replayBatch({
        ...{ store: lake, source, stream, spec, origin, workDir, extractedAt: at },
        ...{ run: `by-hand-${randomUUID()}`, frozenSchema: currentSchema(batches) },
      });
      const read = origin.quarantined;
      if (!staged) return { batch: origin.key, file, read, loaded: 0, quarantined: read, into: null, why };
      const [committed] = await commitBatches(lake, source, log, [staged]);
      const replay = committed?.batch ?? staged.batch;
      await noteReplay(lake, { source, stream, replay }, { who, at });
      return outcomeOf(origin, replay);
    });
    outcomes.push(outcome);
  }
  return outcomes;
}

const outcomeOf = (origin: Batch, { key, read, loaded, quarantined }: Batch): ReplayOutcome => ({
  ...{ batch: origin.key, file: origin.source.file, read, loaded, quarantined, into: key },
});

/**
 * Accepts that the records of a batch stay out.
 * @returns how many
 * @throws MillraceError ObjectMissing, CommitConflict when they have been replayed
 */
export async function dropQuarantinedBatch(
  folder: string,
  name: string,
  { batch: key, why, who = userInfo().username }: { batch: string; why: string; who?: string | undefined },
): Promise<{ batch: string; records: number }> {
  const { lake, stream: opened } = await openStream(folder, name);
  const [chosen] = await choose(lake, opened, key, []);
  const { batch, state, replay } = chosen as QuarantinedBatch;
  if (state === 'replayed') {
    throw new MillraceError('CommitConflict', {
      what: `The quarantined records of batch ${batch.key} have been replayed into ${replay?.key}`,
      fix: `Drop what is left there: --batch ${replay?.key}`,
    });
  }
  const { source, stream } = opened;
  await dropQuarantined(lake, { source, stream, batch }, { who, why, at: new Date().toISOString() });
  return { batch: batch.key, records: batch.quarantined };
}

/** The batch that a key names, whatever its state, or all in one of the states. */
async function choose(
  lake: ObjectStore,
  { source, stream, batches }: OpenStream,
  key: string | undefined,
  states: QuarantineState[],
): Promise<QuarantinedBatch[]> {
  const found = await listQuarantine(lake, source, stream, batches);
  if (key === undefined) return found.filter(({ state }) => states.includes(state));
  const { key: whole } = findBatch(
    found.map(({ batch }) => batch),
    key,
    `${source}.${stream}`,
  );
  return found.filter(({ batch }) => batch.key === whole);
}

async function withWorkDir<T>(work: (workDir: string) => Promise<T>): Promise<T> {
  const workDir = await mkdtemp(join(tmpdir(), 'millrace-quarantine-'));
  try {
    return await work(workDir);
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

/** The characters of an EBCDIC stream's code page; null for other streams. */
function pageOf({ spec }: OpenStream): string | null {
  if (!spec || !('format' in spec)) return null;
  const { format } = spec;
  if (format.kind !== 'copybook' && format.kind !== 'journal') return null;
  const { encoding = 'ebcdic', ccsid = 'common', ebcdic_code_page: page = ccsid } = format.options;
  return String(encoding).toLowerCase() === 'ebcdic' ? codePage(String(page)).table : null;
}

/** The bytes as text where they are text, else null: control characters would upset a terminal. */
function textOf(raw: Buffer, encoding: string | undefined): string | null {
  const known = encoding !== undefined && iconv.encodingExists(encoding);
  const text = known ? iconv.decode(raw, encoding) : isUtf8(raw) ? raw.toString() : undefined;
  return text === undefined || /[\u0000-\u0008\u000e-\u001f\u007f-\u009f\ufffd]/.test(text) ? null : text;
}
