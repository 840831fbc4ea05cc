import type { DateRule } from './date-format.js';

/**
 * The typed tree of a record: what each field is, and where. Built once by `layOut`, read by every decoder.
 * Offsets and sizes are bytes from the start of the record, with variable arrays at their maximum.
 */

export type NumberUsage =
  /** one character a digit, in the charset of the data */
  | 'display'
  /** two's complement: COMP, COMP-4, COMP-5, COMP-9 (little-endian), BINARY, INDEX, POINTER */
  | 'binary'
  /** COMP-3: two digits a byte, the last half a sign */
  | 'packed'
  /** COMP-3U: two digits a byte, no sign */
  | 'unsigned-packed'
  /** COMP-1, 32 bits */
  | 'float'
  /** COMP-2, 64 bits */
  | 'double'
  /** PIC 9 in UTF-16 */
  | 'national';

export interface NumberType {
  kind: 'number';
  usage: NumberUsage;
  /** digits of the picture: 9s and Zs on both sides of the point, without P */
  digits: number;
  /** digits right of the point, V or explicit */
  scale: number;
  /** P positions: above zero that many zeros follow the digits, below zero they stand between point and digits */
  scaleFactor: number;
  signed: boolean;
  signPosition: 'leading' | 'trailing';
  /** the sign is a character of its own */
  separateSign: boolean;
  /** the point is a character of the data */
  explicitPoint: boolean;
  /** other editing characters stand between the digits: `ZZZ,ZZ9.99`, `$`, `*`, `CR` */
  edited: boolean;
  littleEndian: boolean;
}

export type TextEncoding = 'ebcdic' | 'ascii' | 'utf16be' | 'utf16le';

export type FieldType =
  | {
      kind: 'text';
      encoding: TextEncoding;
      /** EBCDIC code page of this field, when it is not that of the file */
      codePage?: string;
    }
  | NumberType
  /** raw bytes: PIC X COMP, and debug fields of kind `raw` */
  | { kind: 'bytes' }
  /** the bytes as upper-case hex: debug fields */
  | { kind: 'hex' }
  /** the bytes as they stand, without trimming: debug fields of kind `string` */
  | { kind: 'verbatim' };

export interface Occurs {
  min: number;
  max: number;
  /** name of the field that says how many elements there are */
  dependingOn?: string;
  /** `occurs_mappings`: elements for each value of that field */
  mapping?: Record<string, number>;
}

interface NodeBase {
  /** as in records: `-` became `_` */
  name: string;
  level: number;
  /** where it stands in its copybook */
  file: string;
  line: number;
  column: number;
  /** of the first element */
  offset: number;
  /** of one element */
  length: number;
  /** space in the record: all elements, and never less than what shares its place by REDEFINES */
  size: number;
  occurs?: Occurs;
  /** name of the field whose place this one shares */
  redefines?: string;
  /** another field, after this one, shares its place */
  redefined: boolean;
  /** takes space, and is left out of the record */
  filler: boolean;
  /** JavaScript-free condition of `redefine-rule`: only records that meet it have the field */
  rule?: string;
}

export interface Field extends NodeBase {
  kind: 'field';
  type: FieldType;
  /** the picture as written; empty for COMP-1, COMP-2, INDEX and POINTER */
  picture: string;
  /** an array depends on it */
  dependee: boolean;
  /** its values are declared to mean dates */
  date?: DateRule;
}

export interface Group extends NodeBase {
  kind: 'group';
  children: LayoutNode[];
  /** `redefine-segment-id-map`: only records with one of these segment ids have it */
  segmentIds?: string[];
  /** `segment-children`: the segment group whose array this one becomes */
  parentSegment?: string;
}

export type LayoutNode = Field | Group;

export interface Layout {
  /** unnamed; its children are the level-01 records, or the fields of a copybook that has no root */
  root: Group;
  /** the copybook has fields, not groups, at its top */
  flat: boolean;
  /** space of a record with all arrays at their maximum */
  recordLength: number;
  /** some array depends on a field */
  variable: boolean;
  /** bytes of the file's header and trailer, where the copybook describes them (`record_header_name`) */
  headerLength: number;
  trailerLength: number;
}

/** Every node in order, parents before children. */
export function* nodes(group: Group): Generator<LayoutNode> {
  for (const child of group.children) {
    yield child;
    if (child.kind === 'group') yield* nodes(child);
  }
}

/** Every elementary field in order. */
export function* fields(group: Group): Generator<Field> {
  for (const node of nodes(group)) if (node.kind === 'field') yield node;
}
