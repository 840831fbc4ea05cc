import { MillraceError, type Position } from '../../../schemas/errors.js';
import { didYouMean } from '../../nearest.js';
import { fromPlain, type Dict } from '../jinja/values.js';
import type { Node, UnitRows, UnitTest } from '../manifest.js';
import { readText } from '../project/files.js';
import { csvRows, fixtureText } from './fixtures.js';
import { findRef, isDisabled } from './lookup.js';
import type { Parsing } from './parsing.js';
import type { Properties } from './properties.js';
import type { UnitTestProperties } from './property-schemas.js';
import { staticReference } from './static-call.js';

type Entry = Properties<UnitTestProperties>;
type Given = UnitTestProperties['given'][number];

/** Makes the unit tests: one for each version that is tested of a model with versions. @throws MillraceError */
export function readUnitTests(parsing: Parsing): void {
  for (const entry of parsing.properties.unit_tests) {
    const model = testedModel(parsing, entry);
    if (!model) continue;
    const tested = versionsTested(parsing, entry, model);
    for (const each of tested) parsing.put(makeUnitTest(parsing, entry, each));
  }
}

/** @returns null when the model is switched off */
function testedModel({ manifest }: Parsing, { value, yaml, path, package: owner }: Entry): Node | null {
  const [name = '', version] = value.model.split(/\s+/);
  const found = findRef(manifest, [name], owner.name, version);
  if (found?.kind === 'model') return found;
  if (isDisabled(manifest, 'ref', [name], version)) return null;
  const names = [...manifest.nodes.values()].filter(({ kind }) => kind === 'model').map((node) => node.name);
  throw new MillraceError('RefNotFound', {
    what: `The unit test '${value.name}' tests the model '${value.model}', which does not exist`,
    where: yaml.at([...path, 'model']),
    fix: didYouMean(name, names) || 'Correct the name of the model',
  });
}

function versionsTested({ manifest }: Parsing, { value, yaml, path }: Entry, model: Node): Node[] {
  const { versions } = value;
  const wrong = (what: string): MillraceError =>
    new MillraceError('DbtProjectInvalid', {
      what,
      where: yaml.at([...path, 'versions']),
      fix: 'Correct the versions of the unit test',
    });
  if (!model.version) {
    if (versions?.include || versions?.exclude)
      throw wrong(`The unit test '${value.name}' names versions, and '${model.name}' has none`);
    return [model];
  }
  const all = [...manifest.nodes.values()].filter(
    (node) => node.kind === 'model' && node.name === model.name && node.package === model.package,
  );
  const named = (list: readonly (string | number)[], node: Node): boolean =>
    list.some((version) => String(version) === String(node.version?.version));
  const { include, exclude } = versions ?? {};
  const chosen = all.filter((node) =>
    exclude ? !named(exclude, node) : include ? named(include, node) : true,
  );
  if (chosen.length === 0)
    throw wrong(`The unit test '${value.name}' names a version that '${model.name}' does not have`);
  return chosen;
}

function makeUnitTest(parsing: Parsing, entry: Entry, model: Node): Node {
  const { value, yaml, path, package: owner, below, folders } = entry;
  const suffix = model.version ? `_v${model.version.version}` : '';
  const fqn = [owner.name, ...folders, value.model, value.name];
  const patch = fromPlain({ ...value.config }) as Dict;
  if (value.tags.length > 0) patch.set('tags', value.tags);
  if (Object.keys(value.meta).length > 0) patch.set('meta', fromPlain(value.meta));
  const where = yaml.at(path);
  const at = (key: string, index?: number): Position =>
    yaml.at([...path, key, ...(index === undefined ? [] : [index])]);
  const { overrides } = value;
  const unit: UnitTest = {
    model: model.id,
    modelName: value.model,
    version: model.version?.version ?? null,
    versions: value.versions
      ? {
          ...(value.versions.include && { include: value.versions.include }),
          ...(value.versions.exclude && { exclude: value.versions.exclude }),
        }
      : null,
    given: value.given.map((given, index) => ({
      input: given.input,
      ...readRows(parsing, entry, given, at('given', index)),
    })),
    expect: readRows(parsing, entry, value.expect, at('expect')),
    overrides: {
      macros: overrides?.macros ?? {},
      vars: overrides?.vars ?? {},
      envVars: overrides?.env_vars ?? {},
    },
    where,
  };
  checkIncremental(value, unit, model, where);
  return {
    id: `unit_test.${owner.name}.${value.model}.${value.name}${suffix}`,
    kind: 'unit_test',
    name: value.name,
    package: owner.name,
    file: yaml.file,
    path: below,
    fqn,
    language: 'sql',
    template: null,
    raw: '',
    config: parsing.layers.build('unit_test', fqn, owner.name, { patch }),
    unrendered: parsing.layers.unrendered('unit_test', fqn, owner.name, { patch }),
    description: value.description ?? '',
    columns: [],
    references: [],
    dependsOn: [model.id],
    relation: null,
    ...(model.names && { names: { ...model.names, alias: value.name } }),
    unit,
    ...(model.version && { version: model.version }),
  };
}

