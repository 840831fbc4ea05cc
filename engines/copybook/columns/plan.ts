import type { Field, Group, Layout, LayoutNode } from '../layout.js';
import { findField } from '../frame.js';
import type { CopybookSettings } from '../settings.js';
import { Column, INLINE } from './column.js';
import { copybookColumns } from './generated-columns.js';

/** A field and the column it goes to. */
export interface Leaf {
  field: Field;
  /** dotted name from the root */
  path: string;
  column: Column;
  /** bytes from where the record, or the element of the list, begins */
  offset: number;
}

/** An array: its elements are rows of a domain of their own. */
export interface ListPlan {
  column: Column;
  elements: Domain;
  offset: number;
  /** bytes from one element to the next */
  stride: number;
  min: number;
  max: number;
  dependingOn?: {
    field: Field;
    offset: number;
    ofRecord: boolean;
    mapping?: Record<string, number> | undefined;
  };
}

/** A group that only records of some segments have. */
export interface SegmentPlan {
  /** columns that are null in other records */
  columns: Column[];
  members: Domain;
  ids: string[];
}

/** Rows that are decoded alike: the records, the elements of an array, the records of a segment. */
export interface Domain {
  /** offset, in the layout, of what its offsets are relative to */
  base: number;
  /** rows at most in a batch */
  capacity: number;
  leaves: Leaf[];
  lists: ListPlan[];
  segments: SegmentPlan[];
  /** of a segment: its rows are some of those of the columns */
  sparse: boolean;
  /** of the records themselves */
  top: boolean;
}

export interface ColumnarPlan {
  columns: Column[];
  records: Domain;
  segmentField: Field | undefined;
  /** records at most in a batch */
  rows: number;
}

/** Bytes of records, and of their columns, that a batch may take. */
const BATCH_BYTES = 3 << 20;
const MOST_COLUMN_BYTES = 64 << 20;
const VECTOR = 2_048;

/** A plan, or the reason why records of this kind have to be decoded one by one. */
export function planColumns(
  layout: Layout,
  settings: CopybookSettings,
): { plan: ColumnarPlan } | { because: string } {
  const because = whyByRow(layout, settings);
  if (because !== undefined) return { because };
  const byLength = Math.floor(BATCH_BYTES / Math.max(1, layout.recordLength));
  const width = Math.max(1, columnBytes(layout.root));
  const rows = Math.max(1, Math.min(VECTOR, Math.max(16, byLength), Math.floor(MOST_COLUMN_BYTES / width)));
  try {
    return { plan: new Planner(settings, rows).plan(layout) };
  } catch (error) {
    if (error instanceof NotColumnar) return { because: error.message };
    throw error;
  }
}

class NotColumnar extends Error {}

/** Records that depend on others, or on more than their own bytes at fixed places. */
function whyByRow(layout: Layout, settings: CopybookSettings): string | undefined {
  if (settings.generate_corrupt_fields) return 'corrupt fields are listed';
  if (settings.with_input_file_name_col !== '') return 'the name of the file is a column';
  if (settings.segmentParents.size > 0) return 'records are put together of several segments';
  if (settings.redefineRules.size > 0) return 'a redefine-rule decides what is read';
  if (layout.variable && settings.variableOccurs !== 'maximum')
    return 'arrays take as much space as they have elements';
  return undefined;
}

function columnBytes(node: LayoutNode): number {
  if (node.filler) return 0;
  const times = node.occurs?.max ?? 1;
  if (node.kind === 'field') return times * (node.type.kind === 'number' ? 17 : 17 + 3 * node.length);
  return times * node.children.reduce((sum, child) => sum + columnBytes(child), 16);
}

interface TopNode {
  node: LayoutNode;
  /** the segments of a root group that was collapsed */
  segmentIds?: string[] | undefined;
}

/** What becomes columns, in their order: the parts of the root groups, or these themselves. */
function topNodes(layout: Layout, settings: CopybookSettings): TopNode[] {
  const own = ({ filler }: LayoutNode): boolean => !filler;
  if (layout.flat) return layout.root.children.filter(own).map((node) => ({ node }));
  const roots = layout.root.children.filter((node): node is Group => node.kind === 'group' && own(node));
  if (settings.schema_retention_policy !== 'collapse_root') return roots.map((node) => ({ node }));
  return roots.flatMap(({ children, segmentIds }) =>
    children.filter(own).map((node): TopNode => ({ node, segmentIds })),
  );
}

class Planner {
  private readonly records: Domain;
  /** domain and origin of each field that was passed */
  private readonly seen = new Map<string, { field: Field; domain: Domain }>();

  constructor(
    private readonly settings: CopybookSettings,
    rows: number,
  ) {
    this.records = { ...newDomain(0, rows, false), top: true };
  }

