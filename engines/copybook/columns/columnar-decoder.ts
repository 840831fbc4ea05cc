import type { Layout } from '../layout.js';
import type { CopybookSettings } from '../settings.js';
import type { BadRecord, DecodedBatch, RecordBatch, Rows } from './batch.js';
import type { Column } from './column.js';
import { RUNTIME } from '../decode/runtime.js';
import { generateSteps, type LeafCode, type PutAny, type Step } from './generate.js';
import { planColumns, type ColumnarPlan, type Domain, type Leaf, type ListPlan } from './plan.js';
import { GeneratedColumns } from './generated-columns.js';
import { putValue } from './put-value.js';
import type { Decimal } from '../decimal.js';
import { describeFault } from './describe-fault.js';
import { fieldDecoder } from './field-decoder.js';
import { textDecoder } from './text.js';

export interface ColumnarDecoder {
  /** values of the batch that was decoded last */
  columns: Column[];
  /** records at most in a batch */
  rows: number;
  /** whether what it says of a record depends on the records before it */
  stateful: boolean;
  /** Decodes the next batch into `columns`. */
  decode(batch: RecordBatch): DecodedBatch;
}

interface Runner {
  domain: Domain;
  rows: Rows;
  steps: Step[];
  lists: {
    plan: ListPlan;
    elements: Runner;
    count: (bytes: Uint8Array, rows: Rows, index: number) => number;
  }[];
  segments: { columns: Column[]; members: Runner; index: number }[];
}

const MOST_FAULTS = 3;

/**
 * Compiles a layout into functions that decode 2,048 records at a time into columns: what most records hold by
 * generated code, what is unusual by the same rules as the row decoder.
 * @returns the reason instead, where records have to be decoded one by one
 */
export function columnarDecoder(
  layout: Layout,
  settings: CopybookSettings,
): ColumnarDecoder | { because: string } {
  const planned = planColumns(layout, settings);
  return 'because' in planned ? planned : new Decoder(planned.plan, layout, settings);
}

class Decoder implements ColumnarDecoder {
  readonly columns: Column[];
  readonly rows: number;
  private readonly root: Runner;
  /** records may be shorter than the layout */
  private readonly short: boolean;
  readonly stateful: boolean;
  private readonly segmentId: ((bytes: Uint8Array, offset: number, end: number) => string) | undefined;
  private readonly segmentIndex: Map<string, number>;
  private readonly generated: GeneratedColumns;
  /** where the records of the batch begin */
  private offsets: Int32Array = new Int32Array(0);
  private bad = new Map<number, BadRecord>();

  constructor(
    plan: ColumnarPlan,
    layout: Layout,
    private readonly settings: CopybookSettings,
  ) {
    const { recordFormat, record_length_field, record_length: given = layout.recordLength } = settings;
    const whole = recordFormat === 'F' && record_length_field === undefined && given >= layout.recordLength;
    this.short = !whole;
    this.rows = plan.rows;
    this.root = this.runner(plan.records);
    if (plan.segmentField) this.segmentId = this.segmentReader(plan.segmentField);
    this.segmentIndex = new Map(
      plan.records.segments.flatMap(({ ids }, n) => ids.map((id): [string, number] => [id, n])),
    );
    this.generated = new GeneratedColumns(layout, settings, plan.rows, this.segmentId);
    this.columns = [...this.generated.columns, ...plan.columns];
    this.stateful = settings.segmentLevels.length > 0;
  }

  decode(batch: RecordBatch): DecodedBatch {
    for (const column of this.columns) column.reset();
    this.bad = new Map();
    const { rows } = this.root;
    this.generated.choose(batch, rows);
    this.offsets = batch.offsets;
    this.run(this.root, batch.bytes);
    const { count, records } = rows;
    const filtered = batch.count - count;
    if (this.bad.size === 0) return { rows: count, records, bad: [], filtered };
    const all = Array.from({ length: count }, (_, row) => row);
    const kept = Int32Array.from(all.filter((row) => !this.bad.has(records[row] as number)));
    for (const column of this.columns) column.compact(kept);
    const bad = [...this.bad.values()].sort((a, b) => a.record - b.record);
    return { rows: kept.length, records: kept.map((row) => records[row] as number), bad, filtered };
  }

  private runner(domain: Domain): Runner {
    const { capacity } = domain;
    const own = {
      offsets: new Int32Array(capacity),
      ends: new Int32Array(capacity),
      records: new Int32Array(capacity),
    };
    const identity = Int32Array.from({ length: domain.top ? capacity : 0 }, (_, n) => n);
    const rows: Rows = {
      ...{ count: 0, ...own, own, identity },
      rows: domain.sparse ? new Int32Array(capacity) : undefined,
    };
    const codes = domain.leaves.map((leaf) => this.leafCode(leaf, rows));
    const { short } = this;
    return {
      domain,
      rows,
      steps: generateSteps(codes, { settings: this.settings, sparse: domain.sparse, short }),
      lists: domain.lists.map((plan) => ({
        plan,
        elements: this.runner(plan.elements),
        count: this.counter(plan),
      })),
      segments: domain.segments.map(({ columns, members }, index) => ({
        columns,
        members: this.runner(members),
        index,
      })),
    };
  }

