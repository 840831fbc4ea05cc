import { quoteIdent } from '../../warehouse/port.js';
import { Arguments } from '../jinja/arguments.js';
import {
  PyObject,
  str,
  tuple,
  truthy,
  Undefined,
  type JinjaFunction,
  type Kwargs,
  type Value,
} from '../jinja/values.js';

export interface RelationParts {
  database: string | null;
  schema: string | null;
  identifier: string | null;
  type?: string | null;
}
type Part = 'database' | 'schema' | 'identifier';
export type Policy = Record<Part, boolean>;
const PARTS: readonly Part[] = ['database', 'schema', 'identifier'];
const ALL: Policy = { database: true, schema: true, identifier: true };
const NONE: Policy = { database: false, schema: false, identifier: false };
/** where names that nobody quotes are folded another way than dbt writes them */
const UNQUOTED = new Set(['snowflake']);

/** dbt's name of a relation class: `DuckDBRelation` */
const CLASS_NAMES: Record<string, string> = {
  duckdb: 'DuckDBRelation',
  postgres: 'PostgresRelation',
  snowflake: 'SnowflakeRelation',
};
/** types that dbt's materializations may put aside under another name; on DuckDB none */
const renameable = (adapter: string): string[] =>
  ({ postgres: ['table', 'view', 'materialized_view'], snowflake: ['table', 'view'] })[adapter] ?? [];
/** types that `create or replace` puts in one another's place */
const replaceable = (adapter: string): string[] =>
  adapter === 'snowflake' ? ['table', 'view', 'dynamic_table'] : [];
/** by which a relation and its class name the types there are */
const TYPES: Record<string, string> = {
  Table: 'table',
  View: 'view',
  CTE: 'cte',
  External: 'external',
  MaterializedView: 'materialized_view',
};

/** A table, view or ephemeral model as templates see it; prints as its quoted name. */
export class Relation extends PyObject {
  readonly typeName: string;
  private readonly quoted: Policy;

  constructor(
    readonly parts: RelationParts,
    private readonly included: Policy = ALL,
    quoted: Policy | undefined = undefined,
    private readonly adapter = 'duckdb',
  ) {
    super();
    this.quoted = quoted ?? (UNQUOTED.has(adapter) ? NONE : ALL);
    this.typeName = CLASS_NAMES[adapter] ?? 'BaseRelation';
  }

  /** an ephemeral model: the name of the common table expression that stands for it */
  static cte(name: string): Relation {
    const only = { database: false, schema: false, identifier: true };
    return new Relation({ database: null, schema: null, identifier: name, type: 'cte' }, only, {
      ...only,
      identifier: false,
    });
  }

  /** `api.Relation.create()` */
  static fromArguments(args: Value[], kwargs: Kwargs, adapter = 'duckdb'): Relation {
    const given = new Arguments('api.Relation.create()', args, kwargs);
    const parts = {
      database: given.optionalText(0, 'database'),
      schema: given.optionalText(1, 'schema'),
      identifier: given.optionalText(2, 'identifier'),
      type: given.optionalText(3, 'type'),
    };
    return new Relation(
      parts,
      policy(kwargs['include_policy']),
      kwargs['quote_policy'] === undefined ? undefined : policy(kwargs['quote_policy']),
      adapter,
    );
  }

  override attribute(name: string): Value | undefined {
    const { database, schema, identifier, type = null } = this.parts;
    if (Object.hasOwn(TYPES, name)) return TYPES[name];
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
      case 'is_dynamic_table':
        return type === 'dynamic_table';
      case 'is_pointer':
      case 'is_function':
        return false;
      case 'can_be_renamed':
        return renameable(this.adapter).includes(type ?? '');
      case 'can_be_replaced':
        return replaceable(this.adapter).includes(type ?? '');
      case 'renameable_relations':
        return renameable(this.adapter);
      case 'replaceable_relations':
        return replaceable(this.adapter);
      case 'metadata':
        return new Map<Value, Value>([['type', this.typeName]]);
      case 'path':
        return new Path({ database, schema, identifier });
      case 'quote_character':
        return '"';
      case 'include_policy':
        return new Path(this.included);
      case 'quote_policy':
        return new Path(this.quoted);
      default:
        return Object.hasOwn(METHODS, name) ? METHODS[name]?.(this) : undefined;
    }
  }

  /** a name in Python's sense of a mapping: `relation.get('metadata')` works in macros that check for one */
  override iterate(): Iterable<Value> {
    return PARTS.map((part) => tuple(part, this.parts[part]));
  }

  override equals(other: Value): boolean {
    return (
      other instanceof Relation &&
      PARTS.every((part) => other.parts[part] === this.parts[part]) &&
      (other.parts.type ?? null) === (this.parts.type ?? null)
    );
  }

  /** the quoted name */
  render(): string {
    return PARTS.flatMap((part) => {
      const value = this.parts[part];
      if (!this.included[part] || value === null || value === '') return [];
      return [this.quoted[part] ? quoteIdent(value) : value];
    }).join('.');
  }

  override toString(): string {
    return this.render();
  }

  override repr(): string {
    return `<${this.typeName} ${this.render()}>`;
  }

  including(flags: Partial<Policy>): Relation {
    return new Relation(this.parts, { ...this.included, ...flags }, this.quoted, this.adapter);
  }

  quoting(flags: Partial<Policy>): Relation {
    return new Relation(this.parts, this.included, { ...this.quoted, ...flags }, this.adapter);
  }

  with(parts: Partial<RelationParts>): Relation {
    return new Relation({ ...this.parts, ...parts }, this.included, this.quoted, this.adapter);
  }

  /** whether it is the one of that name, as `get_relation` looks for it */
  matches(parts: Partial<RelationParts>): boolean {
    return PARTS.every((part) => {
      const wanted = parts[part];
      return (
        wanted === undefined || wanted === null || wanted.toLowerCase() === this.parts[part]?.toLowerCase()
      );
    });
  }
}