  plan(layout: Layout): ColumnarPlan {
    const { records } = this;
    const segments = new Map<string, Domain>();
    const types = copybookColumns(layout, this.settings);
    const columns = topNodes(layout, this.settings).map(({ node, segmentIds }, index) => {
      const type = types[index];
      if (type?.name !== node.name) throw new NotColumnar(`${node.name} is not where its column is`);
      const column = new Column(node.name, type.type, records.capacity);
      if (segmentIds === undefined) this.add(node, column, records, '');
      else {
        const key = segmentIds.join();
        const members = segments.get(key) ?? this.segment(records, segmentIds);
        segments.set(key, members);
        records.segments.find((one) => one.members === members)?.columns.push(column);
        this.add(node, column, members, '');
      }
      return column;
    });
    for (const node of layout.root.children) this.noteFillers(node);
    const segmentField = this.segmentField(layout);
    if (records.segments.length > 0 && !segmentField) throw new NotColumnar('segments have no id');
    return { columns, records, segmentField, rows: records.capacity };
  }

  private segmentField(layout: Layout): Field | undefined {
    const name = this.settings.segment_field;
    if (name === undefined) return undefined;
    const field = findField(layout, 'segment_field', name);
    const seen = this.seen.get(field.name.toUpperCase());
    if (seen?.field !== field || seen.domain !== this.records) {
      throw new NotColumnar('the segment field has no fixed place');
    }
    return field;
  }

  private segment(parent: Domain, ids: string[]): Domain {
    const members = newDomain(parent.base, parent.capacity, true);
    parent.segments.push({ columns: [], members, ids });
    return members;
  }

  /** Adds a node whose values go to rows of `domain`. */
  private add(node: LayoutNode, column: Column, domain: Domain, prefix: string): void {
    const path = `${prefix}${node.name}`;
    if (node.kind === 'group' && node.segmentIds) {
      if (node.occurs || domain !== this.records)
        throw new NotColumnar(`${path} is a segment inside an array`);
      const members = this.segment(domain, node.segmentIds);
      domain.segments.at(-1)?.columns.push(column);
      return this.addParts(node, column, members, path);
    }
    if (!node.occurs) return this.addElement(node, column, domain, path);
    const { min, max, dependingOn, mapping } = node.occurs;
    const elements = newDomain(node.offset, domain.capacity * max, false);
    const [child] = column.children;
    if (!child) return;
    child.reserve(elements.capacity);
    const depending = dependingOn === undefined ? undefined : this.dependee(dependingOn, domain, path);
    domain.lists.push({
      ...{ column, elements, offset: node.offset - domain.base, stride: node.length, min, max },
      ...(depending && { dependingOn: { ...depending, mapping } }),
    });
    this.addElement(node, child, elements, path);
  }

  private addElement(node: LayoutNode, column: Column, domain: Domain, path: string): void {
    if (node.kind === 'group') return this.addParts(node, column, domain, path);
    if (!this.seen.has(node.name.toUpperCase()))
      this.seen.set(node.name.toUpperCase(), { field: node, domain });
    if (column.storage === 'text' || column.storage === 'bytes') {
      // what is short enough for the vector itself only passes through
      column.heap = new Uint8Array(3 * node.length * (3 * node.length > INLINE ? domain.capacity : 1));
    }
    domain.leaves.push({ field: node, path, column, offset: node.offset - domain.base });
  }

  private addParts(group: Group, column: Column, domain: Domain, path: string): void {
    const parts = group.children.filter(({ filler }) => !filler);
    parts.forEach((part, index) => {
      const child = column.children[index];
      if (child) this.add(part, child, domain, `${path}.`);
    });
  }

  private dependee(
    name: string,
    domain: Domain,
    path: string,
  ): { field: Field; offset: number; ofRecord: boolean } {
    const found = this.seen.get(name.toUpperCase());
    if (!found) throw new NotColumnar(`${path} depends on a field that is left out`);
    const ofRecord = found.domain === this.records;
    if (!ofRecord && found.domain !== domain)
      throw new NotColumnar(`${path} depends on a field of another array`);
    return { field: found.field, offset: found.field.offset - found.domain.base, ofRecord };
  }

  /** A segment field may be left out of the columns. */
  private noteFillers(node: LayoutNode): void {
    if (node.occurs) return;
    if (node.kind === 'group') for (const child of node.children) this.noteFillers(child);
    else if (!this.seen.has(node.name.toUpperCase())) {
      this.seen.set(node.name.toUpperCase(), { field: node, domain: this.records });
    }
  }
}

const newDomain = (base: number, capacity: number, sparse: boolean): Domain => ({
  ...{ base, capacity, sparse },
  ...{ leaves: [], lists: [], segments: [], top: false },
});
