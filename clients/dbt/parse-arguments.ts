import { MillraceError } from '../../schemas/errors.js';
import { didYouMean } from '../../engines/nearest.js';
import { isRecord } from '../../engines/dbt/parse/config.js';
import { readYaml } from '../../engines/dbt/project/yaml.js';
import { COMMANDS, OPTIONS, type CommandName, type OptionSpec } from './options.js';

/** A value of an option, by dbt's name for it. */
export type Given = Record<string, unknown>;

export interface Arguments {
  command: CommandName | null;
  /** what was typed; environment and project come in by {@link withDefaults} */
  given: Given;
  /** a macro's name, for run-operation */
  operands: string[];
  help: boolean;
  version: boolean;
}

const BY_SWITCH = new Map<string, { spec: OptionSpec; on: boolean }[]>();
for (const spec of OPTIONS) {
  for (const text of spec.on) BY_SWITCH.set(text, [...(BY_SWITCH.get(text) ?? []), { spec, on: true }]);
  for (const text of spec.off ?? [])
    BY_SWITCH.set(text, [...(BY_SWITCH.get(text) ?? []), { spec, on: false }]);
}
const TWO_WORDS = new Set(COMMANDS.filter((name) => name.includes(' ')).map((name) => name.split(' ')[0]));

/** what dbt called it before */
const OLD_FRESHNESS = 'source snapshot-freshness';

/**
 * Reads dbt's command line: options before and after the command, lists up to the next option.
 *
 * @throws MillraceError ProjectInvalid for what dbt would not take either
 */
export function parseArguments(argv: readonly string[]): Arguments {
  const words = [...argv];
  const result: Arguments = { command: null, given: {}, operands: [], help: false, version: false };
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '--help' || word === '-h') result.help = true;
    else if (['--version', '-V', '-v'].includes(word)) result.version = true;
    else if (word.startsWith('-') && word.length > 1) option(word, words, result);
    else if (result.command === null) result.command = commandOf(word, words);
    else result.operands.push(word);
  }
  refuseMisplaced(result);
  return result;
}

function commandOf(word: string, words: string[]): CommandName | null {
  const full = TWO_WORDS.has(word) && words[0] !== undefined ? `${word} ${words[0]}` : word;
  const found = COMMANDS.find((name) => name === (full === OLD_FRESHNESS ? 'source freshness' : full));
  if (found !== undefined) {
    if (found.includes(' ')) words.shift();
    return found;
  }
  // `dbt source --help`, `dbt docs`
  if (TWO_WORDS.has(word)) {
    const choices = COMMANDS.filter((name) => name.startsWith(`${word} `)).join("' or '");
    throw usage(`'${word}' needs a second word`, `Write '${choices}'`);
  }
  throw usage(
    `There is no command '${word}'`,
    didYouMean(word, COMMANDS) || `Commands are: ${COMMANDS.join(', ')}`,
  );
}

function option(word: string, words: string[], result: Arguments): void {
  const equals = word.startsWith('--') ? word.indexOf('=') : -1;
  let name = equals < 0 ? word : word.slice(0, equals);
  let attached = equals < 0 ? undefined : word.slice(equals + 1);
  // -tprod, -xq
  if (!word.startsWith('--') && word.length > 2) {
    name = word.slice(0, 2);
    const known = BY_SWITCH.get(name)?.[0];
    if (known?.spec.kind === 'flag') words.unshift(`-${word.slice(2)}`);
    else attached = word.slice(2);
  }
  const [found] = BY_SWITCH.get(name) ?? [];
  if (!found)
    throw usage(
      `There is no option '${name}'`,
      didYouMean(name, BY_SWITCH.keys()) || 'See millrace dbt --help',
    );
  const { spec, on } = found;
  if (spec.kind === 'flag') {
    if (attached !== undefined) throw usage(`'${name}' takes no value`, `Write ${name} alone`);
    result.given[spec.name] = on;
    return;
  }
  const texts = attached === undefined ? [] : [attached];
  if (spec.kind === 'list')
    while (words[0] !== undefined && !words[0].startsWith('-')) texts.push(words.shift() ?? '');
  else if (attached === undefined && words.length > 0) texts.push(words.shift() ?? '');
  if (texts.length === 0) throw usage(`'${name}' needs a value`, `Write ${name} and then its value`);
  const value = valueOf(spec, texts, name);
  const former = result.given[spec.name];
  result.given[spec.name] =
    spec.kind === 'list' && Array.isArray(former)
      ? [...(former as unknown[]), ...(value as unknown[])]
      : value;
}

/** @throws MillraceError ProjectInvalid naming `label`, where the value came from */
function valueOf(spec: OptionSpec, texts: readonly string[], label: string): unknown {
  const [text = ''] = texts;
  const { choices } = spec;
  if (choices)
    for (const one of texts.flatMap((each) => each.split(/\s+/)))
      if (!choices.includes(one))
        throw usage(
          `${label} is '${one}'`,
          didYouMean(one, choices) || `It is one of: ${choices.join(', ')}`,
        );
  switch (spec.kind) {
    case 'flag':
      return truth(text, label);
    case 'number':
      if (!/^-?\d+$/.test(text)) throw usage(`${label} is '${text}'`, 'Write a whole number');
      return Number(text);
    case 'yaml':
      return dictionary(text, label);
    case 'date':
      if (!/^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}:\d{2})?$/.test(text) || Number.isNaN(Date.parse(text)))
        throw usage(`${label} is '${text}'`, 'Write a date as 2024-03-01 or 2024-03-01T12:00:00');
      return text;
    case 'list':
      return choices ? texts.flatMap((each) => each.split(/\s+/)) : [...texts];
    case 'text':
      return text;
  }
}

function truth(text: string, label: string): boolean {
  if (/^(1|true|t|yes|y|on)$/i.test(text)) return true;
  if (/^(0|false|f|no|n|off|)$/i.test(text)) return false;
  throw usage(`${label} is '${text}'`, 'Write true or false');
}

function dictionary(text: string, label: string): Record<string, unknown> {
  const { data } = readYaml(text, label);
  if (data === null || data === undefined) return {};
  if (isRecord(data)) return data;
  throw usage(`${label} is '${text}', which is no dictionary`, `Write YAML such as ${label} '{name: value}'`);
}

function refuseMisplaced({ command, given, help, version }: Arguments): void {
  if (command === null || help || version) return;
  for (const spec of OPTIONS) {
    if (given[spec.name] === undefined || !spec.only || spec.only.includes(command)) continue;
    throw usage(
      `'${command}' has no option ${spec.on.at(-1) ?? ''}`,
      `It belongs to: ${spec.only.join(', ')}`,
    );
  }
}

const usage = (what: string, fix: string): MillraceError =>
  new MillraceError('ProjectInvalid', { what, fix });

/**
 * What was typed, then what the environment says, then `flags:` of dbt_project.yml.
 *
 * @throws MillraceError ProjectInvalid for a variable or flag that is not what its option takes
 */
export function withDefaults(
  given: Given,
  env: Readonly<Record<string, string | undefined>>,
  projectFlags: Readonly<Record<string, unknown>> = {},
): Given {
  const all: Given = { ...given };
  for (const spec of OPTIONS) {
    if (all[spec.name] !== undefined) continue;
    const text = spec.env === undefined ? undefined : env[spec.env];
    const flag = projectFlags[spec.name];
    if (text !== undefined && text !== '')
      all[spec.name] = valueOf(spec, spec.kind === 'list' ? text.split(/\s+/) : [text], spec.env ?? '');
    else if (flag !== undefined && flag !== null) all[spec.name] = flag;
  }
  return all;
}
