import type { Column } from '../../schemas/column.js';
import { MillraceError, type Position } from '../../schemas/errors.js';
import { LINEAGE } from '../lake/bronze.js';
import { nearest } from '../nearest.js';

export interface DeclaredColumn {
  name: string;
  type: string;
  formats: string[] | undefined;
  required: boolean | undefined;
  /** its name in the file */
  from: string;
}

/**
 * What a stream declares, with everything that was left out.
 * @throws MillraceError ProjectInvalid for what only columns of a copybook have
 */
export function declaredColumns(columns: Record<string, Column> | undefined): DeclaredColumn[] | undefined {
  if (!columns) return undefined;
  return Object.entries(columns).map(([name, column]) => {
    const { type, formats, required, from, nulls } = typeof column === 'string' ? { type: column } : column;
    if (nulls) {
      throw new MillraceError('ProjectInvalid', {
        what: `Column ${name} has nulls, which columns of copybook and journal streams have`,
        fix: "Name them in the format: csv({ nulls: ['0'] }) and fixed({ nulls: … }); or let a model do it",
      });
    }
    return { name, type, formats, required, from: from ?? name };
  });
}

/** @throws MillraceError FormatMismatch for names that bronze cannot have */
export function assertNames(names: string[], where: Position): void {
  const fail = (what: string): MillraceError =>
    new MillraceError('FormatMismatch', {
      what,
      where,
      fix: 'Correct the file; or declare the columns under other names: { type: …, from: … }, of a delimited file csv({ header: false, skipLines: 1 })',
    });
  const seen = new Map<string, number>();
  for (const [index, name] of names.entries()) {
    if (name === '') throw fail(`Column ${index + 1} has no name`);
    // bronze is read by engines that ignore case, for which `Id` and `id` are one column
    const key = name.toLowerCase();
    const first = seen.get(key);
    if (first !== undefined) throw fail(`Columns ${first + 1} and ${index + 1} are both called '${name}'`);
    if (LINEAGE.some((column) => column.name === key))
      throw fail(`Column ${index + 1} has the reserved name '${name}'`);
    seen.set(key, index);
  }
}

/**
 * @param wanted all names that are declared
 * @param names those of the file
 */
export function columnMissing(wanted: string[], names: string[], where: Position): MillraceError {
  const missing = wanted.filter((name) => !names.includes(name));
  const free = names.filter((name) => !wanted.includes(name));
  const hints = missing.flatMap((name) => {
    const close = nearest(name, free);
    return close ? [`'${name}' may be '${close}'`] : [];
  });
  return new MillraceError('ColumnMissing', {
    what: `The file has no column ${missing.map((name) => `'${name}'`).join(', ')}; it has ${names.map((name) => `'${name}'`).join(', ')}`,
    where,
    fix: `${hints.length > 0 ? `${hints.join('; ')}. ` : ''}Correct the declaration, or say where a column comes from: { type: …, from: 'name in the file' }`,
  });
}

export const undeclared = (extra: string[], where: Position): MillraceError =>
  new MillraceError('SchemaMismatch', {
    what: `The file has columns that are not declared: ${extra.map((name) => `'${name}'`).join(', ')}`,
    where,
    fix: 'Declare them (text takes anything), or say what happens to new columns by the contract of the stream; so nothing is left out unnoticed',
  });