function readRows(
  parsing: Parsing,
  { value, package: owner }: Entry,
  { rows, format, fixture, ...rest }: Pick<Given, 'rows' | 'format' | 'fixture'> & { input?: unknown },
  where: Position,
): UnitRows {
  const named = fixture ? { fixture } : {};
  const text = fixture ? fixtureText(parsing, owner, fixture, format, where) : rows;
  const wrong = (expected: string): MillraceError =>
    new MillraceError('DbtProjectInvalid', {
      what: `The unit test '${value.name}' has rows that are not in the format ${format}`,
      where,
      fix: `Write ${expected}, or name another format:`,
    });
  if (format === 'sql') {
    if (typeof text !== 'string') throw wrong('a query');
    return { format, rows: text, ...named };
  }
  if (format === 'csv') {
    if (typeof text !== 'string') throw wrong('a text with a header line');
    return { format, rows: fullRowFirst(csvRows(text)), ...named };
  }
  if ((rows === undefined || rows === null) && typeof rest.input === 'string')
    return { format, rows: seedRows(parsing, rest.input, owner.name, where) };
  if (!Array.isArray(rows)) throw wrong('a list of rows');
  return { format, rows: fullRowFirst(rows) };
}

/** an input without rows is the seed of that name */
function seedRows({ manifest }: Parsing, input: string, from: string, where: Position) {
  const reference = staticReference(input, where);
  const seed = reference?.kind === 'ref' ? findRef(manifest, reference.path, from) : undefined;
  if (seed?.kind === 'seed') return fullRowFirst(csvRows(readText(seed.absolute ?? '')));
  throw new MillraceError('DbtProjectInvalid', {
    what: `The input ${input} has no rows, and is no seed that could give some`,
    where,
    fix: 'Write rows: for it; an empty list is written as rows: []',
  });
}

/** The first row gives the columns their types, so one without a null goes first, as in dbt. */
function fullRowFirst(rows: Record<string, unknown>[]): Record<string, unknown>[] {
  const full = rows.findIndex((row) => Object.values(row).every((value) => value !== null));
  if (full <= 0) return rows;
  const ordered = [...rows];
  [ordered[0], ordered[full]] = [rows[full] as Record<string, unknown>, rows[0] as Record<string, unknown>];
  return ordered;
}

function checkIncremental(value: UnitTestProperties, unit: UnitTest, model: Node, where: Position): void {
  if (!(model.macros ?? []).includes('macro.dbt.is_incremental')) return;
  const override = unit.overrides.macros['is_incremental'];
  const fail = (what: string, fix: string): MillraceError =>
    new MillraceError('DbtProjectInvalid', { what, where, fix });
  if (typeof override !== 'boolean')
    throw fail(
      `The unit test '${value.name}' must say what is_incremental() is in '${model.name}'`,
      'Add overrides: {macros: {is_incremental: true}} (or false)',
    );
  if (override && !unit.given.some(({ input }) => input.trim() === 'this'))
    throw fail(
      `The unit test '${value.name}' of the incremental model '${model.name}' lacks an input 'this'`,
      'Add `- input: this` with the rows that the table has before',
    );
}
