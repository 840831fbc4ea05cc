import type { Group, Layout, LayoutNode, NumberType } from './layout.js';
import type { CopybookSettings } from './settings.js';
import type { Precision } from './decimal.js';

/** Type of an output column. */
export type ColumnType =
  | { kind: 'int32' | 'int64' | 'float32' | 'float64' | 'text' | 'bytes' }
  /** days or microseconds since 1970 */
  | { kind: 'date' | 'timestamp' }
  | ({ kind: 'decimal' } & Precision)
  | { kind: 'struct'; fields: Column[] }
  | { kind: 'list'; element: ColumnType };

export interface Column {
  name: string;
  type: ColumnType;
}

/** Digits and decimals of a decimal number after P: `PPP9(5)` has 8 decimals, `9(5)PPP` eight digits and none. */
export function precisionOf({ digits, scale, scaleFactor }: NumberType): Precision {
  const precision = digits + Math.abs(scaleFactor);
  return { precision, scale: scaleFactor > 0 ? 0 : scaleFactor < 0 ? precision : scale };
}

/** A number without point and P. */
export const isWhole = ({ usage, scale, scaleFactor, explicitPoint }: NumberType): boolean =>
  usage !== 'float' && usage !== 'double' && scale === 0 && scaleFactor === 0 && !explicitPoint;

/** The column that holds a number of this type. */
export function numberColumn(
  type: NumberType,
  settings: Pick<CopybookSettings, 'strict_integral_precision' | 'display_pic_always_string'>,
): ColumnType {
  if (type.usage === 'float') return { kind: 'float32' };
  if (type.usage === 'double') return { kind: 'float64' };
  if (!isWhole(type)) return { kind: 'decimal', ...precisionOf(type) };
  const { digits } = type;
  if (settings.display_pic_always_string && type.usage === 'display') return { kind: 'text' };
  if (settings.strict_integral_precision || digits > 18)
    return { kind: 'decimal', precision: digits, scale: 0 };
  // an unsigned binary number may use all its bits
  const unsignedBinary = type.usage === 'binary' && !type.signed;
  if (digits === 18 && unsignedBinary) return { kind: 'decimal', precision: 20, scale: 0 };
  return { kind: digits > 9 || (digits === 9 && unsignedBinary) ? 'int64' : 'int32' };
}

/** The columns of a record, in order, generated ones included. */
export function recordColumns(layout: Layout, settings: CopybookSettings): Column[] {
  const { root } = layout;
  const collapse = settings.schema_retention_policy === 'collapse_root' || layout.flat;
  const groups = layout.flat ? [root] : root.children.filter((node): node is Group => node.kind === 'group');
  const roots = groups.filter(({ parentSegment, filler }) => parentSegment === undefined && !filler);
  const segments = [...segmentGroups(root)];
  const body = roots.flatMap((group): Column[] => {
    const fields = groupColumns(group, segments, settings);
    return collapse ? fields : [{ name: group.name, type: { kind: 'struct', fields } }];
  });
  return [...frontColumns(settings), ...body, ...(settings.generate_corrupt_fields ? [CORRUPT] : [])];
}

/** The generated columns before the fields of a record. */
export function frontColumns(settings: CopybookSettings): Column[] {
  const text: ColumnType = { kind: 'text' };
  return [
    ...(settings.generate_record_id ? RECORD_ID : []),
    ...(settings.generate_record_bytes ? [{ name: 'Record_Bytes', type: { kind: 'bytes' } } as Column] : []),
    ...(settings.with_input_file_name_col !== ''
      ? [{ name: settings.with_input_file_name_col, type: text }]
      : []),
    ...settings.segmentLevels.map((_, level): Column => ({ name: `Seg_Id${level}`, type: text })),
  ];
}

const RECORD_ID: Column[] = [
  { name: 'File_Id', type: { kind: 'int32' } },
  { name: 'Record_Id', type: { kind: 'int64' } },
  { name: 'Record_Byte_Length', type: { kind: 'int32' } },
];

const CORRUPT: Column = {
  name: '_corrupt_fields',
  type: {
    kind: 'list',
    element: {
      kind: 'struct',
      fields: [
        { name: 'field_name', type: { kind: 'text' } },
        { name: 'raw_value', type: { kind: 'bytes' } },
      ],
    },
  },
};

function* segmentGroups(group: Group): Generator<Group> {
  for (const node of group.children) {
    if (node.kind !== 'group') continue;
    if (node.segmentIds) yield node;
    yield* segmentGroups(node);
  }
}

function groupColumns(group: Group, segments: Group[], settings: CopybookSettings): Column[] {
  const own = group.children
    .filter((node) => !node.filler && !(node.kind === 'group' && node.parentSegment !== undefined))
    .map((node) => ({ name: node.name, type: nodeType(node, segments, settings) }));
  const children = segments
    .filter(({ parentSegment }) => parentSegment !== undefined && parentSegment === group.name)
    .map((child): Column => ({
      name: child.name,
      type: { kind: 'list', element: { kind: 'struct', fields: groupColumns(child, segments, settings) } },
    }));
  return [...own, ...children];
}

function nodeType(node: LayoutNode, segments: Group[], settings: CopybookSettings): ColumnType {
  let type: ColumnType;
  if (node.kind === 'group') type = { kind: 'struct', fields: groupColumns(node, segments, settings) };
  else if (node.date) type = { kind: node.date.type };
  else if (node.type.kind === 'number') type = numberColumn(node.type, settings);
  else if (node.type.kind === 'bytes') type = { kind: settings.binary_as_hex ? 'text' : 'bytes' };
  else type = { kind: 'text' };
  return node.occurs ? { kind: 'list', element: type } : type;
}
