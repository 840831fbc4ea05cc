import { quoteIdent } from '../../warehouse/port.js';
import { Arguments } from '../jinja/arguments.js';
import {
  PyObject,
  str,
  tuple,
  truthy,
  type JinjaFunction,
  type Kwargs,
  type Value,
} from '../jinja/values.js';

interface RelationParts {
  database: string | null;
  schema: string | null;
  identifier: string | null;
  type?: string | null;
}
type Part = 'database' | 'schema' | 'identifier';
const PARTS: readonly Part[] = ['database', 'schema', 'identifier'];

/** A table, view or ephemeral model as templates see it; prints as its quoted name. */
export class Relation extends PyObject {
  readonly typeName = 'DuckDBRelation';

  constructor(
    readonly parts: RelationParts,
    private readonly included: Record<Part, boolean> = { database: true, schema: true, identifier: true },
    private readonly quoted: Record<Part, boolean> = { database: true, schema: true, identifier: true },
  ) {
    super();
  }

  /** an ephemeral model: the name of the common table expression that stands for it */
  static cte(name: string): Relation {
    const only = { database: false, schema: false, identifier: true };
    return new Relation({ database: null, schema: null, identifier: name, type: 'cte' }, only, {
      ...only,
      identifier: false,
    });
  }

  static fromArguments(args: Value[], kwargs: Kwargs): Relation {
    const given = new Arguments('api.Relation.create()', args, kwargs);
    return new Relation({
      database: given.optionalText(0, 'database'),
      schema: given.optionalText(1, 'schema'),
      identifier: given.optionalText(2, 'identifier'),
      type: given.optionalText(3, 'type'),
    });
  }

  override attribute(name: string): Value | undefined {
    const { database, schema, identifier, type = null } = this.parts;
    switch (name) {
      case 'database':
      case 'schema':
      case 'identifier':
        return this.parts[name];
      case 'name':
      case 'table':
        return identifier;
      case 'type':
        return type;
      case 'is_table':
      case 'is_view':
      case 'is_cte':
        return type === name.slice(3);
      case 'is_materialized_view':
        return type === 'materialized_view';
      case 'metadata':
        return new Map<Value, Value>([['type', this.typeName]]);
      case 'path':
        return new Map<Value, Value>([
          ['database', database],
          ['schema', schema],
          ['identifier', identifier],
        ]);
      case 'include':
        return this.choose((flags) => new Relation(this.parts, { ...this.included, ...flags }, this.quoted));
      case 'quote':
        return this.choose((flags) => new Relation(this.parts, this.included, { ...this.quoted, ...flags }));
      case 'incorporate':
        return (_args, kwargs) => this.incorporate(kwargs);
      case 'without_identifier':
        return () => new Relation(this.parts, { ...this.included, identifier: false }, this.quoted);
      case 'render':
        return () => this.toString();
      case 'get':
        return (args) => this.attribute(str(args[0] ?? '')) ?? args[1] ?? null;
      default:
        return undefined;
    }
  }

  /** a name in Python's sense of a mapping: `relation.get('metadata')` works in macros that check for one */
  override iterate(): Iterable<Value> {
    return PARTS.map((part) => tuple(part, this.parts[part]));
  }

  override equals(other: Value): boolean {
    return other instanceof Relation && other.toString() === this.toString();
  }

  override toString(): string {
    return PARTS.flatMap((part) => {
      const value = this.parts[part];
      if (!this.included[part] || value === null || value === '') return [];
      return [this.quoted[part] ? quoteIdent(value) : value];
    }).join('.');
  }

  private choose(make: (flags: Partial<Record<Part, boolean>>) => Relation): JinjaFunction {
    return (_args, kwargs) =>
      make(
        Object.fromEntries(
          PARTS.flatMap((part) => (part in kwargs ? [[part, truthy(kwargs[part] ?? false)]] : [])),
        ),
      );
  }

  private incorporate(kwargs: Kwargs): Relation {
    const given = new Arguments('incorporate()', [], kwargs);
    const path = kwargs['path'] instanceof Map ? kwargs['path'] : new Map<Value, Value>();
    const parts: RelationParts = { ...this.parts };
    for (const part of PARTS) if (path.has(part)) parts[part] = (path.get(part) as string | null) ?? null;
    if ('type' in kwargs) parts.type = given.optionalText(0, 'type');
    return new Relation(parts, this.included, this.quoted);
  }
}
