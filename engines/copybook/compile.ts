import type { RawCopybookOptions } from '../../schemas/copybook.js';
import { generateDecoder, type GeneratedDecoder } from './decode/generate.js';
import {
  newState,
  type CorruptField,
  type DecodeState,
  type Row,
  type Segment,
  type Value,
} from './decode/runtime.js';
import type { DateRule } from './date-format.js';
import { Decimal } from './decimal.js';
import { declareDates } from './declare-dates.js';
import { compileFrame, findField, type Frame, type FrameOptions } from './frame.js';
import { layOut } from './lay-out.js';
import { nodes, type Layout } from './layout.js';
import { parseCopybooks, type CopybookSource } from './parse/parse.js';
import type { ByteSource } from './records/byte-reader.js';
import type { RawRecord } from './records/raw-record.js';
import { frontColumns, recordColumns, type Column } from './schema.js';
import { SegmentIds } from './segment-ids.js';
import { isHierarchical } from './segments.js';
import { readSettings, type CopybookSettings } from './settings.js';

export interface DecodedRecord {
  record: Row;
  /** byte of the file at which the record's data begins; of the root segment, when the record is hierarchical */
  position: number;
  /** records of the file before it, filtered ones too */
  index: number;
  bytes: Uint8Array;
  /** fields that held data and could not be decoded; they are null in the record */
  corrupt?: CorruptField[];
}

export interface ReadOptions extends FrameOptions {
  /** number of the file, for generated ids (0) */
  fileId?: number;
  /** look for fields that cannot be decoded */
  corrupt?: boolean;
}

export interface CompiledCopybook {
  readonly layout: Layout;
  readonly settings: CopybookSettings;
  /** columns of the records, in order */
  readonly columns: Column[];
  /** the generated JavaScript */
  readonly source: string;
  /** Decodes the bytes of one record, without generated ids. */
  decode: (bytes: Uint8Array) => Row;
  /** Cuts a file into records. */
  frame: Frame;
  /** Reads the records of one file. */
  readRecords: (source: ByteSource, options?: ReadOptions) => AsyncGenerator<DecodedRecord>;
}

/**
 * Compiles copybooks to a decoder of their records. Several describe the same bytes, but for those that another one
 * names in a COPY.
 * @throws MillraceError CopybookInvalid (file, line, column, what was expected), ProjectInvalid (a wrong option),
 *   EncodingUnknown
 */
export function compileCopybook(input: {
  copybooks: CopybookSource[];
  options?: RawCopybookOptions;
  /** fields whose values mean dates; with them `decode` and `readRecords` give days and microseconds since 1970 */
  dates?: Record<string, DateRule>;
}): CompiledCopybook {
  const settings = readSettings(input.options ?? {});
  const layout = layOut(parseCopybooks(input.copybooks, settings), settings);
  declareDates(layout, input.dates ?? {});
  const hierarchical = isHierarchical(layout.root);
  const dynamic = settings.variableOccurs !== 'maximum' && layout.variable;
  const decoder = generateDecoder(layout, settings, {
    ...{ dynamic, hierarchical },
    front: frontColumns(settings).map(({ name }) => name),
  });
  const records = new Records(layout, settings, decoder);
  const frame = compileFrame(layout, settings, decoder.reader, (bytes) => records.measure(bytes));
  return {
    layout,
    settings,
    columns: recordColumns(layout, settings),
    source: decoder.source,
    decode: (bytes) => records.record(bytes, newState()),
    frame,
    readRecords: (source, options = {}) =>
      hierarchical
        ? records.readTrees(frame(source, options), options)
        : records.read(frame(source, options), options),
  };
}

/** Turns raw records into rows: segments, generated columns, corrupt fields. */
class Records {
  private readonly segmentId: ((bytes: Uint8Array) => string | null) | undefined;
  private readonly rootIds: Set<string>;

  constructor(
    layout: Layout,
    private readonly settings: CopybookSettings,
    private readonly decoder: GeneratedDecoder,
  ) {
    if (settings.segment_field !== undefined) {
      const read = decoder.reader(findField(layout, 'segment_field', settings.segment_field));
      this.segmentId = (bytes) => {
        const value = read(bytes, settings.record_start_offset);
        return value instanceof Decimal ? value.text : value === null ? null : String(value);
      };
    }
    const children = new Set(
      [...nodes(layout.root)].flatMap((node) =>
        node.kind === 'group' && node.parentSegment !== undefined ? (node.segmentIds ?? []) : [],
      ),
    );
    this.rootIds = new Set([...settings.segmentGroups.keys()].filter((id) => !children.has(id)));
  }

