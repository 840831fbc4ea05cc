import type { Column } from '../../../schemas/column.js';
import type { BronzeSchema } from '../../../schemas/lake.js';
import { MillraceError } from '../../../schemas/errors.js';
import type { DateRule } from '../../copybook/date-format.js';
import type { Column as ColumnSpec } from '../../copybook/schema.js';
import { bronzeType } from './column-types.js';

type Declared = Record<string, Column>;

/**
 * The columns whose numbers or texts are declared to mean dates: those with formats.
 * @throws MillraceError ProjectInvalid for formats or nulls where a copybook has no use for them
 */
export function declaredDates(columns: Declared = {}): Record<string, DateRule> {
  return Object.fromEntries(
    Object.entries(columns).flatMap(([name, column]): [string, DateRule][] => {
      if (typeof column === 'string' || (!column.formats && !column.nulls)) return [];
      const { type, formats, nulls = [] } = column;
      if (formats && (type === 'date' || type === 'timestamp'))
        return [[name, { type, formats, nulls: nulls.map(String) }]];
      throw new MillraceError('ProjectInvalid', {
        what: `Column ${name}: formats and nulls are for columns of type date and timestamp, with both a type and formats`,
        fix: "Write { type: 'date', formats: ['CYYMMDD'], nulls: [0] }; other types come from the copybook",
      });
    }),
  );
}

/** Moments of journals are in a time zone. */
export const incomingType = ({ name, type }: ColumnSpec): string =>
  name === '_changed_at' && type.kind === 'timestamp' ? 'timestamptz' : bronzeType(type);

/**
 * The copybook declares all columns already, so a stream need only name those that it wants otherwise. Fields in groups
 * (`group.field`) are part of their group's type.
 */
export function withUndeclared(columns: Declared, incoming: BronzeSchema): Declared {
  const said = new Map(
    Object.entries(columns).map(([name, column]) => [name.toLowerCase(), { name, column }]),
  );
  const groups = incoming
    .filter(({ type }) => /^STRUCT\(|\]$/.test(type))
    .map(({ name }) => name.toLowerCase());
  const all = incoming.map(({ name, type }): [string, Column] => {
    const mine = said.get(name.toLowerCase());
    said.delete(name.toLowerCase());
    return mine ? [mine.name, mine.column] : [name, type];
  });
  const others = [...said.values()].filter(
    ({ name }) => !groups.includes(name.split('.')[0]?.toLowerCase() ?? ''),
  );
  return Object.fromEntries([...all, ...others.map(({ name, column }): [string, Column] => [name, column])]);
}
