import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import type { StagedBatch } from '../engines/lake/bronze.js';
import { readLineage } from '../engines/lake/column-lineage.js';
import { currentSchema, isVariant } from '../engines/lake/contract.js';
import { withDuckDb } from '../engines/lake/duckdb.js';
import { openLocalStore } from '../engines/lake/local-store.js';
import { profileParts } from '../engines/lake/profile.js';
import { duckType, sameType, widen } from '../engines/lake/types.js';
import { lastComplete, parseInterval } from '../engines/project/interval.js';
import type { LoadedProject } from '../engines/project/load.js';
import { streamsOf } from '../engines/project/references.js';
import { Secrets } from '../engines/secrets/secrets.js';
import type { LoadContext } from '../engines/sources/connector.js';
import { extractFile } from '../engines/sources/extract-file.js';
import type { FilesUnit } from '../engines/sources/files-connector.js';
import { openConnector } from '../engines/sources/open-connector.js';
import { openPlace } from '../engines/sources/places/open-place.js';
import { cutFile } from '../engines/sources/preview/cut-file.js';
import { isNested } from '../engines/sources/typed-columns.js';
import { quoteIdent, quoteText } from '../engines/warehouse/port.js';
import { Column } from '../schemas/column.js';
import { MillraceError } from '../schemas/errors.js';
import type { BronzeSchema } from '../schemas/lake.js';
import type { Interval } from '../schemas/interval.js';
import type { FilesSource, Source, Stream } from '../schemas/source.js';
import { openStream, type OpenStream } from './streams.js';

export interface Preview {
  source: string;
  stream: string;
  interval: Interval;
  /** the file, table or endpoint that was read */
  read: string;
  /** only its beginning was */
  cut: boolean;
  counts: { read: number; loaded: number; quarantined: number; filtered: number };
  columns: { name: string; type: string; nulls: number; distinct?: number | undefined }[];
  /** values as text, in the order of `columns` */
  rows: (string | null)[][];
  quarantined: { record: number; line: number; reason: string }[];
  /** what differs from the columns that bronze has; empty for a new stream */
  changes: string[];
  /** for `millrace.ts` */
  declaration: string;
}

/**
 * Reads the beginning of a stream's first unit on this machine: no server, and nothing is written to the lake. Broken
 * records are shown, however many there are, as long as one is good.
 * @param interval as typed; by default the last complete one of a pipeline that extracts the stream, else the last day
 * @throws MillraceError SourceMissing when there is nothing to read, and whatever reading throws
 */
export async function previewStream(
  folder: string,
  name: string,
  { rows, interval: typed }: { rows: number; interval?: string | undefined },
): Promise<Preview> {
  const { project, stream: opened } = await openStream(folder, name);
  const { source, stream } = opened;
  const calendar = calendarOf(project, opened);
  const interval = typed === undefined ? lastComplete(new Date(), calendar) : parseInterval(typed, calendar);
  const workDir = await mkdtemp(join(tmpdir(), 'millrace-preview-'));
  const stop = new AbortController();
  try {
    const secrets = new Secrets();
    const context: LoadContext = {
      ...{
        source,
        stream,
        interval,
        root: project.root,
        batches: [],
        workDir,
        sample: Math.max(rows, 1_000),
      },
      lake: await openLocalStore(join(workDir, 'lake')),
      secret: (reference) => secrets.resolve(reference),
      ...{ signal: stop.signal, extractedAt: new Date().toISOString(), run: 'preview' },
      onProgress: () => undefined,
    };
    const declared = tolerant(project.spec.sources[source] as Source, opened.log);
    const { staged, cut } = await firstOf(declared, opened.log, context);
    const batch = staged.find((one) => (one.batch.stream ?? opened.log) === stream);
    if (!batch) throw nothing(name, interval);
    const known = currentSchema(opened.batches);
    return {
      ...{ source, stream, interval, cut },
      ...withoutEnd(
        await describe(batch, { rows, workDir, declared: { kind: declared.kind, spec: opened.spec } }),
        cut && isCopybook(declared, opened.log),
      ),
      changes: known ? changesOf(known, batch.batch.schema) : [],
    };
  } finally {
    stop.abort();
    await rm(workDir, { recursive: true, force: true });
  }
}

