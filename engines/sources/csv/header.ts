import { MillraceError } from '../../../schemas/errors.js';
import type { CsvFormat } from '../../../schemas/format.js';
import { assertNames, columnMissing, declaredColumns, undeclared, type DeclaredColumn } from '../declared.js';
import type { FileColumn, ShapeInput } from '../typed-columns.js';

interface HeaderField {
  text: string;
  quoted: boolean;
}

const PLAUSIBLE: [string, string][] = [
  [',', 'comma'],
  [';', 'semicolon'],
  ['\t', 'tab'],
  ['|', 'vertical bar'],
];

/**
 * Matches the first record of a file with what the stream declares or has.
 * @param fields of the header, or of the first data record when the format has no header
 * @returns the file's columns, under the names they have in bronze
 * @throws MillraceError FormatMismatch, ColumnMissing, SchemaMismatch
 */
export function resolveColumns(
  fields: HeaderField[],
  format: CsvFormat,
  { spec, frozen }: ShapeInput,
  where: { file: string; line: number; byte: number },
): FileColumn[] {
  const declared = declaredColumns(spec.columns);
  const { delimiter } = format;
  if (!format.header) return positional(fields, declared, frozen, delimiter, where);
  const names = fields.map(({ text }) => text.trim());
  const wanted = declared?.map(({ from }) => from) ?? frozen?.map(({ name }) => name);
  if (names.length === 1 || wanted?.some((name) => !names.includes(name)))
    assertDelimiter(fields, delimiter, declared?.length, where);
  assertNames(names, where);
  const missing = (declared ?? []).filter(({ from }) => !names.includes(from));
  const extra = names.filter((name) => !declared?.some(({ from }) => from === name));
  if (spec.contract.columns === 'freeze' && declared) {
    if (missing.length > 0)
      throw columnMissing(
        declared.map(({ from }) => from),
        names,
        where,
      );
    if (extra.length > 0) throw undeclared(extra, where);
  }
  const known = new Map(declared?.map((column) => [column.from, column]));
  return names.map((from, field) => {
    const { name = from, formats, required } = known.get(from) ?? {};
    return { name, from, formats, required, field };
  });
}

function positional(
  fields: HeaderField[],
  declared: DeclaredColumn[] | undefined,
  frozen: ShapeInput['frozen'],
  delimiter: string,
  where: { file: string; line: number; byte: number },
): FileColumn[] {
  const expected = declared ?? frozen;
  if (expected && fields.length === 1 && expected.length > 1)
    assertDelimiter(fields, delimiter, expected.length, where);
  if (declared)
    return declared.map(({ name, formats, required }, field) => ({ name, formats, required, field }));
  if (frozen) return frozen.map(({ name }, field) => ({ name, field }));
  return fields.map((_field, index) => ({ name: `column_${index + 1}`, field: index }));
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