  private leafCode(leaf: Leaf, rows: Rows): LeafCode {
    const { field, column } = leaf;
    const decode = fieldDecoder(field, this.settings);
    const ascii = this.settings.encoding === 'ascii';
    const checked = field.type.kind === 'number' || field.date !== undefined;
    const other: PutAny = (bytes, from, to, row, index) => {
      const end = rows.ends[index] as number;
      const value = decode(bytes, from, end);
      if (value === null || value === undefined) column.setNull(row);
      else if (putValue(column, row, value)) return;
      if (checked && value !== undefined && to <= end && !isBlank(bytes, from, to, ascii))
        this.fault(rows.records[index] as number, leaf, bytes, from);
    };
    const single =
      field.type.kind === 'text' && !field.date && field.type.encoding === this.settings.encoding;
    return {
      leaf,
      other,
      text: single && column.storage === 'text' ? textDecoder(column, field, this.settings) : undefined,
    };
  }

  private fault(record: number, { field, path }: Leaf, bytes: Uint8Array, from: number): void {
    const known = this.bad.get(record) ?? { record, faults: [] };
    this.bad.set(record, known);
    if (known.faults.length >= MOST_FAULTS) return;
    const { what, place } = describeFault(field, bytes, from, this.settings.encoding === 'ascii');
    known.faults.push({ text: `${path}: ${what}`, byte: from + place });
  }

  private run({ rows, steps, lists, segments }: Runner, bytes: Uint8Array): void {
    for (const step of steps) step(bytes, rows);
    for (const { plan, elements, count } of lists) this.runList(plan, elements, count, rows, bytes);
    if (segments.length > 0) this.runSegments(segments, rows, bytes);
  }

  private runList(
    { column, offset, stride }: ListPlan,
    elements: Runner,
    countOf: Runner['lists'][number]['count'],
    parents: Rows,
    bytes: Uint8Array,
  ): void {
    const { offsets, ends, records } = elements.rows;
    let total = 0;
    for (let index = 0; index < parents.count; index++) {
      const begin = (parents.offsets[index] as number) + offset;
      const end = parents.ends[index] as number;
      const count = countOf(bytes, parents, index);
      column.putEntry(parents.rows ? (parents.rows[index] as number) : index, total, count);
      for (let n = 0; n < count; n++, total++) {
        offsets[total] = begin + n * stride;
        ends[total] = end;
        records[total] = parents.records[index] as number;
      }
    }
    elements.rows.count = total;
    column.elements = total;
    this.run(elements, bytes);
  }

  private runSegments(
    segments: Runner['segments'],
    { count, offsets, ends, records }: Rows,
    bytes: Uint8Array,
  ): void {
    for (const { members } of segments) members.rows.count = 0;
    for (const { columns } of segments) for (const column of columns) column.setAllNull();
    for (let row = 0; row < count; row++) {
      const [offset, end] = [offsets[row] as number, ends[row] as number];
      const id = this.segmentId?.(bytes, offset, end).trim() ?? '';
      const found = segments[this.segmentIndex.get(id) ?? -1];
      if (!found) continue;
      const { rows } = found.members;
      const at = rows.count++;
      rows.offsets[at] = offset;
      rows.ends[at] = end;
      rows.records[at] = records[row] as number;
      if (rows.rows) rows.rows[at] = row;
      for (const column of found.columns) column.setPresent(row);
    }
    for (const { members } of segments) this.run(members, bytes);
  }

  /** How many elements an array has: all of them, or what the field says that it depends on, when that is possible. */
  private counter({ min, max, dependingOn }: ListPlan): Runner['lists'][number]['count'] {
    if (!dependingOn) return () => max;
    const { field, offset, ofRecord, mapping } = dependingOn;
    const decode = fieldDecoder(field, this.settings);
    return (bytes, rows, index) => {
      const base = ofRecord
        ? (this.offsets[rows.records[index] as number] as number)
        : (rows.offsets[index] as number);
      const from = base + offset;
      const value = decode(bytes, from, rows.ends[index] as number) as string | number | null;
      return RUNTIME.count(value, min, max, mapping);
    };
  }

  /** Reads the segment id of a record; those of one file are few, so each is decoded once. */
  private segmentReader(field: Leaf['field']): (bytes: Uint8Array, offset: number, end: number) => string {
    const decode = fieldDecoder(field, this.settings);
    const known = new Map<string, string>();
    return (bytes, offset, end) => {
      const from = offset + field.offset;
      const to = Math.min(from + field.length, end);
      const key =
        from < to ? Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1') : '';
      const seen = known.get(key);
      if (seen !== undefined) return seen;
      const value = decode(bytes, from, end) as string | number | Decimal | null;
      const id = value === null ? '' : String(value);
      if (known.size < 4_096) known.set(key, id);
      return id;
    };
  }
}

/** A field that holds only blanks or zeros has no value; that is no fault. */
function isBlank(bytes: Uint8Array, from: number, to: number, ascii: boolean): boolean {
  for (let n = from; n < to; n++) {
    const byte = bytes[n];
    if (byte !== 0 && byte !== 0x40 && !(ascii && byte === 0x20)) return false;
  }
  return true;
}
