import { MillraceError } from '../../schemas/errors.js';
import type { Feature } from '../../schemas/train.js';
import { quoteIdent } from '../warehouse/port.js';
import type { Dataset } from './dataset.js';
import { kindOf } from './encoder.js';

/** @throws MillraceError SchemaMismatch naming each column that is of another kind than in training */
export function requireKinds({ columns }: Dataset, features: Feature[]): void {
  const wrong = features.flatMap(({ name, kind, type }) => {
    const found = columns.find((column) => column.name === name);
    return found && kindOf(found) !== kind ? [`${quoteIdent(name)} is ${found.type} and was ${type}`] : [];
  });
  if (wrong.length === 0) return;
  throw new MillraceError('SchemaMismatch', {
    what: `columns changed their kind since training: ${wrong.join(', ')}`,
    fix: 'Cast them in the model, or train and promote a version on the new types',
  });
}
