import type { Batch } from '../../schemas/lake.js';
import type { Source } from '../../schemas/source.js';
import { readStreams } from '../lake/bronze.js';
import { contentKey } from '../lake/content.js';
import { currentBatches } from '../lake/current-batches.js';
import type { ObjectStore } from '../lake/store.js';
import { batchesToLand, dropKeyed, landKeyed, type KeyedRecord } from './landing/land-keyed.js';
import { loadedSources, loadStream } from './landing/load-source.js';
import { createRecords, readRecords, writeRecord, type LandingRecord } from './landing/records.js';
import type { LocalFile } from './landing/rows.js';
import { streamsOf, type BoundStream } from './landing/streams.js';
import { viewsOf } from './landing/views.js';
import { quoteIdent, quoteRelation, type RelationName, type Session, type Warehouse } from './port.js';

interface Binding {
  warehouse: Warehouse;
  lake: ObjectStore;
  source: string;
  spec: Source;
  signal?: AbortSignal;
}

/**
 * Makes the streams of a source readable in the warehouse as `<source>.<stream>`, as their dispositions say, of a
 * replicated table also `<stream>__history` and `<stream>__changes`. They show exactly what is committed: a batch that
 * is half written is not there. All of a source changes in one transaction, so a reader sees one cut of it; of
 * replicated tables, one position of their log. Doing it again changes nothing.
 *
 * @throws MillraceError ProjectInvalid for keys or conditions that do not fit a stream's columns; SchemaMismatch for
 *   rows without their key
 */
export async function bindSource({ warehouse, lake, source, spec, signal }: Binding): Promise<void> {
  const localFile = remembered((uri) => lake.localFile(uri));
  if (warehouse.dialect !== 'duckdb') {
    for (const { stream, batches } of await readAll(lake, source, spec))
      await loadStream(warehouse, stream, batches, localFile, signal);
    return;
  }
  await fetchFiles(await readAll(lake, source, spec), await recordsOf(warehouse, source), localFile, signal);
  const bind = async (session: Session): Promise<void> => {
    await session.run(`create schema if not exists ${quoteIdent(source)}`);
    await createRecords(session);
    // the lake is read after the records: it holds what they speak of, so nothing newer is ever taken back
    const records = await recordsOf(session, source);
    for (const read of await readAll(lake, source, spec)) {
      await bindStream(session, read, records.get(read.stream.stream), localFile);
    }
  };
  await warehouse.transaction(bind, { signal });
}

/**
 * What {@link bindSource} made readable, as dbt names it (`source.stream`); the key tells what the relation holds at
 * this moment, which may be less than what the lake has got since.
 */
export async function boundSources(
  warehouse: Warehouse,
): Promise<Record<string, { relation: RelationName; key: string }>> {
  if (warehouse.dialect !== 'duckdb') return loadedSources(warehouse);
  const records = await readRecords(warehouse);
  return Object.fromEntries(
    records.flatMap(({ source, record: { key, views } }) =>
      Object.keys(views).map((name) => [
        `${source}.${name}`,
        { relation: { schema: source, name }, key: `${key}:${name}` },
      ]),
    ),
  );
}

interface ReadStream {
  stream: BoundStream;
  batches: Batch[];
  /** of the stream that it follows */
  parents: Batch[];
}

const recordsOf = async (session: Session, source: string): Promise<Map<string, LandingRecord>> =>
  new Map((await readRecords(session, source)).map(({ stream, record }) => [stream, record]));

/** What is fetched before the transaction does not keep it open. */
async function fetchFiles(
  streams: ReadStream[],
  records: Map<string, LandingRecord>,
  localFile: LocalFile,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const { stream, batches, parents } of streams) {
    const landing = stream.keyed
      ? batchesToLand(stream.keyed, batches, records.get(stream.stream)?.keyed)
      : [];
    const viewed = stream.keyed && stream.keyed.kind !== 'changes' ? [] : currentBatches(batches);
    const leading = stream.follows?.parent.keyed ? currentBatches(parents) : [];
    for (const { parts } of [...landing, ...viewed, ...leading]) {
      signal?.throwIfAborted();
      for (const { uri } of parts) await localFile(uri);
    }
  }
}

/** Each log is read once, so that streams that share one are of the same commit. */
async function readAll(lake: ObjectStore, source: string, spec: Source): Promise<ReadStream[]> {
  const streams = streamsOf(source, spec);
  const logs = new Map<string, Map<string, Batch[]>>();
  for (const log of new Set(streams.map((stream) => stream.log))) {
    logs.set(log, (await readStreams(lake, source, log)).streams);
  }
  const of = ({ log, stream }: BoundStream): Batch[] => logs.get(log)?.get(stream) ?? [];
  return streams.map((stream) => {
    const parents = stream.follows ? of(stream.follows.parent) : [];
    return { stream, batches: of(stream), parents };
  });
}

async function bindStream(
  session: Session,
  { stream, batches, parents }: ReadStream,
  known: LandingRecord | undefined,
  localFile: LocalFile,
): Promise<void> {
  const keyed = await landed(session, stream, batches, known, localFile);
  const { views, shown, schema } = await viewsOf(stream, batches, keyed?.schema, localFile, parents);
  // a view keeps the types it was made with
  const hashes = Object.fromEntries(views.map(({ name, query }) => [name, contentKey(query, keyed?.schema)]));
  for (const { name, query } of views) {
    if (known?.views[name] === hashes[name]) continue;
    const relation = quoteRelation({ schema: stream.source, name });
    await session.run(`create or replace view ${relation} as ${query}`);
  }
  for (const name of Object.keys(known?.views ?? {})) {
    if (!(name in hashes))
      await session.run(`drop view if exists ${quoteRelation({ schema: stream.source, name })}`);
  }
  // of what is shown, wherever its files lie on this machine
  const content = shown.map((batch) => batch.key);
  const key = contentKey(Object.keys(hashes), keyed, schema, content);
  const record: LandingRecord = { key, views: hashes, keyed };
  if (JSON.stringify(record) !== JSON.stringify(known))
    await writeRecord(session, stream.source, stream.stream, record);
}

async function landed(
  session: Session,
  { source, stream, keyed }: BoundStream,
  batches: Batch[],
  known: LandingRecord | undefined,
  localFile: LocalFile,
): Promise<KeyedRecord | null> {
  if (keyed) return landKeyed(session, keyed, batches, known?.keyed, localFile);
  return known?.keyed ? dropKeyed(session, { source, stream, kind: 'merge' }) : null;
}

/** Each object is fetched once, however often the transaction is tried. */
function remembered(localFile: LocalFile): LocalFile {
  const paths = new Map<string, Promise<string>>();
  return (uri) => {
    const path = paths.get(uri) ?? localFile(uri);
    paths.set(uri, path);
    return path;
  };
}
