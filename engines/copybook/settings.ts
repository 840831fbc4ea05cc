import type { z } from 'zod';
import {
  COPYBOOK_IGNORED,
  COPYBOOK_PREFIXES,
  CopybookOptions,
  type RawCopybookOptions,
} from '../../schemas/copybook.js';
import { MillraceError } from '../../schemas/errors.js';
import { didYouMean } from '../nearest.js';
import { recordName } from './parse/entries.js';

export type RecordFormat = 'F' | 'FB' | 'V' | 'VB' | 'D' | 'D2';
export type FloatFormat = CopybookOptions['floating_point_format'];
export type Trimming = CopybookOptions['string_trimming_policy'];

/** The options of one extractor, checked, with what they imply. */
export interface CopybookSettings extends Omit<
  CopybookOptions,
  'record_format' | 'encoding' | 'debug' | 'variable_size_occurs' | 'ccsid'
> {
  recordFormat: RecordFormat;
  encoding: 'ebcdic' | 'ascii';
  debug: 'none' | 'hex' | 'raw' | 'string';
  variableOccurs: 'maximum' | 'shift' | 'pad';
  /**
   * Cobrix reads plain files through a simpler reader than those whose records have lengths, ids or levels; the two
   * differ in small things (short records, trimming of segment ids), and so do these.
   */
  plain: boolean;
  nonTerminals: string[];
  /** segment id -> group that is read for it */
  segmentGroups: Map<string, string>;
  /** child segment group -> its parent */
  segmentParents: Map<string, string>;
  /** segment ids of each level, root first */
  segmentLevels: string[][];
  segmentFilter?: string[];
  /** group -> condition */
  redefineRules: Map<string, string>;
  /** field (lower case) -> code page */
  fieldCodePages: Map<string, string>;
  /** options that mean nothing here; an error when pedantic */
  unknown: string[];
}

/**
 * Options of a stream: an unknown one would be a slip that leaves the data garbled, so it is an error unless the stream
 * says `pedantic: false`. `copybook decode` keeps Cobrix's default, and warns.
 */
export const streamOptions = <T extends RawCopybookOptions>(options: T): T | (T & { pedantic: true }) =>
  Object.keys(options).some((name) => name.toLowerCase() === 'pedantic')
    ? options
    : { ...options, pedantic: true };

/** @throws MillraceError ProjectInvalid that names the option, its value and what it may be */
export function readSettings(raw: RawCopybookOptions): CopybookSettings {
  const given = new Map(Object.entries(raw).map(([name, value]) => [name.toLowerCase(), { name, value }]));
  const prefixed = takePrefixed(given);
  const known = Object.keys(CopybookOptions.shape);
  const plainOptions: Record<string, unknown> = {};
  const unknown: string[] = [];
  for (const [key, { name, value }] of given) {
    if (known.includes(key)) plainOptions[key] = value;
    else if (!(COPYBOOK_IGNORED as readonly string[]).includes(key)) unknown.push(name);
  }
  const parsed = CopybookOptions.safeParse(plainOptions);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const option = String(issue?.path[0] ?? '');
    throw optionInvalid(
      option,
      `${JSON.stringify(plainOptions[option])} ${issue ? expected(issue) : 'is not valid'}`,
      'Correct the option; docs/reference/copybook.md lists all of them with their values',
    );
  }
  const options = parsed.data;
  const [stranger] = unknown;
  if (options.pedantic && stranger !== undefined) {
    const names = [...known, ...Object.values(COPYBOOK_PREFIXES).flat()];
    throw optionInvalid(
      stranger,
      'there is no such option',
      didYouMean(stranger, names) || 'Remove it, or set pedantic to false',
    );
  }
  const settings = combine(options, prefixed, unknown);
  checkTogether(settings, given);
  return settings;
}

/** What an option may be, of those with a few values each of them. */
function expected(issue: z.core.$ZodIssue): string {
  const values = valuesOf(issue);
  return values.length > 0 ? `must be one of ${values.join(', ')}` : issue.message;
}