const policy = (value: Value | undefined): Policy =>
  value instanceof Map ? { ...ALL, ...flagsOf(Object.fromEntries(value) as Kwargs) } : ALL;

const flagsOf = (kwargs: Kwargs): Partial<Policy> =>
  Object.fromEntries(
    PARTS.flatMap((part) => {
      const value = kwargs[part];
      return value === undefined || value === null ? [] : [[part, truthy(value)]];
    }),
  );

function partsOf(path: Value | undefined): Partial<RelationParts> {
  if (!(path instanceof Map)) return {};
  return Object.fromEntries(
    PARTS.flatMap((part) => {
      if (!path.has(part)) return [];
      const value = path.get(part) ?? null;
      return [[part, value === null || value instanceof Undefined ? null : str(value)]];
    }),
  );
}

const METHODS: Record<string, (self: Relation) => JinjaFunction> = {
  render: (self) => () => self.render(),
  include: (self) => (_args, kwargs) => self.including(flagsOf(kwargs)),
  quote: (self) => (_args, kwargs) => self.quoting(flagsOf(kwargs)),
  without_identifier: (self) => () => self.including({ identifier: false }).with({ identifier: null }),
  incorporate: (self) => (_args, kwargs) => {
    const given = new Arguments('incorporate()', [], kwargs);
    const typed = 'type' in kwargs ? { type: given.optionalText(0, 'type') } : {};
    return self.with({ ...partsOf(kwargs['path']), ...typed });
  },
  replace_path: (self) => (_args, kwargs) => self.with(partsOf(new Map(Object.entries(kwargs)))),
  replace: (self) => (_args, kwargs) => {
    const path = kwargs['path'] instanceof Path ? kwargs['path'].dict() : kwargs['path'];
    const typed = 'type' in kwargs ? { type: str(kwargs['type'] ?? null) } : {};
    return self.with({ ...partsOf(path), ...typed });
  },
  matches: (self) => (args, kwargs) => {
    const given = new Arguments('matches()', args, kwargs);
    const [database, schema, identifier] = PARTS.map((part, index) => given.optionalText(index, part));
    return self.matches({
      database: database ?? null,
      schema: schema ?? null,
      identifier: identifier ?? null,
    });
  },
  information_schema: (self) => (args) => {
    const view = args[0] === undefined || args[0] === null ? null : str(args[0]);
    return new Relation(
      { database: self.parts.database, schema: 'INFORMATION_SCHEMA', identifier: view },
      { database: self.parts.database !== null, schema: true, identifier: view !== null },
      { database: true, schema: false, identifier: false },
    );
  },
  information_schema_only: (self) => METHODS['information_schema']?.(self) as JinjaFunction,
  quoted: () => (args) => quoteIdent(str(args[0] ?? '')),
  get: (self) => (args) => self.attribute(str(args[0] ?? '')) ?? args[1] ?? null,
  to_dict: (self) => () =>
    new Map<Value, Value>(Object.entries({ path: pathDict(self), type: self.parts.type ?? null })),
};

const pathDict = (self: Relation): Map<Value, Value> =>
  new Map<Value, Value>(PARTS.map((part) => [part, self.parts[part]]));

/** The parts of a name, or a flag for each. */
class Path extends PyObject {
  readonly typeName = 'Path';
  constructor(private readonly parts: Record<Part, string | boolean | null>) {
    super();
  }
  dict(): Map<Value, Value> {
    return new Map<Value, Value>(PARTS.map((part) => [part, this.parts[part]]));
  }
  override attribute(name: string): Value | undefined {
    if (name === 'get_lowered_part')
      return (args) => String(this.parts[str(args[0] ?? '') as Part]).toLowerCase();
    return (PARTS as readonly string[]).includes(name) ? this.parts[name as Part] : undefined;
  }
  override iterate(): Iterable<Value> {
    return PARTS;
  }
  override toString(): string {
    return `Path(${PARTS.map((part) => `${part}=${String(this.parts[part])}`).join(', ')})`;
  }
}

/** `api.Relation` */
export class RelationClass extends PyObject {
  readonly typeName = 'type';
  constructor(private readonly adapter: string) {
    super();
  }
  override attribute(name: string): Value | undefined {
    if (Object.hasOwn(TYPES, name)) return TYPES[name];
    if (name === 'create') return (args, kwargs) => Relation.fromArguments(args, kwargs, this.adapter);
    if (name === 'add_ephemeral_prefix') return (args) => `__dbt__cte__${str(args[0] ?? '')}`;
    // the columns whose hash is dbt_scd_id
    if (name === 'scd_args')
      return (args) => {
        const [key = '', updatedAt = ''] = args;
        return [...(Array.isArray(key) ? key : [key]), updatedAt];
      };
    return undefined;
  }
  override toString(): string {
    return `<class '${CLASS_NAMES[this.adapter] ?? 'BaseRelation'}'>`;
  }
}
