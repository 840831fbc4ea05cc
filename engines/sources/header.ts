import { MillraceError } from '../../schemas/errors.js';
import type { BronzeSchema } from '../../schemas/lake.js';
import type { FileStream, TypeName } from '../../schemas/source.js';
import { LINEAGE } from '../lake/bronze.js';
import { nearest } from '../nearest.js';
import type { TypedColumn } from './typed-columns.js';

interface HeaderField {
  text: string;
  quoted: boolean;
}

/** A column whose type is still to be found. */
export type UntypedColumn = Omit<TypedColumn, 'type'> & { type: TypeName | undefined };

const PLAUSIBLE: [string, string][] = [
  [',', 'comma'],
  [';', 'semicolon'],
  ['\t', 'tab'],
  ['|', 'vertical bar'],
];

/**
 * Matches the first record of a file with what the stream declares or has frozen.
 * @param fields of the header, or of the first data record when the format has no header
 * @returns the columns in bronze order
 * @throws MillraceError FormatMismatch, ColumnMissing, SchemaMismatch
 */
export function resolveColumns(
  fields: HeaderField[],
  spec: FileStream,
  frozen: BronzeSchema | undefined,
  where: { file: string; line: number; byte: number },
): UntypedColumn[] {
  const declared = declaredColumns(spec);
  if (!spec.format.header) return positional(fields, declared, frozen, spec.format.delimiter, where);
  const names = fields.map(({ text }) => text.trim());
  const wanted = declared?.map((column) => column.from);
  if (names.length === 1 || wanted?.some((name) => !names.includes(name))) {
    assertDelimiter(fields, spec.format.delimiter, wanted?.length, where);
  }
  assertNames(names, where);
  if (declared) {
    const missing = declared.filter(({ from }) => !names.includes(from)).map(({ from }) => from);
    if (missing.length > 0) throw columnMissing(missing, names, where);
    assertNoExtra(
      names.filter((name) => !wanted?.includes(name)),
      where,
    );
    return declared.map(({ from, ...column }) => ({ ...column, field: names.indexOf(from) }));
  }
  if (!frozen) return names.map((name, field) => ({ name, type: undefined, field }));
  const gone = frozen.filter(({ name }) => !names.includes(name)).map(({ name }) => name);
  const extra = names.filter((name) => !frozen.some((column) => column.name === name));
  if (gone.length > 0 || extra.length > 0) throw changed(gone, extra, where);
  return frozen.map(({ name, type }) => ({ name, type: type, field: names.indexOf(name) }));
}

function declaredColumns({
  columns,
}: FileStream): (Omit<TypedColumn, 'field'> & { from: string })[] | undefined {
  if (!columns) return undefined;
  return Object.entries(columns).map(([name, column]) => {
    const { type, formats, required, from } = typeof column === 'string' ? { type: column } : column;
    return { name, type, formats, required, from: from ?? name };
  });
}

function positional(
  fields: HeaderField[],
  declared: ReturnType<typeof declaredColumns>,
  frozen: BronzeSchema | undefined,
  delimiter: string,
  where: { file: string; line: number; byte: number },
): UntypedColumn[] {
  const expected = declared ?? frozen;
  if (expected && fields.length === 1 && expected.length > 1)
    assertDelimiter(fields, delimiter, expected.length, where);
  if (declared)
    return declared.map(({ name, type, formats, required }, field) => ({
      name,
      type,
      formats,
      required,
      field,
    }));
  if (frozen) return frozen.map(({ name, type }, field) => ({ name, type: type, field }));
  return fields.map((_field, index) => ({ name: `column_${index + 1}`, type: undefined, field: index }));
}

/** Says which delimiter the file seems to have, if it seems to have another one. */
function assertDelimiter(
  fields: HeaderField[],
  delimiter: string,
  expected: number | undefined,
  where: { file: string; line: number; byte: number },
): void {
  const text = fields
    .filter(({ quoted }) => !quoted)
    .map((field) => field.text)
    .join(' ');
  const counts = PLAUSIBLE.filter(([other]) => other !== delimiter).map(
    ([other, name]) => [other, name, text.split(other).length - 1] as const,
  );
  const [best] = counts.sort((a, b) => b[2] - a[2]);
  if (!best || best[2] < fields.length) return;
  const [other, name, count] = best;
  throw new MillraceError('FormatMismatch', {
    what: `With the delimiter ${JSON.stringify(delimiter)} the first line has ${fields.length} column${fields.length === 1 ? '' : 's'}${expected === undefined ? '' : ` where ${expected} are declared`}; it holds ${count} times ${JSON.stringify(other)} (${name})`,
    where,
    fix: `The delimiter is probably ${JSON.stringify(other)}: declare csv({ delimiter: ${JSON.stringify(other)} })`,
  });
}

function assertNames(names: string[], where: { file: string; line: number; byte: number }): void {
  const fail = (what: string): MillraceError =>
    new MillraceError('FormatMismatch', {
      what,
      where,
      fix: 'Correct the header, or declare csv({ header: false, skipLines: 1 }) and name the columns in the project',
    });
  const seen = new Map<string, number>();
  for (const [index, name] of names.entries()) {
    if (name === '') throw fail(`Column ${index + 1} of the header has no name`);
    // bronze is read by engines that ignore case, for which `Id` and `id` are one column
    const key = name.toLowerCase();
    const first = seen.get(key);
    if (first !== undefined)
      throw fail(`Columns ${first + 1} and ${index + 1} of the header are both called '${name}'`);
    if (LINEAGE.some((column) => column.name === key))
      throw fail(`Column ${index + 1} has the reserved name '${name}'`);
    seen.set(key, index);
  }
}

function columnMissing(
  missing: string[],
  names: string[],
  where: { file: string; line: number },
): MillraceError {
  const hints = missing.flatMap((name) => {
    const close = nearest(name, names);
    return close ? [`'${name}' may be '${close}'`] : [];
  });
  return new MillraceError('ColumnMissing', {
    what: `The file has no column ${missing.map((name) => `'${name}'`).join(', ')}; it has ${names.map((name) => `'${name}'`).join(', ')}`,
    where,
    fix: `${hints.length > 0 ? `${hints.join('; ')}. ` : ''}Correct the declaration, or say where a column comes from: { type: …, from: 'name in the file' }`,
  });
}

function assertNoExtra(extra: string[], where: { file: string; line: number }): void {
  if (extra.length === 0) return;
  throw new MillraceError('SchemaMismatch', {
    what: `The file has columns that are not declared: ${extra.map((name) => `'${name}'`).join(', ')}`,
    where,
    fix: 'Declare them (text takes anything), so that nothing is left out unnoticed',
  });
}

function changed(gone: string[], extra: string[], where: { file: string; line: number }): MillraceError {
  const list = (names: string[], verb: string): string[] => names.map((name) => `'${name}' ${verb}`);
  return new MillraceError('SchemaMismatch', {
    what: `The file's columns differ from those that the first batch froze: ${[...list(gone, 'is gone'), ...list(extra, 'is new')].join(', ')}`,
    where,
    fix: 'Restore the columns in the file, or declare a new stream for the new shape',
  });
}
