import { recordColumns, type Column as NamedColumn } from '../schema.js';
import { SegmentIds } from '../segment-ids.js';
import type { Layout } from '../layout.js';
import type { CopybookSettings } from '../settings.js';
import type { RecordBatch, Rows } from './batch.js';
import { Column } from './column.js';

/** Bytes of the largest records, for a start: the column grows. */
const HEAP_BYTES = 1 << 16;

/** How many columns stand before those of the copybook. */
const generatedCount = (settings: CopybookSettings): number =>
  (settings.generate_record_id ? 3 : 0) +
  (settings.generate_record_bytes ? 1 : 0) +
  settings.segmentLevels.length;

/** The columns of the copybook itself. */
export const copybookColumns = (layout: Layout, settings: CopybookSettings): NamedColumn[] =>
  recordColumns(layout, settings).slice(generatedCount(settings));

/**
 * What is decided of a record before its fields are read: whether it is a row at all (`segment_filter`, levels of
 * segments), and the values of the columns that no field has: numbers, bytes and segment ids.
 */
export class GeneratedColumns {
  readonly columns: Column[];
  private readonly levels: SegmentIds | undefined;

  /** @param segmentId the segment id in a record, not trimmed */
  constructor(
    layout: Layout,
    private readonly settings: CopybookSettings,
    rows: number,
    private readonly segmentId: ((bytes: Uint8Array, offset: number, end: number) => string) | undefined,
  ) {
    const front = recordColumns(layout, settings).slice(0, generatedCount(settings));
    this.columns = front.map(({ name, type }) => new Column(name, type, rows, HEAP_BYTES));
    const { segmentLevels, segment_id_prefix: prefix = '' } = settings;
    if (segmentLevels.length > 0) this.levels = new SegmentIds(segmentLevels, prefix, 0);
  }

  /** Fills `rows` with the records that are rows, and the generated columns of these. */
  choose({ bytes, count, offsets, ends, firstRecord = 1 }: RecordBatch, given: Rows): void {
    const rows = given;
    const { columns, levels, settings, segmentId } = this;
    const { segmentFilter: filter } = settings;
    rows.offsets = offsets;
    rows.ends = ends;
    rows.count = count;
    rows.records = rows.identity;
    if (columns.length === 0 && (!filter || !segmentId)) return;
    rows.offsets = rows.own.offsets;
    rows.ends = rows.own.ends;
    rows.records = rows.own.records;
    rows.count = 0;
    for (let n = 0; n < count; n++) {
      const [offset, end] = [offsets[n] as number, ends[n] as number];
      const index = firstRecord - 1 + n;
      const id = segmentId?.(bytes, offset, end) ?? '';
      const ids = levels?.next(id.trim(), index) ?? [];
      if (levels && ids[0] === null) continue;
      if (filter && segmentId && !filter.includes(settings.plain ? id : id.trim())) continue;
      const row = rows.count++;
      rows.offsets[row] = offset;
      rows.ends[row] = end;
      rows.records[row] = n;
      this.put(row, index, bytes.subarray(offset - settings.record_start_offset, end), ids);
    }
  }

  private put(row: number, index: number, record: Uint8Array, ids: (string | null)[]): void {
    const { columns, settings } = this;
    let next = 0;
    if (settings.generate_record_id) {
      (columns[next++] as Column).words[row] = 0;
      const numbers = columns[next++] as Column;
      numbers.words[2 * row] = index | 0;
      numbers.words[2 * row + 1] = Math.floor(index / 2 ** 32);
      (columns[next++] as Column).words[row] = record.length;
    }
    if (settings.generate_record_bytes) (columns[next++] as Column).putBytes(row, record);
    for (const id of ids) {
      const column = columns[next++] as Column;
      if (id === null) column.setNull(row);
      else column.putText(row, id);
    }
  }
}
