import { MillraceError } from '../../schemas/errors.js';
import { didYouMean } from '../nearest.js';
import { dateReader, type DateRule } from './date-format.js';
import type { Field, Group, Layout } from './layout.js';

/**
 * Marks the fields whose values are declared to mean dates.
 * @param dates by column; a field in a group is `group.field`
 * @throws MillraceError ProjectInvalid for a field that is not there or cannot hold dates, or a format that is none
 */
export function declareDates({ root, flat }: Layout, dates: Record<string, DateRule>): void {
  const fields = [...paths(root, flat ? '' : undefined)];
  for (const [column, rule] of Object.entries(dates)) {
    const found = fields.filter(({ path }) => path.toLowerCase() === column.toLowerCase());
    if (found.length === 0) {
      const names = fields.map(({ path }) => path);
      throw invalid(
        column,
        'the copybook has no such field',
        didYouMean(column, names) || `It has ${names.join(', ')}`,
      );
    }
    dateReader(rule);
    for (const { field } of found) {
      const { type, picture } = field;
      const whole = type.kind === 'number' && type.scale === 0 && !['float', 'double'].includes(type.usage);
      if (!whole && type.kind !== 'text')
        throw invalid(
          column,
          `a field with the picture '${picture}' holds no dates`,
          'Declare another field',
        );
      field.date = rule;
    }
  }
}

/** Fields by their names in records, from which the root groups are left out. */
function* paths(group: Group, prefix: string | undefined): Generator<{ path: string; field: Field }> {
  for (const node of group.children) {
    const path = prefix === undefined ? '' : `${prefix}${node.name}`;
    if (node.kind === 'group') yield* paths(node, path === '' ? '' : `${path}.`);
    else if (prefix !== undefined && !node.filler) yield { path, field: node };
  }
}

const invalid = (column: string, what: string, fix: string): MillraceError =>
  new MillraceError('ProjectInvalid', { what: `Column ${column} of the stream: ${what}`, fix });
