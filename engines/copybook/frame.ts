import { MillraceError } from '../../schemas/errors.js';
import { didYouMean } from '../nearest.js';
import type { GeneratedDecoder } from './decode/generate.js';
import { Decimal } from './decimal.js';
import { compileExpression, type ExpressionValue } from './expression.js';
import { fields, nodes, type Field, type Layout } from './layout.js';
import { asciiCharset } from './pages/ascii.js';
import { recordName } from './parse/entries.js';
import { recordsByArrays, recordsByLength } from './records/by-content.js';
import { ByteReader, type ByteSource } from './records/byte-reader.js';
import { blockedRecords, fixedRecords } from './records/fixed.js';
import type { HeaderFormat } from './records/headers.js';
import {
  hex,
  recordInvalid,
  type FrameContext,
  type OnProblem,
  type RawRecord,
} from './records/raw-record.js';
import { cutLines, lines, partialLines } from './records/text.js';
import { variableBlockedRecords, variableRecords } from './records/variable.js';
import { optionInvalid, type CopybookSettings } from './settings.js';

export interface FrameOptions {
  /** names the file in errors */
  file?: string;
  /** what to do about a record that is cut off; throws by default */
  onProblem?: OnProblem;
  /** is told of each whole record that is passed over: by its length, its segment id, or before the first root */
  onFiltered?: (record: RawRecord) => void;
}

/** Cuts the bytes of one file into records. */
export type Frame = (source: ByteSource, options?: FrameOptions) => AsyncGenerator<RawRecord>;

/**
 * How the file is cut into records, by the options.
 * @param measure bytes of a record whose arrays take the space of their elements
 * @throws MillraceError ProjectInvalid for a field that is not there
 */
export function compileFrame(
  layout: Layout,
  settings: CopybookSettings,
  reader: GeneratedDecoder['reader'],
  measure: (bytes: Uint8Array) => number,
): Frame {
  const cut = cutter(layout, settings, reader, measure);
  const { minimum_record_length: least, maximum_record_length: most } = settings;
  const bounded = !(settings.plain && settings.recordFormat === 'F');
  const characters =
    settings.plain && settings.encoding === 'ascii' && asciiCharset(settings.ascii_charset).utf8;
  return async function* frame(source, { file, onProblem, onFiltered } = {}) {
    const bytes = new ByteReader(source, settings.file_end_offset + layout.trailerLength);
    const context: FrameContext = { reader: bytes, file, onProblem: onProblem ?? refuse };
    try {
      await bytes.skip(settings.file_start_offset + layout.headerLength);
      for await (const record of cut(context)) {
        if (record.bytes.length === 0) continue;
        const length =
          characters && settings.recordFormat === 'D'
            ? Buffer.from(record.bytes).toString('utf8').length
            : record.bytes.length;
        if (!bounded || (length >= least && length <= most)) yield record;
        else onFiltered?.(record);
      }
    } finally {
      await bytes.close();
    }
  };
}

const refuse: OnProblem = (problem) => {
  throw problem;
};

function cutter(
  layout: Layout,
  settings: CopybookSettings,
  reader: GeneratedDecoder['reader'],
  measure: (bytes: Uint8Array) => number,
): (context: FrameContext) => AsyncGenerator<RawRecord> {
  const { record_start_offset: before, record_end_offset: behind, recordFormat } = settings;
  const part = settings.is_rdw_part_of_record_length ? -4 : 0;
  const rdw: HeaderFormat = {
    bigEndian: settings.is_rdw_big_endian,
    adjustment: settings.rdw_adjustment + part,
  };
  const bdw: HeaderFormat = { bigEndian: settings.is_bdw_big_endian, adjustment: settings.bdw_adjustment };
  const length = (settings.record_length ?? layout.recordLength) + before + behind;
  if (length < 1)
    throw new MillraceError('CopybookInvalid', {
      what: 'The copybook describes a record of no bytes',
      fix: 'Give its fields a picture',
    });
  switch (recordFormat) {
    case 'D':
      return (context) => plainLines(context, settings);
    case 'D2':
      return settings.allow_partial_records
        ? (context) => partialLines(context, layout.recordLength)
        : (context) => cutLines(context, layout.recordLength);
    case 'FB': {
      const record = settings.record_length ?? layout.recordLength;
      const block =
        settings.block_length ??
        (settings.records_per_block === undefined ? undefined : settings.records_per_block * record);
      return (context) => blockedRecords(context, record, block, bdw);
    }
    case 'VB':
      return (context) => variableBlockedRecords(context, rdw, bdw);
    case 'F':
    case 'V':
      break;
  }
  if (settings.record_length_field !== undefined) {
    const { needed, lengthOf } = lengthField(settings.record_length_field, layout, settings, reader);
    return (context) => recordsByLength(context, needed, (start) => lengthOf(start, context));
  }
  if (recordFormat === 'V') return (context) => variableRecords(context, rdw);
  if (settings.variableOccurs === 'shift' && layout.variable) {
    return (context) => recordsByArrays(context, length, (bytes) => measure(bytes) + behind);
  }
  return (context) => fixedRecords(context, length);
}

