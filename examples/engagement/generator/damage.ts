import type { Random } from './random.js';

export const DAMAGES = [
  'tooFew',
  'tooMany',
  'lettersInNumber',
  'impossibleDate',
  'wrongEncoding',
  'openQuote',
  'cutOff',
] as const;
export type Damage = (typeof DAMAGES)[number];

/** Where the damaged fields are; the same places in both headers. */
const NAME = 1;
const SIGNUP = 4;
const SESSIONS_28D = { web: 13, store: 12 } as const;

/**
 * Breaks a record the way a transfer or a careless export does. Each costs one line of the file, and none can be read
 * as a value or as a missing one.
 *
 * @param fields the intact record
 * @returns the line without its break; `foreign` when it must be written as Latin-1 whatever the file's encoding is
 */
export function damage(
  kind: Damage,
  system: 'web' | 'store',
  fields: readonly string[],
  random: Random,
): { line: string; foreign: boolean } {
  const delimiter = system === 'web' ? ',' : ';';
  const broken = [...fields];
  let foreign = false;
  switch (kind) {
    case 'tooFew':
      broken.splice(7, 1 + random.below(6));
      break;
    case 'tooMany': // a delimiter within a name that nobody quoted
      broken.splice(NAME, 1, fields[NAME] as string, 'Dr.');
      break;
    case 'lettersInNumber':
      broken[SESSIONS_28D[system]] = `${random.below(9)}O`;
      break;
    case 'impossibleDate':
      broken[SIGNUP] = system === 'web' ? '2024-02-31' : '31/02/2024';
      break;
    case 'wrongEncoding': // Latin-1 bytes within the UTF-8 file
      broken[NAME] = 'José Muñoz';
      foreign = true;
      break;
    case 'openQuote':
      broken[NAME] = `"${fields[NAME] as string}`;
      break;
    case 'cutOff': {
      const line = broken.join(delimiter);
      return { line: line.slice(0, 30 + random.below(Math.floor(line.length / 2) - 30)), foreign };
    }
  }
  return { line: broken.join(delimiter), foreign };
}
