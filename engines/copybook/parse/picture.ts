import type { Place } from './tokens.js';
import { copybookInvalid } from './tokens.js';

/** What a picture says, before USAGE and SIGN have their say. */
export type Picture =
  | { kind: 'text'; characters: number }
  | { kind: 'national'; characters: number }
  | {
      kind: 'number';
      digits: number;
      scale: number;
      scaleFactor: number;
      signed: boolean;
      /** a `+` or `-` of the picture: the sign has a place of its own */
      separateSign?: 'leading' | 'trailing';
      explicitPoint: boolean;
      edited: boolean;
      /** characters as DISPLAY, separate sign and point included */
      characters: number;
    };

type Symbols = { symbol: string; count: number }[];

const MAX_LENGTH = 100_000;

/**
 * Reads a picture: `X(10)`, `S9(5)V99`, `PPP9(3)`, `ZZ9.99-`, `N(4)`.
 * @throws MillraceError CopybookInvalid at the symbol that does not belong there
 */
export function parsePicture(text: string, place: Place): Picture {
  const symbols = expand(text, place);
  const has = (set: string): boolean => symbols.some(({ symbol }) => set.includes(symbol));
  const characters = symbols.reduce((sum, { symbol, count }) => sum + width(symbol) * count, 0);
  if (characters > MAX_LENGTH) {
    throw copybookInvalid(
      place,
      `The picture '${text}' describes ${characters} characters`,
      `At most ${MAX_LENGTH} are supported`,
    );
  }
  if (has('NG')) {
    const stranger = symbols.find(({ symbol }) => !'NGB'.includes(symbol));
    if (stranger) throw mixed(text, stranger.symbol, place);
    return { kind: 'national', characters };
  }
  if (has('XA')) {
    const stranger = symbols.find(({ symbol }) => !'XA9B0/'.includes(symbol));
    if (stranger) throw mixed(text, stranger.symbol, place);
    return { kind: 'text', characters };
  }
  return number(text, symbols, characters, place);
}

/** Symbols with their repetitions; `CR` and `DB` are one symbol each. */
function expand(text: string, place: Place): Symbols {
  const symbols: Symbols = [];
  const pattern = /(CR|DB|[XANGSVPZ9.,+\-*$B0/])(?:\((\d+)\))?/iy;
  let at = 0;
  while (at < text.length) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    const symbol = match?.[1]?.toUpperCase();
    if (!match || symbol === undefined) {
      throw copybookInvalid(
        { ...place, column: place.column + at },
        `'${text.slice(at)}' was found in the picture '${text}'`,
        'Expected one of 9 X A N G S V P Z * + - . , $ B 0 / CR DB, each with an optional count such as 9(5)',
      );
    }
    const count = match[2] === undefined ? 1 : Number(match[2]);
    if (count < 1) {
      throw copybookInvalid(
        { ...place, column: place.column + at },
        `'${match[0]}' repeats a symbol ${count} times`,
        'Expected a count of at least 1',
      );
    }
    const last = symbols.at(-1);
    if (last?.symbol === symbol) last.count += count;
    else symbols.push({ symbol, count });
    at += match[0].length;
  }
  return symbols;
}

const width = (symbol: string): number => ('SVP'.includes(symbol) ? 0 : symbol.length);

function number(text: string, symbols: Symbols, characters: number, place: Place): Picture {
  const signAt = (index: number): boolean => {
    const symbol = symbols[index];
    return symbol !== undefined && '+-'.includes(symbol.symbol) && symbol.count === 1;
  };
  const separateSign = signAt(0) ? 'leading' : signAt(symbols.length - 1) ? 'trailing' : undefined;
  const points = symbols.filter(({ symbol }) => symbol === '.' || symbol === ',');
  // a lone comma is a decimal point, as in the pictures of many European shops; beside a point it groups digits
  const point = points.find(({ symbol }) => symbol === '.') ?? (points.length === 1 ? points[0] : undefined);
  const counts = { before: 0, after: 0, leadingP: 0, trailingP: 0 };
  let passed = false;
  let floating = 0;
  let edited = false;
  for (const part of symbols) {
    const { symbol, count } = part;
    if (symbol === 'V' || part === point) passed = true;
    else if (symbol === '9' || symbol === 'Z' || symbol === '*') counts[passed ? 'after' : 'before'] += count;
    else if (symbol === 'P') counts[passed || counts.before === 0 ? 'leadingP' : 'trailingP'] += count;
    else if ('+-$'.includes(symbol) && count > 1) {
      // the first of a floating string is the sign or currency itself
      counts[passed ? 'after' : 'before'] += floating === 0 ? count - 1 : count;
      floating++;
      edited = true;
    } else if (symbol !== 'S' && !(signAt(symbols.indexOf(part)) && separateSign)) edited = true;
    if (symbol === '*') edited = true;
  }
  const digits = counts.before + counts.after;
  const wrong =
    digits === 0
      ? 'has no digit position'
      : symbols.findIndex(({ symbol }) => symbol === 'S') > 0
        ? 'has an S that does not come first'
        : symbols.filter(({ symbol }) => symbol === 'V').length + (point ? 1 : 0) > 1
          ? 'has more than one point'
          : undefined;
  if (wrong)
    throw copybookInvalid(
      place,
      `The picture '${text}' ${wrong}`,
      'Expected a picture such as S9(5)V99, Z(4)9.99 or X(10)',
    );
  const leading = counts.leadingP;
  return {
    kind: 'number',
    digits,
    scale: counts.after,
    scaleFactor: leading > 0 ? -leading : counts.trailingP,
    signed: symbols.some(({ symbol }) => ['S', '+', '-', 'CR', 'DB'].includes(symbol)),
    ...(separateSign && { separateSign }),
    explicitPoint: point !== undefined,
    edited,
    characters,
  };
}

const mixed = (text: string, symbol: string, place: Place) =>
  copybookInvalid(
    place,
    `The picture '${text}' mixes '${symbol}' with characters`,
    'Expected X, A, 9, B, 0 and / only in a picture of characters, N or G only in a national one',
  );
