import type { Position } from '../../../schemas/errors.js';
import type { Node } from '../manifest.js';
import { columnTags, versionColumns } from './columns.js';
import type { TestedThing, TestEntry } from './generic-test.js';
import { genericTest } from './generic-test.js';
import type { Parsing } from './parsing.js';
import type { Properties } from './properties.js';
import type { Column, NodeProperties } from './property-schemas.js';
import { yamlContext } from './read-node.js';
import type { DeclaredTable } from './sources.js';
import type { Scope } from '../jinja/scope.js';
import type { Package } from '../project/package.js';

type Tests = { tests: TestEntry['entry'][]; data_tests: TestEntry['entry'][] };
interface Place {
  entry: Properties<unknown>;
  path: (string | number)[];
  /** its columns as the file lists them */
  columns: readonly Column[];
  quote: boolean | null | undefined;
  tags: string[];
}

/** Makes a node of every generic test that property files attach to a model, seed, snapshot or source. */
export class GenericTests {
  private readonly scopes = new Map<Package, Scope>();

  constructor(private readonly parsing: Parsing) {}

  /** @throws MillraceError DbtProjectInvalid, JinjaError, DuplicateNode */
  read(owner: Package): void {
    const sections = { model: 'models', seed: 'seeds', snapshot: 'snapshots' } as const;
    const entries = (['model', 'seed', 'snapshot'] as const).flatMap((kind) =>
      this.parsing.properties[sections[kind]]
        .filter((entry) => entry.package === owner)
        .map((entry) => ({ kind, entry })),
    );
    const files = [...new Set(entries.map(({ entry }) => entry.yaml))];
    for (const yaml of files)
      for (const { kind, entry } of entries) if (entry.yaml === yaml) this.ofEntry(kind, entry);
  }

  /** @throws MillraceError DbtProjectInvalid, JinjaError, DuplicateNode */
  readSources(tables: readonly DeclaredTable[]): void {
    for (const { entry, source, table, path } of tables) {
      const names = [source.name, table.name];
      const thing: TestedThing = {
        expression: `source('${source.name}', '${table.name}')`,
        reference: { kind: 'source', path: names },
        ...{ name: names.join('_'), isSource: true, id: null, group: null },
      };
      const quote = table.quote_columns ?? source.quote_columns;
      const place = { entry, path, quote, columns: table.columns, tags: [...source.tags, ...table.tags] };
      this.testsOf(place, table.columns, table, thing);
    }
  }

  private ofEntry(kind: Node['kind'], entry: Properties<NodeProperties>): void {
    const { value, package: owner, path } = entry;
    const { name } = value;
    const place = { entry, path, quote: value.quote_columns, columns: value.columns, tags: [] };
    if (value.versions.length === 0) {
      const found = this.node(kind, owner, name);
      const thing = { expression: `ref('${name}')`, reference: { kind: 'ref' as const, path: [name] }, name };
      this.testsOf(place, value.columns, value, { ...thing, ...attached(found) });
      return;
    }
    for (const version of value.versions) {
      const text = String(version.v);
      const found = this.node(kind, owner, `${name}.v${text}`);
      const own = { tests: version.tests ?? [], data_tests: version.data_tests ?? [] };
      const declared = version.data_tests || own.tests.length > 0;
      this.testsOf(place, versionColumns(value, version), declared ? own : value, {
        expression: `ref('${name}', version='${text}')`,
        reference: { kind: 'ref', path: [name], version: text },
        name: `${name}_v${text}`,
        ...attached(found),
      });
    }
  }

  private node(kind: Node['kind'], owner: Package, name: string): Node | undefined {
    const { manifest, environment } = this.parsing;
    for (const each of [owner, ...environment.packages]) {
      const id = `${kind}.${each.name}.${name}`;
      const found = manifest.nodes.get(id) ?? (manifest.disabled.get(id) as Node | undefined);
      if (found) return found;
    }
    return undefined;
  }

  private testsOf(place: Place, columns: readonly Column[], tests: Tests, thing: TestedThing): void {
    const { path } = place;
    for (const column of columns) {
      const at = place.columns.indexOf(column);
      const quote = column.quote ?? place.quote;
      const tested = { name: column.name, quote, tags: columnTags(column) };
      this.take(place, column, [...path, ...(at < 0 ? [] : ['columns', at])], tested, thing);
    }
    this.take(place, tests, path, null, thing);
  }

  private take(
    { entry, tags }: Place,
    declared: Tests,
    path: (string | number)[],
    column: TestEntry['column'],
    thing: TestedThing,
  ): void {
    const { yaml, package: owner, folders } = entry;
    for (const key of ['tests', 'data_tests'] as const)
      for (const [index, test] of declared[key].entries()) {
        const given = { entry: test, column, tags, thing, package: owner, folders, file: yaml.file };
        const where = (): Position => yaml.at([...path, key, index]);
        this.parsing.put(genericTest(this.parsing, { ...given, where }, this.scope(owner)));
      }
  }

  private scope(owner: Package): Scope {
    let scope = this.scopes.get(owner);
    if (!scope) {
      scope = yamlContext(this.parsing.environment, owner.name).root();
      this.scopes.set(owner, scope);
    }
    return scope;
  }
}

const attached = (node: Node | undefined) => ({
  isSource: false,
  id: node?.id ?? null,
  group: node?.group ?? null,
});
