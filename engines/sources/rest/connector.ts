import { mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MillraceError } from '../../../schemas/errors.js';
import { jsonl } from '../../../schemas/format.js';
import type { Batch, CursorValue } from '../../../schemas/lake.js';
import type { RestSource, RestStream } from '../../../schemas/rest.js';
import { FileStream } from '../../../schemas/source.js';
import { readManifest, type StagedBatch } from '../../lake/bronze.js';
import { contentKey, sha256 } from '../../lake/content.js';
import { currentSchema } from '../../lake/contract.js';
import { FULL } from '../../lake/current-batches.js';
import type { Connector, LoadContext } from '../connector.js';
import { extractFile } from '../extract-file.js';
import { cursorOf } from './cursor.js';
import { fetchEndpoint, type Fetched, type FetchInput } from './fetch.js';
import type { Spooled } from './spool.js';
import { usesInterval } from './template.js';

/** One load of an endpoint: all its pages, committed together. */
export interface RestUnit {
  /** of a stream with a cursor: where it was when the load was planned */
  from: CursorValue;
}

/**
 * Reads an endpoint of an API into bronze. A load is in or not as a whole, its children included: with a cursor it goes on
 * where the last one ended, else it takes the place of earlier ones of the same interval, or of all.
 *
 * @param more `mostPages` for a preview, whose batches must not be committed; `resolve` in the place of the system's resolver
 */
export function restConnector(
  source: RestSource,
  stream: string,
  more: Pick<FetchInput, 'mostPages' | 'resolve'> = {},
): Connector<RestUnit> {
  const spec = source.streams[stream];
  if (!spec) throw new MillraceError('ProjectInvalid', { what: `The source has no stream '${stream}'` });
  return {
    plan: async ({ batches }) => [{ from: cursorOf(batches).value }],
    async *load(_unit, context) {
      // the same run has committed, and its answer was lost
      const done = await committed(spec, context);
      const batches = done.length > 0 ? done : await loadAll({ source, spec, context, ...more });
      if (batches.length > 0) yield batches;
    },
  };
}

const childName = (stream: string, child: string): string => `${stream}__${child}`;

/** What a stream has in the log of its endpoint. */
async function batchesOf(name: string, { batches, lake, source, stream }: LoadContext): Promise<Batch[]> {
  return name === stream ? batches : (await readManifest(lake, source, name, stream)).batches;
}

async function committed(spec: RestStream, context: LoadContext): Promise<StagedBatch[]> {
  const { stream, run, extractedAt } = context;
  const found: StagedBatch[] = [];
  for (const name of [stream, ...Object.keys(spec.children).map((child) => childName(stream, child))]) {
    for (const batch of await batchesOf(name, context)) {
      if (batch.run !== run || batch.extractedAt !== extractedAt || batch.replays !== undefined) continue;
      found.push({ batch, files: [], inferred: false });
    }
  }
  return found;
}

type Load = Pick<FetchInput, 'source' | 'spec' | 'mostPages' | 'resolve'> & { context: LoadContext };

async function loadAll(load: Load): Promise<StagedBatch[]> {
  const { batches, workDir } = load.context;
  const folder = await mkdtemp(join(workDir, 'rest-'));
  try {
    const pages = load.context.sample === undefined ? {} : { mostPages: 1 };
    return await toBatches(
      load,
      await fetchEndpoint({ ...load, ...pages, cursor: cursorOf(batches), folder }),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function toBatches({ spec, context }: Load, fetched: Fetched): Promise<StagedBatch[]> {
  const { filter, total } = fetched;
  const { stream, interval, batches: before } = context;
  const scope = spec.cursor
    ? undefined
    : usesInterval(spec)
      ? `interval ${interval.start}/${interval.end}`
      : FULL;
  const reached = filter?.reached;
  const batches: StagedBatch[] = [];
  const parent = await toBatch(context, spec, fetched.own, stream, fetched.shown);
  if (parent) {
    const { batch } = parent;
    const dropped = filter?.dropped ?? 0;
    batches.push({
      ...parent,
      batch: {
        ...batch,
        ...{ read: batch.read + dropped, filtered: batch.filtered + dropped },
        ...(total !== undefined && { expected: { rows: total } }),
        ...(reached && {
          cursor: { from: cursorOf(before).value, to: reached.value, ties: reached.ties },
        }),
      },
    });
  }
  for (const [name, spooled] of fetched.children) {
    const child = childName(stream, name);
    const { columns } = spec.children[name] ?? {};
    const one = await toBatch(context, { ...spec, columns }, spooled, child, fetched.shown);
    if (one) batches.push({ ...one, batch: { ...one.batch, stream: child } });
  }
  return batches.map((one) => (scope === undefined ? one : { ...one, batch: { ...one.batch, scope } }));
}

/** @returns undefined when there is nothing to say: no rows, and no earlier ones that would have to go */
async function toBatch(
  context: LoadContext,
  spec: Pick<RestStream, 'columns' | 'tolerance' | 'contract' | 'nested' | 'cursor'>,
  { path, rows }: Spooled,
  stream: string,
  file: string,
): Promise<StagedBatch | undefined> {
  const { interval, extractedAt, run, signal, source, workDir, onProgress } = context;
  const frozen = currentSchema(await batchesOf(stream, context));
  const { columns, tolerance, contract, nested } = spec;
  // the same content in two runs is two loads: the second must win again over what came in between
  const load = contentKey(stream, interval, run, extractedAt);
  const mtimeMs = Date.parse(extractedAt);
  if (rows === 0) {
    const declared =
      columns && Object.entries(columns).map(([name, column]) => ({ name, type: typeOf(column) }));
    const schema = frozen ?? declared;
    if (spec.cursor || !schema) return undefined;
    const batch: Batch = {
      key: contentKey(load, 'empty'),
      source: { file, bytes: 0, mtimeMs, sha256: sha256('') },
      ...{ interval, parts: [], schema, read: 0, loaded: 0, quarantined: 0, filtered: 0, quarantine: null },
      ...{ extractedAt, run },
    };
    return { batch, files: [], inferred: false };
  }
  const { size } = await stat(path);
  const result = await extractFile({
    ...{ source, stream, interval, extractedAt, run, workDir, signal },
    spec: FileStream.parse({
      path: load,
      format: jsonl({ nested, compression: 'none', encoding: 'utf-8' }),
      columns,
      tolerance,
      contract,
    }),
    file: { file, path, bytes: size, mtimeMs },
    frozenSchema: frozen,
    onProgress: (read) => onProgress({ stream, ...read }),
  });
  return { ...result, batch: { ...result.batch, source: { ...result.batch.source, mtimeMs } } };
}

const typeOf = (column: NonNullable<RestStream['columns']>[string]): string =>
  typeof column === 'string' ? column : column.type;
