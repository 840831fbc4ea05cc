import { rm } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { MillraceError } from '../../schemas/errors.js';
import type { Batch, BronzeSchema } from '../../schemas/lake.js';
import type { FilesSource, FileStream } from '../../schemas/source.js';
import type { StagedBatch } from '../lake/bronze.js';
import { currentSchema, joinSchemas } from '../lake/contract.js';
import type { Connector, LoadContext } from './connector.js';
import { splitArchivePath } from './open-file.js';
import { extractFile } from './extract-file.js';
import { withFileSessions, type SourceFile } from './extract-input.js';
import { inSequence } from './journal/sequence.js';
import { listStreamFiles } from './list-files.js';
import { openPlace } from './places/open-place.js';
import type { Place, PlacedFile } from './places/place.js';

/** A group of files, read by one activity and committed together. */
export interface FilesUnit {
  files: PlacedFile[];
}

/** A unit is large enough to be worth an activity, and small enough to be repeated after a crash. */
const UNIT_BYTES = 64 << 20;
const UNIT_FILES = 200;
/** Files fetched at once: small ones wait for the network, not for its width. */
const FETCHES = 8;

/** Reads the files of a stream, wherever they are: each once, and once more when it has changed. */
export function filesConnector(source: FilesSource, stream: string): Connector<FilesUnit> {
  const spec = source.streams[stream];
  if (!spec) throw new MillraceError('ProjectInvalid', { what: `the source has no stream '${stream}'` });
  return {
    async plan({ root, interval, batches, secret, signal }) {
      const place = await openPlace(source.root, root, secret);
      try {
        const [path] = splitArchivePath(spec.path);
        const files = await listStreamFiles({ place, path, interval, signal });
        const known = new Set(batches.map((batch) => identity(batch.source)));
        const fresh = files.filter((file) => !known.has(identity(file)));
        const complete = await place.complete(fresh, signal);
        // the next interval's run will not look for what is missing of this one
        if (complete.length < fresh.length && /\{(start|end):/.test(spec.path)) {
          throw stillArriving(place, fresh, complete);
        }
        // entries of a journal go on from each other, so their files are read one after the other
        return spec.format.kind === 'journal' ? together(complete) : grouped(complete);
      } finally {
        await place.close();
      }
    },

    async *load({ files }, context) {
      const place = await openPlace(source.root, context.root, context.secret);
      try {
        const staged: StagedBatch[] = [];
        const names = new Set(files.map(({ file }) => file));
        const mine = context.batches.filter((batch) => names.has(batch.source.file));
        const known = new Map(mine.map((batch) => [identity(batch.source), batch]));
        const missing = files.filter((file) => !known.has(identity(file)));
        // committed by an attempt whose answer was lost: named again, so that it is counted
        for (const file of files) {
          const batch = known.get(identity(file));
          if (batch) staged.push({ batch, files: [], inferred: false });
        }
        const wanted = context.sample === undefined ? missing : missing.slice(0, 1);
        if (wanted.length > 0) {
          let frozenSchema = currentSchema(context.batches);
          await withFileSessions(context, async (sessions) => {
            for await (const [index, file] of fetched(place, wanted, context)) {
              const one = await extract(place, { file, index, spec, frozenSchema, sessions, context });
              frozenSchema = joinSchemas(frozenSchema, one.batch.schema);
              staged.push(one);
            }
          });
        }
        const { format } = spec;
        if (staged.length > 0)
          yield format.kind === 'journal' ? inSequence(context.batches, staged, format) : staged;
      } finally {
        await place.close();
      }
    },
  };
}

/** What tells a file from another version of it. Times of a store that names contents say only when they came there. */
const identity = ({ file, bytes, mtimeMs, etag }: PlacedFile | Batch['source']): string =>
  `${file}\0${bytes}\0${etag ?? mtimeMs}`;

/** Brings the files here, in order, a few at a time. */
async function* fetched(
  place: Place,
  files: PlacedFile[],
  { workDir, signal, onProgress }: LoadContext,
): AsyncGenerator<[number, SourceFile]> {
  for (let at = 0; at < files.length; at += FETCHES) {
    signal.throwIfAborted();
    const some = files.slice(at, at + FETCHES);
    const fetching = some.map((file, index) =>
      place.fetch(file, join(workDir, `fetched-${at + index}${extname(file.file)}`), {
        signal,
        onProgress: (bytes) => onProgress({ file: file.file, fetched: bytes }),
      }),
    );
    // all have ended before an error leaves: nothing may write into the folder after it is removed
    await Promise.allSettled(fetching);
    for (const [index, file] of (await Promise.all(fetching)).entries()) yield [at + index, file];
  }
}

interface Extraction {
  file: SourceFile;
  /** in the unit */
  index: number;
  spec: FileStream;
  /** of the stream, with the files of the unit before it */
  frozenSchema: BronzeSchema | undefined;
  sessions: DuckDBConnection[];
  context: LoadContext;
}

async function extract(
  place: Place,
  { file, index, spec, frozenSchema, sessions, context }: Extraction,
): Promise<StagedBatch> {
  const { source, stream, interval, extractedAt, run, workDir, signal, onProgress } = context;
  signal.throwIfAborted();
  const here = file.path.startsWith(join(workDir, 'fetched-'));
  try {
    return await extractFile({
      ...{ source, stream, spec, file, interval, extractedAt, run, workDir, sessions, signal },
      frozenSchema,
      onProgress: (read) => onProgress({ file: file.file, index, ...read }),
    });
  } catch (error) {
    throw here ? named(error, file, place) : error;
  } finally {
    if (here) await rm(file.path, { force: true });
  }
}

/** An error about a copy names the file that it is a copy of. */
function named(error: unknown, { file, path }: SourceFile, place: Place): unknown {
  if (!(error instanceof MillraceError)) return error;
  const address = `${place.uri.replace(/\/$/, '')}/${file}`;
  const { type, what, where, fix, cause, retryAfterMs } = error;
  return new MillraceError(type, {
    ...{ what: what.replaceAll(path, address), cause },
    where: { ...where, ...(where.file !== undefined && { file: where.file.replace(path, address) }) },
    ...(fix !== undefined && { fix: fix.replaceAll(path, address) }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

const together = (files: PlacedFile[]): FilesUnit[] => (files.length > 0 ? [{ files }] : []);

function grouped(files: PlacedFile[]): FilesUnit[] {
  const units: FilesUnit[] = [];
  let bytes = 0;
  for (const file of files) {
    const last = units.at(-1);
    if (last && last.files.length < UNIT_FILES && bytes + file.bytes <= UNIT_BYTES) last.files.push(file);
    else {
      units.push({ files: [file] });
      bytes = 0;
    }
    bytes += file.bytes;
  }
  return units;
}

function stillArriving(place: Place, fresh: PlacedFile[], complete: PlacedFile[]): MillraceError {
  const whole = new Set(complete.map(({ file }) => file));
  const growing = fresh.filter(({ file }) => !whole.has(file));
  return new MillraceError('Unavailable', {
    what: `${growing.length} of ${fresh.length} new files are still arriving, such as '${growing[0]?.file}'`,
    where: { file: place.uri },
    fix: 'The retry looks again. Have files delivered under another name and renamed, or use a marker, if it stays so',
  });
}
