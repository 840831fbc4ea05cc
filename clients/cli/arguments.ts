import { MillraceError } from '../../schemas/errors.js';

/** A whole number from 1, as typed. @throws MillraceError ProjectInvalid naming the option */
export function positive(text: string, option: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new MillraceError('ProjectInvalid', {
    what: `${option} is '${text}'`,
    fix: `Write a whole number from 1: ${option} 20`,
  });
}
