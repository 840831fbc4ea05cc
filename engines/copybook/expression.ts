import { didYouMean } from '../nearest.js';
import { Decimal } from './decimal.js';
import { recordName } from './parse/entries.js';
import { runGenerated } from './run-generated.js';
import { optionInvalid } from './settings.js';

export type ExpressionValue = number | string | boolean | null | Decimal;

export interface Expression {
  /** fields it reads, as in records */
  variables: string[];
  evaluate: (values: ExpressionValue[]) => ExpressionValue;
}

/**
 * Compiles an expression over fields, of `record_length_field` or `redefine-rule`: whole numbers, texts, `true`,
 * `false`, `null`, `+ - * /`, `= != < <= > >=`, `&& || !`, `in(FIELD, value, …)`.
 * @param resolve the name of the field that a word stands for, or undefined
 * @throws MillraceError ProjectInvalid with the column
 */
export function compileExpression(
  option: string,
  text: string,
  resolve: (name: string) => string | undefined,
  known: () => string[],
): Expression {
  const tokens = lex(option, text);
  const variables: string[] = [];
  let at = 0;
  const wrong = (expected: string): Error => {
    const token = tokens[at];
    return optionInvalid(
      option,
      token ? `'${token.text}' was found at column ${token.column} of '${text}'` : `'${text}' ends too early`,
      `Expected ${expected}`,
    );
  };
  const next = (...texts: string[]): string | undefined => {
    const token = tokens[at];
    if (!token || token.quoted || !texts.includes(token.text.toLowerCase())) return undefined;
    at++;
    return token.text.toLowerCase();
  };
  const chain =
    (operand: () => string, ...operators: string[]): (() => string) =>
    () => {
      let code = operand();
      for (let operator = next(...operators); operator; operator = next(...operators)) {
        code = OPERATORS[operator]?.(code, operand()) ?? code;
      }
      return code;
    };
  const primary = (): string => {
    const token = tokens[at];
    if (!token) throw wrong('a value');
    at++;
    if (token.quoted) return JSON.stringify(token.text);
    if (/^\d/.test(token.text)) return token.text.replace(/^0+(?=\d)/, '');
    if (['true', 'false', 'null'].includes(token.text.toLowerCase())) return token.text.toLowerCase();
    if (token.text === '(') {
      const code = either();
      if (!next(')')) throw wrong(')');
      return `(${code})`;
    }
    if (!/^[A-Za-z_@]/.test(token.text)) {
      at--;
      throw wrong('a value, a field or (');
    }
    if (token.text.toLowerCase() === 'in' && next('(')) {
      const values = [either()];
      while (next(',')) values.push(either());
      if (!next(')')) throw wrong(')');
      return `[${values.slice(1).join(',')}].some((v) => same(${values[0]}, v))`;
    }
    const name = resolve(recordName(token.text.replace(/^@/, '')));
    if (name === undefined) {
      throw optionInvalid(
        option,
        `'${token.text}' at column ${token.column} is no field`,
        didYouMean(token.text, known()) || 'Name a field of the copybook',
      );
    }
    if (!variables.includes(name)) variables.push(name);
    return `values[${variables.indexOf(name)}]`;
  };
  const unary = (): string =>
    next('!', 'not') ? `!truth(${unary()})` : next('-') ? `-number(${unary()})` : primary();
  const product = chain(unary, '*', '/');
  const sum = chain(product, '+', '-');
  const comparison = chain(sum, '=', '==', '!=', '<>', '<', '<=', '>', '>=');
  const both = chain(comparison, '&&', 'and');
  const either: () => string = chain(both, '||', 'or');
  const code = either();
  if (at < tokens.length) throw wrong('an operator or the end');
  const evaluate = runGenerated(`'use strict';\nreturn (values) => ${code};`, {
    ...{ same, less, number, truth },
  }) as Expression['evaluate'];
  return { variables, evaluate };
}

const binary = (operator: string) => (a: string, b: string) => `(number(${a}) ${operator} number(${b}))`;
const compared = (code: (a: string, b: string) => string) => code;
const OPERATORS: Record<string, (a: string, b: string) => string> = {
  '+': binary('+'),
  '-': binary('-'),
  '*': binary('*'),
  '/': (a, b) => `Math.trunc(number(${a}) / number(${b}))`,
  '=': compared((a, b) => `same(${a}, ${b})`),
  '==': compared((a, b) => `same(${a}, ${b})`),
  '!=': compared((a, b) => `!same(${a}, ${b})`),
  '<>': compared((a, b) => `!same(${a}, ${b})`),
  '<': compared((a, b) => `less(${a}, ${b})`),
  '<=': compared((a, b) => `(less(${a}, ${b}) || same(${a}, ${b}))`),
  '>': compared((a, b) => `less(${b}, ${a})`),
  '>=': compared((a, b) => `(less(${b}, ${a}) || same(${a}, ${b}))`),
  '&&': (a, b) => `(truth(${a}) && truth(${b}))`,
  and: (a, b) => `(truth(${a}) && truth(${b}))`,
  '||': (a, b) => `(truth(${a}) || truth(${b}))`,
  or: (a, b) => `(truth(${a}) || truth(${b}))`,
};

interface Lexeme {
  text: string;
  quoted: boolean;
  column: number;
}

function lex(option: string, text: string): Lexeme[] {
  const pattern =
    /\s+|(?<quoted>'[^']*'|"[^"]*")|(?<word>@?[A-Za-z_][A-Za-z0-9_]*|\d+|&&|\|\||[<>!=]=|<>|[-+*/()=<>!,])/gy;
  const lexemes: Lexeme[] = [];
  let end = 0;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    end = pattern.lastIndex;
    const { quoted, word } = match.groups ?? {};
    const found = quoted?.slice(1, -1) ?? word;
    if (found !== undefined)
      lexemes.push({ text: found, quoted: quoted !== undefined, column: match.index + 1 });
  }
  if (end < text.length)
    throw optionInvalid(
      option,
      `'${text[end]}' was found at column ${end + 1} of '${text}'`,
      'Expected fields, numbers, texts in quotes and operators',
    );
  return lexemes;
}

/** Rules compare whole numbers: decimals count without what stands behind their point. */
const plain = (value: ExpressionValue): number | string | boolean | null =>
  value instanceof Decimal || typeof value === 'number' ? Math.trunc(Number(value)) : value;

function same(one: ExpressionValue, other: ExpressionValue): boolean {
  const [a, b] = [plain(one), plain(other)];
  if (a === null || b === null) return a === b;
  return typeof a === typeof b ? a === b : Number(a) === Number(b);
}

function less(one: ExpressionValue, other: ExpressionValue): boolean {
  const [a, b] = [plain(one), plain(other)];
  if (a === null || b === null) return false;
  return typeof a === 'string' && typeof b === 'string' ? a < b : Number(a) < Number(b);
}

const number = (value: ExpressionValue): number => (value === null ? NaN : Number(plain(value)));
const truth = (value: ExpressionValue): boolean => value === true;
