import { didYouMean } from '../../nearest.js';
import { copybookInvalid, type Token } from './tokens.js';

export interface CopybookText {
  /** file name or path; `COPY NAME.` finds it by its name without folder and extension */
  name: string;
  tokens: Token[];
}

const stem = (name: string): string =>
  (name.split(/[/\\]/).pop() ?? name).replace(/\.[^.]*$/, '').toUpperCase();

/**
 * Puts the text of `COPY NAME [REPLACING ==a== BY ==b== …].` in its place. A copybook that another one copies is not
 * a record of its own any more.
 * @throws MillraceError CopybookInvalid for a name that was not given, or copybooks that copy each other in a circle
 */
export function expandCopies(copybooks: CopybookText[]): CopybookText[] {
  const library = new Map(copybooks.map((copybook) => [stem(copybook.name), copybook]));
  const copied = new Set<CopybookText>();
  const expand = ({ tokens }: CopybookText, within: CopybookText[]): Token[] => {
    const result: Token[] = [];
    for (let at = 0; at < tokens.length; at++) {
      const token = tokens[at] as Token;
      const starts = at === 0 || tokens[at - 1]?.kind === 'stop';
      if (token.upper !== 'COPY' || !starts) {
        result.push(token);
        continue;
      }
      const end = tokens.findIndex((other, index) => index > at && other.kind === 'stop');
      const [name, ...rest] = tokens.slice(at + 1, end < 0 ? undefined : end);
      if (!name || end < 0)
        throw copybookInvalid(token, 'COPY has no end', 'Expected COPY name and a full stop');
      const member = library.get(stem(name.text.replaceAll(/['"]/g, '')));
      if (!member) {
        const close = didYouMean(name.upper, library.keys());
        throw copybookInvalid(
          name,
          `COPY names '${name.text}', which is not among the copybooks`,
          `Give its file too. ${close}`.trimEnd(),
        );
      }
      if (within.includes(member)) {
        throw copybookInvalid(
          name,
          `'${name.text}' copies itself`,
          'Expected copybooks that do not copy each other in a circle',
        );
      }
      copied.add(member);
      result.push(...replaced(expand(member, [...within, member]), replacements(rest, token)));
      at = end;
    }
    return result;
  };
  const expanded = copybooks.map((copybook) => ({
    name: copybook.name,
    tokens: expand(copybook, [copybook]),
  }));
  return expanded.filter((_, index) => !copied.has(copybooks[index] as CopybookText));
}

/** `==:TAG:== BY ==CUSTOMER==` and `A BY B`. */
function replacements(words: Token[], place: Token): [string, string][] {
  const pairs: [string, string][] = [];
  let at = 0;
  const operand = (): string => {
    if (words[at]?.text !== '==') return words[at++]?.text ?? '';
    const end = words.findIndex((word, index) => index > at && word.text === '==');
    if (end < 0)
      throw copybookInvalid(place, 'A pseudo-text of REPLACING is not closed', 'Expected == at its end');
    const text = words
      .slice(at + 1, end)
      .map((word) => word.text)
      .join(' ');
    at = end + 1;
    return text;
  };
  while (at < words.length) {
    if (['REPLACING', 'SUPPRESS', 'LEADING', 'TRAILING'].includes(words[at]?.upper ?? '')) {
      at++;
      continue;
    }
    const from = operand();
    if (words[at]?.upper !== 'BY')
      throw copybookInvalid(
        words[at] ?? place,
        `REPLACING '${from}' has no BY`,
        'Expected REPLACING text BY text',
      );
    at++;
    pairs.push([from, operand()]);
  }
  return pairs;
}

function replaced(tokens: Token[], pairs: [string, string][]): Token[] {
  if (pairs.length === 0) return tokens;
  return tokens.map((token) => {
    if (token.kind !== 'word') return token;
    let { text } = token;
    for (const [from, to] of pairs) {
      if (from.startsWith(':') && from.endsWith(':')) text = text.replaceAll(from, to);
      else if (text.toUpperCase() === from.toUpperCase()) text = to;
    }
    return text === token.text ? token : { ...token, text, upper: text.toUpperCase() };
  });
}
