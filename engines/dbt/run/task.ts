import type { Answer, RelationName, RelationType, Session } from '../../warehouse/port.js';
import { severalStatements } from '../../warehouse/several-statements.js';
import { splitStatements } from '../../warehouse/split-statements.js';
import type { Relation } from '../context/relation.js';
import { str, type Kwargs, type Value } from '../jinja/values.js';
import type { Node } from '../manifest.js';
import { Compiler, relationObject, type MacroName, type Rendering, type Substitutes } from './compile.js';
import { explainStatement } from './explain.js';
import type { Batch } from './filtered-relation.js';
import type { Job } from './job.js';
import { failedWith, Statements } from './statements.js';

/** One relation that is to be made, and the means to make it. All of it is one transaction of the warehouse. */
export interface Task {
  readonly job: Job;
  readonly node: Node;
  readonly session: Session;
  /** what is made: the live relation, or the one beside it that waits for its tests */
  readonly target: RelationName;
  /** what stands there now; of a model that goes on with its former rows, an audited target holds a copy of them */
  readonly there: RelationType | null;
  /** of a microbatch model: the part that is built */
  readonly batch: Batch | undefined;
  /** @returns the node's SQL; rendered once */
  compile(): Promise<string>;
  /** Calls a macro in the node's context. @returns its text, or what it returned */
  call(macro: MacroName, args?: Value[], kwargs?: Kwargs): Promise<Value>;
  /** The same, for macros that give SQL. */
  macro(macro: MacroName, args?: Value[], kwargs?: Kwargs): Promise<string>;
  /** Renders a text of the node's config. */
  text(template: string): Promise<string>;
  /** Runs one or several statements; nothing where there is none. */
  run(sql: string): Promise<Answer | null>;
  /** The target as templates see it, with another ending of its name where one is given. */
  relation(type: RelationType, ending?: string): Relation;
}

/** What a materialization has made. */
export interface Made {
  type: RelationType;
  /** rows of a table, or those that were added or changed; null where nothing tells */
  rows: number | null;
  /** it went on with the rows that were there */
  continued?: boolean;
  /** dbt's adapter_response, where it says more than the count of rows */
  response?: Record<string, unknown>;
}

/** Makes a node's relation in the target's place. */
export type Materialization = (task: Task) => Promise<Made>;

export interface Making {
  job: Job;
  node: Node;
  session: Session;
  target: RelationName;
  there: RelationType | null;
  /** what templates ask, if not the session itself */
  asking?: Session | undefined;
  batch?: Batch | undefined;
  /** names for the node's templates that win over all others */
  names?: Readonly<Record<string, Value>> | undefined;
  /** the SQL, where it is known already */
  compiled?: string | undefined;
}

export class NodeTask implements Task {
  readonly job: Job;
  readonly node: Node;
  readonly session: Session;
  readonly target: RelationName;
  readonly there: RelationType | null;
  readonly batch: Batch | undefined;
  readonly statements = new Statements();
  private readonly compiler: Compiler;
  private readonly substitutes: Substitutes;
  private readonly names: Readonly<Record<string, Value>>;
  private readonly asking: Session;
  private compiled: Promise<string> | undefined;

  constructor({ job, node, session, target, there, asking, batch, names, compiled }: Making) {
    this.job = job;
    this.node = node;
    this.session = session;
    this.target = target;
    this.there = there;
    this.batch = batch;
    this.names = names ?? {};
    this.asking = asking ?? session;
    this.compiler = new Compiler(job.environment, this.asking, job.signal);
    this.substitutes = new Map([[node.id, target]]);
    if (compiled !== undefined) this.compiled = Promise.resolve(compiled);
  }

  async compile(): Promise<string> {
    this.compiled ??= this.compiler.compile(this.node, this.substitutes, {
      batch: this.batch,
      names: this.names,
    });
    const sql = await this.compiled;
    const { dialect } = this.job.warehouse;
    // it stands inside a statement of ours, and must not end that one and begin another
    if (sql.includes(';') && splitStatements(sql, dialect).length > 1)
      throw severalStatements().at({ file: this.node.file });
    return sql;
  }

  async call(macro: MacroName, args: Value[] = [], kwargs: Kwargs = {}): Promise<Value> {
    return this.compiler.call(this.node, macro, args, { kwargs, ...(await this.rendering()) });
  }

  async macro(macro: MacroName, args?: Value[], kwargs?: Kwargs): Promise<string> {
    return str(await this.call(macro, args, kwargs));
  }

  /** Renders and runs a hook: unlike a materialization, it may do anything. */
  async hook(template: string): Promise<void> {
    const sql = await this.text(template);
    if (!isBlank(sql)) await this.execute(this.asking, sql);
  }

  async text(template: string): Promise<string> {
    return this.compiler.text(this.node, template, await this.rendering());
  }

  async run(sql: string): Promise<Answer | null> {
    return isBlank(sql) ? null : this.execute(this.session, sql);
  }

  private async execute(session: Session, sql: string): Promise<Answer> {
    const { statements } = this;
    statements.add(sql);
    try {
      const answer = await session.execute(sql, { signal: this.job.signal });
      statements.answered(answer);
      return answer;
    } catch (cause) {
      const compiled = await this.compiled;
      const explained = explainStatement(cause, this.node, sql, compiled);
      throw failedWith(explained, {
        ...(compiled !== undefined && { compiled }),
        built: statements.told().built ?? '',
      });
    }
  }

  relation(type: RelationType, ending = ''): Relation {
    const { target } = this;
    const name = { ...target, name: target.name + ending };
    return relationObject(name, type, this.job.environment.target);
  }

  private async rendering(): Promise<Rendering> {
    const compiled = await this.compiled;
    return {
      ...{ substitutes: this.substitutes, batch: this.batch, compiled },
      names: {
        ...this.names,
        ...(compiled !== undefined && { sql: compiled, compiled_code: compiled }),
      },
    };
  }
}

/** Nothing but blanks, comments and semicolons: there is nothing to run. */
export const isBlank = (sql: string): boolean => /^(?:\s|;|--[^\n]*(?:\n|$)|\/\*[^]*?\*\/)*$/.test(sql);
