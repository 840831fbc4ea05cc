import type { FieldType, LayoutNode, NumberType } from './layout.js';

/** What a field is, for people: `S9(5)V99 packed`, `X(10)`, `group`. */
export function describeType(node: LayoutNode): string {
  if (node.kind === 'group')
    return node.segmentIds ? `group of segment ${node.segmentIds.join(',')}` : 'group';
  return [node.picture, usage(node.type)].filter((part) => part !== '').join(' ');
}

function usage(type: FieldType): string {
  if (type.kind === 'text')
    return type.encoding.startsWith('utf16')
      ? 'national'
      : type.codePage === undefined
        ? ''
        : `in ${type.codePage}`;
  return type.kind === 'number' ? number(type) : type.kind;
}

function number({ usage: kind, littleEndian, separateSign, signPosition, signed }: NumberType): string {
  if (kind === 'display') return signed ? `sign ${signPosition}${separateSign ? ' separate' : ''}` : '';
  return kind === 'binary' && littleEndian ? 'binary little-endian' : kind;
}