  /** @param front values of the generated columns; undefined: a record without them */
  record(bytes: Uint8Array, given: DecodeState, segment?: string, front?: Value[]): Row {
    const { settings } = this;
    const state = given;
    if (settings.segmentGroups.size > 0) {
      const id = segment ?? this.segmentId?.(bytes)?.trim() ?? '';
      state.segment = (settings.segmentGroups.get(id) ?? '').toUpperCase();
    }
    return this.fields(bytes, state, [], front);
  }

  private fields(bytes: Uint8Array, given: DecodeState, parents: string[], front?: Value[]): Row {
    const state = given;
    const start = this.settings.record_start_offset;
    state.start = start;
    this.decoder.prepare(bytes, start, bytes.length, state);
    const read = front ? this.decoder.record : this.decoder.body;
    return read(bytes, start, bytes.length, state, parents, front ?? []);
  }

  /** Bytes that a record with variable arrays takes. */
  measure(bytes: Uint8Array): number {
    const state = newState();
    this.fields(bytes, state, []);
    return state.at;
  }

  async *read(
    records: AsyncIterable<RawRecord>,
    { fileId = 0, file, corrupt = false, onFiltered }: ReadOptions,
  ): AsyncGenerator<DecodedRecord> {
    const { settings, segmentId } = this;
    const collect = corrupt || settings.generate_corrupt_fields;
    const levels =
      settings.segmentLevels.length > 0
        ? new SegmentIds(settings.segmentLevels, settings.segment_id_prefix ?? startOfRun(), fileId)
        : undefined;
    let index = -1;
    for await (const raw of records) {
      const { bytes, position } = raw;
      index++;
      const id = segmentId?.(bytes) ?? '';
      // the plain reader of Cobrix compares segment ids untrimmed
      const trimmed = id.trim();
      const ids = levels?.next(trimmed, index) ?? [];
      const wanted = !segmentId || (settings.segmentFilter?.includes(settings.plain ? id : trimmed) ?? true);
      if (!wanted || ids[0] === null) {
        onFiltered?.(raw);
        continue;
      }
      const state = newState();
      if (collect) state.corrupt = [];
      const front = this.front({ bytes, length: bytes.length, fileId, index, file, ids });
      const record = this.record(bytes, state, trimmed, front);
      yield { record, position, index, bytes, ...(corrupt && { corrupt: this.damaged(state) }) };
    }
  }

  /** Blanks of ASCII are no data either; `_corrupt_fields` has them, as it has with Cobrix. */
  private damaged({ corrupt = [] }: DecodeState): CorruptField[] {
    if (this.settings.encoding === 'ebcdic') return corrupt;
    return corrupt.filter(({ raw }) => raw.some((byte) => byte !== 0x20 && byte !== 0));
  }

  /** One record for each root segment, with the segments below it in arrays. */
  async *readTrees(
    records: AsyncIterable<RawRecord>,
    { fileId = 0, file, corrupt = false, onFiltered }: ReadOptions,
  ): AsyncGenerator<DecodedRecord> {
    const { settings } = this;
    let index = 0;
    let segments: Segment[] = [];
    let position = 0;
    const tree = (): DecodedRecord => {
      const state = newState();
      if (corrupt) state.corrupt = [];
      state.segments = segments;
      const [root] = segments as [Segment];
      const length = segments.reduce((sum, { bytes }) => sum + bytes.length, 0);
      const front = this.front({ bytes: root.bytes, length, fileId, index, file, ids: [] });
      const record = this.fields(root.bytes, state, [root.id], front);
      return { record, position, index, bytes: root.bytes, ...(corrupt && { corrupt: this.damaged(state) }) };
    };
    for await (const raw of records) {
      const id = (this.segmentId?.(raw.bytes) ?? '').trim();
      const isRoot = this.rootIds.has(id);
      if (isRoot) {
        if (segments.length > 0) yield tree();
        segments = [];
        position = raw.position;
      }
      const group = (settings.segmentGroups.get(id) ?? '').toUpperCase();
      if (isRoot || segments.length > 0) segments.push({ id, group, bytes: raw.bytes });
      if (segments.length === 0 || group === '') onFiltered?.(raw);
      index++;
    }
    if (segments.length > 0) yield tree();
  }

  /** Values of the columns that `frontColumns` names. */
  private front({ bytes, length, fileId, index, file, ids }: Front): Value[] {
    const { settings } = this;
    const values: Value[] = [];
    if (settings.generate_record_id) values.push(fileId, index, length);
    if (settings.generate_record_bytes) values.push(bytes.slice());
    if (settings.with_input_file_name_col !== '') values.push(file ?? null);
    values.push(...ids);
    return values;
  }
}

interface Front {
  bytes: Uint8Array;
  length: number;
  fileId: number;
  index: number;
  file: string | undefined;
  ids: (string | null)[];
}

/** The default prefix of segment ids: when reading began. */
const startOfRun = (): string => new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14);