function valuesOf(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'invalid_value') return issue.values.map(String);
  if (issue.code !== 'invalid_union') return [];
  return issue.errors
    .flat()
    .flatMap((one) => (one.code === 'invalid_type' ? ['true', 'false'] : valuesOf(one)));
}

type Given = Map<string, { name: string; value: unknown }>;
type Prefixed = Record<keyof typeof COPYBOOK_PREFIXES, { key: string; value: string }[]>;

function takePrefixed(given: Given): Prefixed {
  const result = Object.fromEntries(
    Object.keys(COPYBOOK_PREFIXES).map((kind) => [kind, []]),
  ) as unknown as Prefixed;
  for (const [key, { name, value }] of given) {
    for (const [kind, prefixes] of Object.entries(COPYBOOK_PREFIXES)) {
      if (!prefixes.some((prefix) => key.startsWith(prefix))) continue;
      result[kind as keyof Prefixed].push({ key: name, value: String(value) });
      given.delete(key);
    }
  }
  return result;
}

function combine(options: CopybookOptions, prefixed: Prefixed, unknown: string[]): CopybookSettings {
  const { record_format, encoding, debug, variable_size_occurs, ccsid, ...others } = options;
  const rest = ccsid === undefined ? others : { ...others, ebcdic_code_page: ccsid };
  const sequence = rest.is_record_sequence ?? rest.is_xcom ?? false;
  const named = record_format === 'T' ? 'D' : record_format;
  const basic: RecordFormat = named ?? (sequence ? 'V' : rest.is_text ? 'D' : 'F');
  const segmentLevels = levels(rest, prefixed);
  const lengths =
    rest.file_start_offset + rest.file_end_offset > 0 ||
    rest.record_header_name !== undefined ||
    rest.record_trailer_name !== undefined;
  const variableOccurs =
    variable_size_occurs === true || variable_size_occurs === 'shift_record'
      ? 'shift'
      : variable_size_occurs === 'pad_record'
        ? 'pad'
        : 'maximum';
  const plainText = basic === 'D' && !rest.allow_partial_records;
  const plain = !(
    rest.record_length_field !== undefined ||
    ['FB', 'V', 'VB', 'D2'].includes(basic) ||
    (basic === 'D' && !plainText) ||
    rest.generate_record_id ||
    segmentLevels.length > 0 ||
    lengths ||
    (variableOccurs !== 'maximum' && !plainText) ||
    prefixed.segmentChildren.length > 0
  );
  const recordFormat = basic === 'D' && !plain ? 'D2' : basic;
  return {
    ...rest,
    recordFormat,
    encoding: encoding ?? (basic === 'D' || basic === 'D2' ? 'ascii' : 'ebcdic'),
    debug: debug === true ? 'hex' : debug === false ? 'none' : debug === 'binary' ? 'raw' : debug,
    variableOccurs,
    plain,
    nonTerminals: list(rest.non_terminals).map(recordName),
    segmentGroups: new Map(
      prefixed.redefineSegments.flatMap(({ key, value }) => {
        const [group, ids] = arrow(key, value);
        return ids.split(',').map((id): [string, string] => [id.trim(), recordName(group)]);
      }),
    ),
    segmentParents: parents(prefixed),
    segmentLevels,
    ...(rest.segment_filter !== undefined && { segmentFilter: rest.segment_filter.split(',') }),
    redefineRules: new Map(
      prefixed.redefineRules.map(({ key, value }) => {
        const [group, condition] = arrow(key, value);
        return [recordName(group), condition];
      }),
    ),
    fieldCodePages: new Map(
      prefixed.fieldCodePage.flatMap(({ key, value }) => {
        const page = key.slice(key.indexOf(':') + 1).trim();
        return list(value).map((field): [string, string] => [recordName(field).toLowerCase(), page]);
      }),
    ),
    unknown,
  };
}

const list = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

function arrow(key: string, value: string): [string, string] {
  const at = value.indexOf('=>');
  if (at <= 0) throw optionInvalid(key, `'${value}' has no arrow`, "Write it as 'GROUP => value,value'");
  return [value.slice(0, at).trim(), value.slice(at + 2).trim()];
}