/** Lines as Spark reads them: UTF-8 that is malformed becomes U+FFFD before fields are cut out. */
async function* plainLines(context: FrameContext, settings: CopybookSettings): AsyncGenerator<RawRecord> {
  const utf8 = settings.encoding === 'ascii' && asciiCharset(settings.ascii_charset).utf8;
  for await (const record of lines(context)) {
    const bytes =
      utf8 && record.bytes.some((byte) => byte >= 0x80)
        ? Buffer.from(Buffer.from(record.bytes).toString('utf8'))
        : record.bytes;
    if (bytes.length > settings.record_start_offset) yield { ...record, bytes };
  }
}

/** A field by its name, or by its path where the name is not unique: `GROUP.FIELD`. */
export function findField(layout: Layout, option: string, name: string): Field {
  const path = name
    .trim()
    .split('.')
    .map((part) => recordName(part).toUpperCase());
  const last = path.at(-1);
  const all = [...fields(layout.root)];
  const found = all
    .filter((field) => field.name.toUpperCase() === last)
    .filter((field) => {
      const around = [...nodes(layout.root)]
        .filter((node) => node.kind === 'group' && [...nodes(node)].includes(field))
        .map((group) => group.name.toUpperCase());
      return path.slice(0, -1).every((part) => around.includes(part));
    });
  const [field, another] = found;
  if (!field)
    throw optionInvalid(
      option,
      `the copybook has no field '${name}'`,
      didYouMean(
        name,
        all.map((other) => other.name),
      ) || 'Name a field of the copybook',
    );
  if (another)
    throw optionInvalid(
      option,
      `the copybook has several fields '${name}'`,
      'Name its group too: GROUP.FIELD',
    );
  return field;
}

const shown = (value: ExpressionValue): string => (value instanceof Decimal ? value.text : String(value));

function lengthField(
  name: string,
  layout: Layout,
  settings: CopybookSettings,
  reader: GeneratedDecoder['reader'],
): { needed: number; lengthOf: (start: RawRecord, context: FrameContext) => number } {
  const {
    record_start_offset: before,
    record_end_offset: behind,
    rdw_adjustment,
    record_length_map: map,
  } = settings;
  const all = [...fields(layout.root)];
  const plain = recordName(name).toUpperCase();
  const single = !/[-+*/()]/.test(name) || all.some((field) => field.name.toUpperCase() === plain);
  const option = 'record_length_field';
  const total = (length: number): number => before + length + behind;
  const invalid = (context: FrameContext, start: RawRecord, value: ExpressionValue): Error =>
    recordInvalid(
      context,
      start.position,
      `The record length '${name}' is ${value === null ? 'missing' : `'${shown(value)}'`} in the record that begins ${hex(start.bytes)}`,
      'Check record_length_field; or the record before it is not as long as its length field says',
    );
  if (single) {
    const field = findField(layout, option, name);
    const read = reader(field);
    return {
      needed: before + field.offset + field.size,
      lengthOf: (start, context) => {
        const value = read(start.bytes, before);
        const key = shown(value);
        const mapped = map && ((value === null ? undefined : map[key]) ?? map['_']);
        const length = map ? mapped : value === null || key.trim() === '' ? undefined : Number(key);
        if (length === undefined || !Number.isInteger(length)) throw invalid(context, start, value);
        return total(length + rdw_adjustment);
      },
    };
  }
  const expression = compileExpression(
    option,
    name,
    (word) => all.find((field) => field.name.toUpperCase() === word.toUpperCase())?.name,
    () => all.map((field) => field.name),
  );
  const variables = expression.variables.map((variable) => findField(layout, option, variable));
  const readers = variables.map(reader);
  return {
    needed: before + Math.max(0, ...variables.map((field) => field.offset + field.size)),
    lengthOf: (start, context) => {
      const length = expression.evaluate(readers.map((read) => read(start.bytes, before)));
      if (!Number.isInteger(length)) throw invalid(context, start, length);
      return total(length as number);
    },
  };
}
