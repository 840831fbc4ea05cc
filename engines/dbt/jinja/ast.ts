/** Where a piece of a template begins, 1-based. */
export interface Site {
  file: string;
  line: number;
  column: number;
}

export type Expression = { site: Site } & (
  | { kind: 'literal'; value: string | number | bigint | boolean | null }
  /** `1.0`: Python keeps a float apart from an int where it is printed */
  | { kind: 'float'; value: number }
  | { kind: 'name'; name: string }
  | { kind: 'list' | 'tuple'; items: Expression[] }
  | { kind: 'dict'; entries: [key: Expression, value: Expression][] }
  | { kind: 'attribute'; of: Expression; name: string }
  | { kind: 'item'; of: Expression; index: Expression }
  | { kind: 'slice'; start?: Expression; stop?: Expression; step?: Expression }
  | { kind: 'call'; callee: Expression; args: Argument[] }
  | { kind: 'filter'; input: Expression | null; name: string; args: Argument[] }
  | { kind: 'test'; input: Expression; name: string; args: Argument[]; negated: boolean }
  | { kind: 'unary'; operator: '-' | '+' | 'not'; operand: Expression }
  | { kind: 'binary'; operator: BinaryOperator; left: Expression; right: Expression }
  | { kind: 'logic'; operator: 'and' | 'or'; left: Expression; right: Expression }
  | { kind: 'compare'; first: Expression; rest: [operator: CompareOperator, operand: Expression][] }
  | { kind: 'conditional'; test: Expression; then: Expression; otherwise: Expression | null }
);
export type BinaryOperator = '+' | '-' | '*' | '/' | '//' | '%' | '**' | '~';
export type CompareOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in';

export interface Argument {
  /** `name=value`, or spread of a list (`*`) or a dict (`**`) */
  name?: string;
  spread?: '*' | '**';
  value: Expression;
}

export interface Parameter {
  name: string;
  default: Expression | null;
}

/** What may stand left of `=` or of `in`: a name, `namespace.name`, or several of them. */
export type Target =
  | { kind: 'name'; name: string }
  | { kind: 'member'; of: string; name: string }
  | { kind: 'many'; targets: Target[] };

export interface Macro {
  name: string;
  parameters: Parameter[];
  body: Statement[];
  /** extra arguments are an error unless the body reads them */
  readsVarargs: boolean;
  readsKwargs: boolean;
  site: Site;
}

export type Statement = { site: Site } & (
  | { kind: 'text'; text: string }
  | { kind: 'output'; value: Expression }
  | { kind: 'if'; branches: { test: Expression; body: Statement[] }[]; otherwise: Statement[] }
  | {
      kind: 'for';
      target: Target;
      over: Expression;
      where: Expression | null;
      recursive: boolean;
      body: Statement[];
      otherwise: Statement[];
    }
  | { kind: 'set'; target: Target; value: Expression }
  | { kind: 'setBlock'; target: Target; filters: Expression | null; body: Statement[] }
  | { kind: 'with'; assignments: { target: Target; value: Expression }[]; body: Statement[] }
  | { kind: 'macro'; macro: Macro }
  | { kind: 'call'; call: Expression; macro: Macro }
  | { kind: 'filter'; filters: Expression; body: Statement[] }
  | { kind: 'do'; value: Expression }
  | { kind: 'break' | 'continue' }
  /** dbt's `snapshot`: the text between its tags is a node of its own */
  | { kind: 'snapshot'; name: string; body: Statement[] }
  | { kind: 'docs'; name: string; text: string }
);

export interface Template {
  file: string;
  body: Statement[];
}
