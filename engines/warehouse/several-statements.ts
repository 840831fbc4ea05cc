import { MillraceError } from '../../schemas/errors.js';

export const severalStatements = (): MillraceError =>
  new MillraceError('SqlError', {
    what: 'The query holds several statements, and none of them was run',
    fix: 'Write one statement: look for a semicolon, or a bracket that closes too early',
  });
