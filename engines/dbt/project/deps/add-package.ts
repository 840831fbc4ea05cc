import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMap, isSeq, parseDocument, type YAMLMap } from 'yaml';
import { MillraceError } from '../../../../schemas/errors.js';
import { readText } from '../files.js';

const KEYS = {
  hub: ['package', 'version'],
  git: ['git', 'revision'],
  local: ['local', null],
} as const;

/**
 * Writes a package into packages.yml (or dependencies.yml, where it lists packages), in the place of an entry that
 * names it already; comments stay.
 *
 * @param text `dbt-labs/dbt_utils@1.1.1`, `https://…/x.git@v1`, `../folder`; several bounds have commas between them
 * @returns the file
 * @throws MillraceError DbtProjectInvalid
 */
export function addPackage(dir: string, text: string, source: keyof typeof KEYS = 'hub'): string {
  const at = source === 'local' ? -1 : text.lastIndexOf('@');
  const name = at > 0 ? text.slice(0, at) : text;
  const version = at > 0 ? text.slice(at + 1) : undefined;
  const [nameKey, versionKey] = KEYS[source];
  if (source === 'hub' && version === undefined)
    throw new MillraceError('DbtProjectInvalid', {
      what: `'${text}' names no version`,
      fix: 'Write it as --add-package dbt-labs/dbt_utils@1.1.1',
    });
  const file =
    ['packages.yml', 'dependencies.yml'].find((each) => existsSync(join(dir, each))) ?? 'packages.yml';
  const path = join(dir, file);
  const document = parseDocument(existsSync(path) ? readText(path) : 'packages: []\n');
  const listed = document.get('packages');
  if (!isSeq(listed)) document.set('packages', document.createNode([]));
  const packages = document.get('packages');
  if (!isSeq(packages)) throw new TypeError('A list that was just made is none');
  packages.flow = false;
  packages.items = packages.items.filter((item) => !isMap(item) || !mentions(item, name));
  packages.add(
    document.createNode({
      [nameKey]: name,
      ...(versionKey !== null &&
        version !== undefined && { [versionKey]: version.includes(',') ? version.split(',') : version }),
    }),
  );
  writeFileSync(path, document.toString());
  return file;
}

const mentions = (item: YAMLMap, name: string): boolean =>
  ['package', 'git', 'local'].some((key) => {
    const value = item.get(key);
    return typeof value === 'string' && value.includes(name);
  });
