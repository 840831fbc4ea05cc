import { MillraceError } from '../../../schemas/errors.js';
import { quoteIdent, type ColumnInfo, type RelationName, type Session } from '../../warehouse/port.js';
import type { Environment } from '../context/environment.js';
import { fromPlain, str, type Value } from '../jinja/values.js';
import type { Node, SourceTable, UnitRows, UnitTest } from '../manifest.js';
import { findRef, findSource } from '../parse/lookup.js';
import { requiredReference } from '../parse/static-call.js';
import type { Compiler } from './compile.js';
import { readSeed } from './seed.js';

/** Rows that stand for what a model reads, as a common table expression. */
export interface UnitInput {
  /** id of what they stand for; the model's own for `this` */
  id: string;
  name: string;
  sql: string;
}

/** Where the rows of a unit test get their types from. */
export class UnitInputs {
  constructor(
    private readonly environment: Environment,
    private readonly compiler: Compiler,
    private readonly session: Session,
    private readonly signal: AbortSignal | undefined,
    private readonly node: Node,
    private readonly model: Node,
  ) {}

  /** @throws MillraceError RefNotFound, DbtProjectInvalid, SqlError, JinjaError */
  async read(given: UnitTest['given']): Promise<UnitInput[]> {
    const inputs: UnitInput[] = [];
    const names = new Set<string>();
    for (const { input, ...rows } of given) {
      const read = this.resolve(input);
      const base = `__dbt__cte__${read.relation?.name ?? read.name}`;
      let name = base;
      for (let count = 2; names.has(name); count++) name = `${base}_${count}`;
      names.add(name);
      inputs.push({
        id: read.id,
        name,
        sql: await this.rows(rows, () => this.columnsOf(read), `'${read.name}'`),
      });
    }
    return inputs;
  }

  /**
   * @param columns names and types that the rows have
   * @param of how errors call the rows
   * @returns rows as a query
   */
  async rows(
    { format, rows }: UnitRows,
    columns: () => Promise<readonly ColumnInfo[]>,
    of: string,
    macro = 'get_fixture_sql',
  ): Promise<string> {
    if (format === 'sql') return (await this.compiler.text(this.model, str(fromPlain(rows)))).trim();
    const list = Array.isArray(rows) ? rows : [];
    const known = await columns();
    const types = new Map<Value, Value>(known.map(({ name, type }) => [name.toLowerCase(), type]));
    const quoted = new Map<Value, Value>(known.map(({ name }) => [name.toLowerCase(), quoteIdent(name)]));
    for (const row of list)
      for (const name of Object.keys(row))
        if (!types.has(name.toLowerCase()))
          throw this.invalid(
            `Invalid column name: '${name}' in unit test fixture for ${of}`,
            `Accepted columns for ${of} are: ${[...types.keys()].map(str).join(', ')}`,
          );
    return str(await this.compiler.call(this.model, macro, [fromPlain(list), types, quoted])).trim();
  }

  private resolve(input: string): Node | SourceTable {
    const text = input.trim();
    if (text === 'this') return this.model;
    const { manifest } = this.environment;
    const where = this.node.unit?.where ?? {};
    const { kind, path, version } = requiredReference(text, `Unit test '${this.node.name}'`, where);
    const from = this.model.package;
    const found = kind === 'ref' ? findRef(manifest, path, from, version) : findSource(manifest, path, from);
    if (found) return found;
    throw new MillraceError('RefNotFound', {
      what: `Unit test '${this.node.name}' has an input (${text}) which does not exist`,
      where,
      fix: "Write ref('…'), source('…', '…') or this, as the model does",
    });
  }

  /** Of the relation where there is one, else of the query or file that would make it. */
  private async columnsOf(read: Node | SourceTable): Promise<readonly ColumnInfo[]> {
    const { deferred } = this.environment;
    for (const relation of [read.relation, deferred?.get(read.id)]) {
      const there = relation && (await this.describe(relation));
      if (there) return there;
    }
    if (read.kind === 'seed') return readSeed(read).columns;
    if (read.kind !== 'source') {
      const sql = await this.compiler.compile(read, undefined, { names: { is_incremental: () => false } });
      return this.queryColumns(read, sql);
    }
    const declared = read.columns.flatMap(({ name, dataType }) =>
      dataType === undefined ? [] : [{ name, type: dataType }],
    );
    if (declared.length > 0 && declared.length === read.columns.length) return declared;
    throw this.invalid(
      `Not able to get columns for unit test '${this.node.name}' from ${read.id} because the relation does not exist`,
      'Load the source first, give its columns a data_type in YAML, or use format: sql',
    );
  }

  /** @returns names and types of what a query would give */
  async queryColumns(node: Node, sql: string): Promise<ColumnInfo[]> {
    const empty = str(await this.compiler.call(node, 'get_empty_subquery_sql', [sql]));
    return (await this.session.execute(empty, { signal: this.signal })).columns;
  }

  private async describe(relation: RelationName): Promise<readonly ColumnInfo[] | null> {
    return (await this.session.describe(relation, { signal: this.signal }))?.columns ?? null;
  }

  private invalid(what: string, fix: string): MillraceError {
    return new MillraceError('DbtProjectInvalid', { what, where: this.node.unit?.where ?? {}, fix });
  }
}