/** The same source, but broken records are shown instead of failing the load, and a replicated table is copied. */
function tolerant(source: Source, stream: string): Source {
  const spec = source.streams[stream];
  const load = spec && 'load' in spec && spec.load === 'cdc' ? { load: 'full' } : {};
  return {
    ...source,
    streams: { ...source.streams, [stream]: { ...spec, ...load, tolerance: 1 } },
  } as Source;
}

function isCopybook(source: Source, stream: string): boolean {
  const spec = source.streams[stream];
  return spec !== undefined && 'format' in spec && spec.format.kind === 'copybook';
}

/** Without the last record, when it is one that only the preview has cut. */
function withoutEnd<T extends Pick<Preview, 'counts' | 'quarantined'>>(found: T, cut: boolean): T {
  const { counts, quarantined } = found;
  if (!cut || counts.quarantined === 0) return found;
  return {
    ...found,
    counts: { ...counts, read: counts.read - 1, quarantined: counts.quarantined - 1 },
    quarantined: quarantined.filter(({ record }) => record !== counts.read),
  };
}

function calendarOf({ spec }: LoadedProject, { source, log }: OpenStream) {
  const pipeline = Object.values(spec.pipelines).find(({ extract }) =>
    streamsOf(spec, extract).some((one) => one.source === source && one.stream === log),
  );
  return pipeline ?? { cadence: 'day' as const, timezone: 'UTC' };
}

interface First {
  staged: StagedBatch[];
  cut: boolean;
}

async function firstOf(source: Source, stream: string, context: LoadContext): Promise<First> {
  const name = `${context.source}.${stream}`;
  const connector = await openConnector(source, stream);
  const [unit] = await connector.plan(context);
  if (unit === undefined) throw nothing(name, context.interval);
  if (source.kind === 'files') return firstFile(source, stream, unit as FilesUnit, context);
  for await (const staged of connector.load(unit, context)) {
    const rows = staged.reduce((sum, { batch }) => sum + batch.read, 0);
    return { staged, cut: rows >= (context.sample ?? 0) };
  }
  throw nothing(name, context.interval);
}

/** Of files on this machine the first is read, from elsewhere the smallest: it has to come here whole. */
async function firstFile(
  source: FilesSource,
  stream: string,
  { files }: FilesUnit,
  context: LoadContext,
): Promise<First> {
  const { workDir, signal } = context;
  const spec = source.streams[stream];
  const local = typeof source.root === 'string';
  const [first] = local ? files : [...files].sort((a, b) => a.bytes - b.bytes);
  if (!first || !spec) throw nothing(`${context.source}.${stream}`, context.interval);
  const place = await openPlace(source.root, context.root, context.secret);
  try {
    const fetched = await place.fetch(first, join(workDir, `fetched${extname(first.file)}`), { signal });
    const { file, cut } = await cutFile(fetched, spec.format, workDir, signal);
    return { staged: [await extractFile({ ...context, spec, file, stream })], cut };
  } finally {
    await place.close();
  }
}

const nothing = (stream: string, interval: Interval): MillraceError =>
  new MillraceError('SourceMissing', {
    what: `${stream} has nothing to read for ${interval.start} to ${interval.end}`,
    fix: 'Name an interval that has data: --interval 2026-01-05',
  });

interface Described {
  rows: number;
  workDir: string;
  declared: Parameters<typeof declarationOf>[2];
}

