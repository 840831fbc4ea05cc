import type { RawCopybookOptions } from '../../schemas/copybook.js';
import { generateDecoder, type GeneratedDecoder } from './decode/generate.js';
import { newState, type CorruptField, type DecodeState, type Row, type Segment } from './decode/runtime.js';
import { Decimal } from './decimal.js';
import { compileFrame, findField, type Frame, type FrameOptions } from './frame.js';
import { layOut } from './lay-out.js';
import { nodes, type Layout } from './layout.js';
import { parseCopybooks, type CopybookSource } from './parse/parse.js';
import type { ByteSource } from './records/byte-reader.js';
import type { RawRecord } from './records/raw-record.js';
import { recordColumns, type Column } from './schema.js';
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
}): CompiledCopybook {
  const settings = readSettings(input.options ?? {});
  const layout = layOut(parseCopybooks(input.copybooks, settings), settings);
  const hierarchical = isHierarchical(layout.root);
  const dynamic = settings.variableOccurs !== 'maximum' && layout.variable;
  const decoder = generateDecoder(layout, settings, { dynamic, hierarchical });
  const records = new Records(layout, settings, decoder);
  const frame = compileFrame(layout, settings, decoder.reader, (bytes) => records.measure(bytes));
  return {
    layout,
    settings,
    columns: recordColumns(layout, settings),
    source: decoder.source,
    decode: (bytes) => records.body(bytes, newState()),
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
    private readonly layout: Layout,
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

  /** The fields of a record, without generated columns. */
  body(bytes: Uint8Array, given: DecodeState, segment?: string): Row {
    const { settings } = this;
    const state = given;
    const start = settings.record_start_offset;
    if (settings.segmentGroups.size > 0) {
      const id = segment ?? this.segmentId?.(bytes)?.trim() ?? '';
      state.segment = (settings.segmentGroups.get(id) ?? '').toUpperCase();
    }
    return this.roots(bytes, start, state, []);
  }

  private roots(bytes: Uint8Array, start: number, given: DecodeState, parents: string[]): Row {
    const state = given;
    const { layout, settings, decoder } = this;
    state.start = start;
    decoder.prepare(bytes, start, bytes.length, state);
    const dynamic = settings.variableOccurs !== 'maximum' && layout.variable;
    const keep = settings.schema_retention_policy === 'keep_original' && !layout.flat;
    const { roots } = decoder;
    const [only] = roots;
    if (roots.length === 1 && only && !keep)
      return only.read(bytes, start + only.group.offset, bytes.length, state, 0, parents);
    const row: Row = {};
    let at = start;
    for (const { group, read } of roots) {
      if (group.filler || group.parentSegment !== undefined) continue;
      const offset = dynamic ? at : start + group.offset;
      const values = read(bytes, offset, bytes.length, state, 0, parents);
      if (!group.redefined) at = dynamic ? state.at : at;
      if (keep) row[group.name] = values;
      else Object.assign(row, values);
    }
    return row;
  }

  /** Bytes that a record with variable arrays takes. */
  measure(bytes: Uint8Array): number {
    const state = newState();
    this.roots(bytes, this.settings.record_start_offset, state, []);
    return state.at;
  }

  async *read(
    records: AsyncIterable<RawRecord>,
    { fileId = 0, file, corrupt = false }: ReadOptions,
  ): AsyncGenerator<DecodedRecord> {
    const { settings, segmentId } = this;
    const collect = corrupt || settings.generate_corrupt_fields;
    const levels =
      settings.segmentLevels.length > 0
        ? new SegmentIds(settings.segmentLevels, settings.segment_id_prefix ?? startOfRun(), fileId)
        : undefined;
    let index = -1;
    for await (const { bytes, position } of records) {
      index++;
      const id = segmentId?.(bytes) ?? '';
      // the plain reader of Cobrix compares segment ids untrimmed
      const trimmed = id.trim();
      const ids = levels?.next(trimmed, index) ?? [];
      if (levels && ids[0] === null) continue;
      if (
        segmentId &&
        settings.segmentFilter &&
        !settings.segmentFilter.includes(settings.plain ? id : trimmed)
      )
        continue;
      const state = newState();
      if (collect) state.corrupt = [];
      const body = this.body(bytes, state, trimmed);
      const record = this.generated(body, { bytes, length: bytes.length, fileId, index, file, ids });
      if (settings.generate_corrupt_fields) {
        record['_corrupt_fields'] = (state.corrupt ?? []).map(({ field, raw }) => ({
          field_name: field,
          raw_value: settings.binary_as_hex ? Buffer.from(raw).toString('hex').toUpperCase() : raw,
        }));
      }
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
    { fileId = 0, file, corrupt = false }: ReadOptions,
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
      const body = this.roots(root.bytes, settings.record_start_offset, state, [root.id]);
      const length = segments.reduce((sum, { bytes }) => sum + bytes.length, 0);
      const record = this.generated(body, { bytes: root.bytes, length, fileId, index, file, ids: [] });
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
      if (isRoot || segments.length > 0) {
        segments.push({ id, group: (settings.segmentGroups.get(id) ?? '').toUpperCase(), bytes: raw.bytes });
      }
      index++;
    }
    if (segments.length > 0) yield tree();
  }

  private generated(
    body: Row,
    from: {
      bytes: Uint8Array;
      length: number;
      fileId: number;
      index: number;
      file: string | undefined;
      ids: (string | null)[];
    },
  ): Row {
    const { settings } = this;
    const front: Row = {};
    if (settings.generate_record_id) {
      front['File_Id'] = from.fileId;
      front['Record_Id'] = from.index;
      front['Record_Byte_Length'] = from.length;
    }
    if (settings.generate_record_bytes) front['Record_Bytes'] = from.bytes.slice();
    if (settings.with_input_file_name_col !== '')
      front[settings.with_input_file_name_col] = from.file ?? null;
    for (const [level, id] of from.ids.entries()) front[`Seg_Id${level}`] = id;
    return { ...front, ...body };
  }
}

/** The default prefix of segment ids: when reading began. */
const startOfRun = (): string => new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14);
