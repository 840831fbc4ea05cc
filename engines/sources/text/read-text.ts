import type { DuckDBConnection } from '@duckdb/node-api';
import { sourceEmpty } from '../open-text.js';
import type { ReadInput, ReadResult } from '../file-reader.js';
import { planCasting, type Casting, type FileColumn } from '../typed-columns.js';
import { dropUnusedVariants, inferTypes } from './infer-types.js';
import { SegmentLoader } from './load-segments.js';
import { rejectMisfits, type RawBytes } from './reject-misfits.js';
import { SegmentWriter, type Segment, type SegmentWriterOptions, type TextLayout } from './segment.js';

export type OnColumns = (columns: FileColumn[], types?: 'known') => Casting | undefined;

/** A format whose records become delimited text before they are cast. */
export interface TextFormat {
  layout: TextLayout;
  toUtf8?: SegmentWriterOptions['toUtf8'];
  delimiterBytes?: SegmentWriterOptions['delimiterBytes'];
  /**
   * Writes the records of the file, broken ones to the rejects.
   * @param onColumns to be called before the first record is written; with types that are `known` it returns the plan
   * @returns records of the file
   */
  stage: (writer: SegmentWriter, onColumns: OnColumns) => Promise<number>;
  /** records need not have every column */
  sparse?: boolean;
  /** opens the file again for the bytes of its records; without it, records are quarantined as JSON */
  raw: (() => RawBytes) | undefined;
  /** splits plain text record by record */
  rewrite?: (segment: Segment, folder: string) => Promise<Segment>;
}

/** Casts the records of a text-like file to Parquet while they are read, as far as their types are known before. */
export async function readText(input: ReadInput, format: TextFormat): Promise<ReadResult> {
  const { sessions, folder, name: file, batch, extractedAt, path } = input;
  const { layout, rewrite } = format;
  const session = sessions[0] as DuckDBConnection;
  const waiting: Segment[] = [];
  let columns: FileColumn[] | undefined;
  let casting: Casting | undefined;
  let loader: SegmentLoader | undefined;
  const load = (segment: Segment, known: Casting): void => {
    loader ??= new SegmentLoader(sessions, {
      ...{ layout, folder, file, batch, extractedAt, metadata: input.metadata(known) },
      rewrite: rewrite && ((plain) => rewrite(plain, folder)),
    });
    loader.add(segment, known);
  };
  const plan = (found: FileColumn[]): Casting => planCasting(found, input, { file: path }, format.sparse);
  const writer = new SegmentWriter({
    ...{ folder, layout },
    ...(format.toUtf8 && { toUtf8: format.toUtf8 }),
    ...(format.delimiterBytes && { delimiterBytes: format.delimiterBytes }),
    onSegment: (segment) => (casting ? load(segment, casting) : void waiting.push(segment)),
  });
  try {
    let planned: Casting | undefined;
    const read = await format.stage(writer, (found, types) => {
      columns = found;
      if (types !== 'known' && needsTypes(input, found)) return undefined;
      planned = plan(found);
      // which variants are needed is seen when all is staged
      if (planned.columns.every(({ variantOf }) => variantOf === undefined)) casting = planned;
      return planned;
    });
    if (!columns) throw sourceEmpty(path, 'The file holds no record');
    if (read === 0) throw sourceEmpty(path, 'The file has a header and no record after it');
    if (!casting) {
      planned ??= plan(await findTypes(session, columns, input, waiting, layout));
      casting = await dropUnusedVariants(session, planned, waiting, layout);
      for (const segment of waiting) load(segment, casting);
    }
    const known = casting;
    const loaded = (await loader?.finish()) ?? [];
    const partial = loaded.filter((one) => one.loaded < one.segment.staged);
    return {
      ...{ casting, read },
      parts: loaded.filter((one) => one.loaded > 0).map((one) => ({ path: one.path, rows: one.loaded })),
      discarded: loaded.reduce((sum, one) => sum + one.discarded, 0),
      inferred: !input.frozen && !input.spec.columns,
      rejectMisfits: async (limit) => {
        if (partial.length === 0) return;
        const { rejects } = input;
        const options = {
          casting: known,
          loaded: partial,
          layout,
          raw: format.raw?.(),
          file,
          rejects,
          limit,
        };
        await rejectMisfits(session, options);
      },
    };
  } finally {
    await loader?.stop();
  }
}

/** Names, in lower case, of the columns whose types are known before a file is read. */
export const knownNames = ({ spec, frozen }: Pick<ReadInput, 'spec' | 'frozen'>): Set<string> =>
  new Set(
    (frozen?.map(({ name }) => name) ?? Object.keys(spec.columns ?? {})).map((name) => name.toLowerCase()),
  );

/** Columns whose types are to be found: texts are cast to what the stream has, unless its types may evolve. */
function untyped(columns: FileColumn[], input: ReadInput): FileColumn[] {
  const known = knownNames(input);
  const { columns: mode, types } = input.spec.contract;
  return columns.filter(({ name, type }) => {
    if (type !== undefined) return false;
    if (known.has(name.toLowerCase())) return types === 'evolve';
    return known.size === 0 || mode === 'evolve';
  });
}

const needsTypes = (input: ReadInput, found: FileColumn[]): boolean => untyped(found, input).length > 0;

async function findTypes(
  session: DuckDBConnection,
  columns: FileColumn[],
  input: ReadInput,
  segments: Segment[],
  layout: TextLayout,
): Promise<FileColumn[]> {
  const open = untyped(columns, input);
  const known = knownNames(input);
  const types = await inferTypes(session, open, segments, layout);
  return columns.map((column) => {
    const type = column.type ?? types.get(column.field);
    return { ...column, type: type ?? (known.has(column.name.toLowerCase()) ? undefined : 'text') };
  });
}