async function describe({ batch, files }: StagedBatch, { rows, workDir, declared }: Described) {
  const local = new Map(files.map(({ key, path }) => [key, path]));
  const parts = batch.parts.map(({ uri }) => local.get(uri) ?? '');
  const { schema, source, read, loaded, quarantined, filtered } = batch;
  const quarantine = batch.quarantine && local.get(batch.quarantine.uri);
  return withDuckDb({ workDir }, async ([session]) => {
    const texts = async (sql: string): Promise<(string | null)[][]> =>
      (await session.runAndReadAll(sql))
        .getRowsJson()
        .map((row) => row.map((value) => (value === null ? null : String(value as string))));
    const names = schema.map(({ name }) => `${quoteIdent(name)}::VARCHAR`).join(', ');
    const profile = await profileParts(session, parts, schema);
    const [first] = parts;
    return {
      read: source.file,
      counts: { read, loaded, quarantined, filtered },
      columns: schema.map(({ name, type }, index) => {
        const { nulls = 0, distinct } = profile.columns[index] ?? {};
        return { name, type, nulls: profile.rows > 0 ? nulls / profile.rows : 0, distinct };
      }),
      rows: first ? await texts(`SELECT ${names} FROM read_parquet(${quoteText(first)}) LIMIT ${rows}`) : [],
      quarantined: quarantine
        ? (
            await texts(
              `SELECT record, line, reason FROM read_parquet(${quoteText(quarantine)}) ORDER BY record LIMIT ${rows}`,
            )
          ).map(([record, line, reason]) => ({
            ...{ record: Number(record), line: Number(line), reason: reason ?? '' },
          }))
        : [],
      declaration: declarationOf(schema, first ? await readLineage(session, first) : {}, declared),
    };
  });
}

/**
 * `columns: { … }` as it stands in `millrace.ts`: what was declared already stays, the others get the types found.
 * Where a stream's types come from its source, those that cannot be declared are named in a comment.
 */
function declarationOf(
  schema: BronzeSchema,
  origins: Record<string, string | null>,
  { kind, spec }: { kind: Source['kind']; spec: Stream | null },
): string {
  const typed =
    kind === 'postgres' || (spec && 'format' in spec && /^(copybook|journal)$/.test(spec.format.kind));
  const declared = new Map(
    Object.entries(spec?.columns ?? {}).map(([name, column]) => [name.toLowerCase(), column]),
  );
  const lines = schema
    .filter(({ name }) => !isVariant(name, schema))
    .map(({ name, type }) => {
      const key = keyOf(name);
      const known = declared.get(name.toLowerCase());
      if (known !== undefined) return `  ${key}: ${literal(known)},`;
      if (typed && !Column.safeParse(type).success) return `  // ${key}: ${duckType(type)}`;
      const from = origins[name] ?? name;
      const said = declarable(type);
      return `  ${key}: ${literal(from === name ? said : { type: said, from })},`;
    });
  return ['columns: {', ...lines, '},'].join('\n');
}

/** The type that a declaration may say and that holds every value of `type`. */
function declarable(type: string): string {
  if (Column.safeParse(type).success) return type;
  if (isNested(type)) return 'json';
  if (type === 'FLOAT') return 'double';
  const wider = ['int32', 'int64', 'decimal(20,0)'].find((one) => widen(type, one) === one);
  return wider ?? 'text';
}

function literal(value: unknown): string {
  if (typeof value === 'string')
    return `'${JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{ ${members.map(([key, member]) => `${keyOf(key)}: ${literal(member)}`).join(', ')} }`;
}

const keyOf = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));

function changesOf(known: BronzeSchema, schema: BronzeSchema): string[] {
  const was = new Map(known.map(({ name, type }) => [name.toLowerCase(), type]));
  const is = new Set(schema.map(({ name }) => name.toLowerCase()));
  return [
    ...schema.flatMap(({ name, type }) => {
      const before = was.get(name.toLowerCase());
      if (before === undefined) return [`'${name}' (${type}) is new`];
      return sameType(before, type) ? [] : [`'${name}' is ${type} and was ${before}`];
    }),
    ...known
      .filter(({ name }) => !is.has(name.toLowerCase()) && !isVariant(name, known))
      .map(({ name }) => `'${name}' is gone`),
  ];
}