function levels(
  options: { segment_id_root?: string | undefined; segment_field?: string | undefined },
  { segmentLevel }: Prefixed,
): string[][] {
  const byNumber = new Map(
    segmentLevel.map(({ key, value }) => [Number(key.toLowerCase().replace('segment_id_level', '')), value]),
  );
  const result: string[][] = [];
  for (let level = 0; ; level++) {
    const ids = byNumber.get(level) ?? (level === 0 ? options.segment_id_root : undefined);
    if (ids === undefined) return result;
    result.push(ids.split(',').map((id) => id.trim()));
  }
}

function parents({ segmentChildren }: Prefixed): Map<string, string> {
  const result = new Map<string, string>();
  for (const { key, value } of segmentChildren) {
    const [parent, children] = arrow(key, value);
    for (const child of list(children).map(recordName)) {
      const other = result.get(child);
      if (other !== undefined && other !== recordName(parent))
        throw optionInvalid(
          key,
          `'${child}' has two parents, ${other} and ${parent}`,
          'Name each child once',
        );
      result.set(child, recordName(parent));
    }
  }
  return result;
}

/** Options that contradict each other. */
function checkTogether(settings: CopybookSettings, given: Given): void {
  const together = (one: string, other: string): void => {
    if (given.has(one) && given.has(other))
      throw optionInvalid(one, `cannot be used together with ${other}`, 'Remove one of the two');
  };
  for (const older of ['is_text', 'is_record_sequence', 'is_xcom']) together('record_format', older);
  for (const other of [
    'record_length_field',
    'minimum_record_length',
    'maximum_record_length',
    'is_rdw_big_endian',
    'is_rdw_part_of_record_length',
    'rdw_adjustment',
  ])
    together('record_length', other);
  together('ccsid', 'ebcdic_code_page');
  together('block_length', 'records_per_block');
  together('record_header_name', 'file_start_offset');
  together('record_trailer_name', 'file_end_offset');
  together('display_pic_always_string', 'strict_integral_precision');
  const needs = (option: string, other: string): void => {
    if (given.has(option) && !given.has(other))
      throw optionInvalid(option, `needs ${other}`, `Set ${other} too`);
  };
  needs('record_length_map', 'record_length_field');
  if (settings.pedantic) needs('segment_filter', 'segment_field');
  if (!settings.truncate_comments) {
    for (const bound of ['comments_lbound', 'comments_ubound']) together('truncate_comments', bound);
  }
  if (settings.minimum_record_length > settings.maximum_record_length) {
    throw optionInvalid(
      'minimum_record_length',
      `${settings.minimum_record_length} is more than maximum_record_length`,
      'Exchange the two',
    );
  }
  if (settings.segmentParents.size > 0) {
    const against =
      settings.segmentLevels.length > 0
        ? 'segment_id_level*'
        : settings.generate_record_bytes
          ? 'generate_record_bytes'
          : settings.generate_corrupt_fields
            ? 'generate_corrupt_fields'
            : undefined;
    if (against !== undefined)
      throw optionInvalid(
        'segment-children',
        `cannot be used together with ${against}: a hierarchical record is made of several`,
        'Remove one of the two',
      );
  }
  if (
    (settings.segmentGroups.size > 0 ||
      settings.segmentLevels.length > 0 ||
      settings.segmentParents.size > 0) &&
    settings.segment_field === undefined
  ) {
    throw optionInvalid(
      'segment_field',
      'is missing: segments are told apart by it',
      'Name the field that holds the segment id',
    );
  }
  if (settings.debug === 'string' && settings.recordFormat !== 'D' && settings.recordFormat !== 'D2') {
    throw optionInvalid('debug', "'string' is for lines of text only", "Use 'hex' or 'raw'");
  }
}

export const optionInvalid = (option: string, what: string, fix: string): MillraceError =>
  new MillraceError('ProjectInvalid', { what: `Copybook option ${option}: ${what}`, fix });
