import { isDeepStrictEqual } from 'node:util';
import type { Column } from '../../schemas/column.js';
import { MillraceError, type Position } from '../../schemas/errors.js';
import type { Batch, BronzeSchema } from '../../schemas/lake.js';
import type { Contract, ContractMode } from '../../schemas/stream.js';
import { sameType, widen } from './types.js';

/** A column as it came. */
export interface IncomingColumn {
  name: string;
  /** absent where the values are texts that are cast to whatever the stream has: delimited and fixed-width text */
  type?: string | undefined;
  /** holds what came where the stream has an object whose members are columns: a value of another type, no new column */
  stray?: boolean | undefined;
}

export interface PlannedColumn {
  /** in bronze */
  name: string;
  type: string;
  /** the incoming column; null when the batch has none and the value is null */
  from: string | null;
  /**
   * what becomes of a value that is not null and does not fit `type`: `none` can't be; `reject` sends its row to
   * quarantine; `discard` makes it null and counts it; `variant` makes it null and keeps it as text in the column
   * whose `variantOf` is this one's name
   */
  misfit: 'none' | 'reject' | 'discard' | 'variant';
  /** holds, as text (nested values as JSON), what did not fit that column; it may be left out when nothing needed it */
  variantOf?: string;
}

export interface SchemaChange {
  column: string;
  change: 'new' | 'gone' | 'retyped';
  from?: string;
  to?: string;
}

export interface ColumnPlan {
  /** columns of the batch's files, in order; their names and types are the batch's schema */
  columns: PlannedColumn[];
  /** incoming columns that bronze does not take: a row with a value there is rejected, or its value left out and counted */
  leftOut: { name: string; then: 'reject' | 'discard'; stray?: true }[];
  /** why each row is rejected, where the whole batch lacks a column that the contract insists on */
  rejectAll: string | null;
  /** against the stream as it was; empty for its first batch */
  changes: SchemaChange[];
}

interface PlanInput {
  /** {@link currentSchema} of the stream's batches; undefined before the first */
  current: BronzeSchema | undefined;
  incoming: IncomingColumn[];
  contract: Contract;
  /** by name in bronze: declared types, and which columns must have a value */
  declared?: Record<string, Column> | undefined;
  /** rows need not have every column (JSON): what is missing is null, and nobody calls it gone */
  sparse?: boolean | undefined;
  /** for messages: `source.stream` and the file */
  stream: string;
  where: Position;
}

/**
 * Decides which columns a batch has in bronze. Columns are known by name, without regard to case; their order is the
 * stream's, then that of the file. Pure: the same inputs give the same plan.
 *
 * @throws MillraceError SchemaMismatch naming every column that the contract does not let come, go or change
 */
export function planColumns(input: PlanInput): ColumnPlan {
  const { contract, incoming, stream, where } = input;
  const base = baseOf(input);
  const known = new Map(base?.map((column) => [lower(column.name), column]));
  const came = new Map(incoming.map((column) => [lower(column.name), column]));
  const plan: ColumnPlan = { columns: [], leftOut: [], rejectAll: null, changes: [] };
  const broken: string[] = [];
  const report = (change: SchemaChange): void => {
    if (input.current) plan.changes.push(change);
  };

  for (const column of base ?? []) {
    const { name, type, required } = column;
    const variant = variantBase(name, known);
    const one = came.get(lower(name));
    if (variant) {
      if (one) broken.push(`'${name}' is the name of the texts that do not fit '${variant}'`);
    } else if (!one) {
      if (input.sparse) plan.columns.push({ name, type, from: null, misfit: 'none' });
      else if (contract.columns === 'freeze') broken.push(`'${name}' (${type}) is gone`);
      else if (contract.columns === 'discard_row' || required) plan.rejectAll ??= `column "${name}" is gone`;
      else report({ column: name, change: 'gone', from: type });
    } else plan.columns.push(...planKnown(column, one, contract.types, broken, report));
  }
  for (const { name, type, stray } of incoming) {
    if (known.has(lower(name))) continue;
    const shown = type ?? 'text';
    const mode = stray ? strayMode(contract) : contract.columns;
    if (base && mode === 'freeze' && !stray) broken.push(`'${name}' (${shown}) is new`);
    else if (base && mode !== 'evolve') {
      const then = mode === 'discard_value' ? 'discard' : 'reject';
      plan.leftOut.push({ name, then, ...(stray && { stray }) });
    } else {
      plan.columns.push({ name, type: shown, from: name, misfit: 'none' });
      report({ column: name, change: 'new', to: shown });
    }
  }
  if (broken.length > 0) throw schemaMismatch(broken, stream, where);
  return plan;
}

/** What does not fit may be kept in a column only where columns may come. */
const strayMode = ({ columns, types }: Contract): ContractMode =>
  types === 'evolve' && columns !== 'evolve' ? 'discard_row' : types;

/** The schema a batch's files get by a plan. */
export const plannedSchema = (columns: PlannedColumn[]): BronzeSchema =>
  columns.map(({ name, type }) => ({ name, type }));

/**
 * The columns of a stream: those of all its batches, each as wide as its widest, in the order in which they came.
 * @returns undefined when there is no batch yet
 */
export function currentSchema(batches: readonly Pick<Batch, 'schema'>[]): BronzeSchema | undefined {
  let schema: BronzeSchema | undefined;
  for (const batch of batches) schema = joinSchemas(schema, batch.schema);
  return schema;
}

/** {@link currentSchema} of a stream and one more batch. */
export function joinSchemas(schema: BronzeSchema | undefined, next: BronzeSchema): BronzeSchema {
  if (!schema || schema === next) return next;
  // nearly every batch has the columns of the one before
  if (isDeepStrictEqual(schema, next)) return schema;
  const joined = new Map(schema.map((column) => [lower(column.name), column]));
  for (const { name, type } of next) {
    const mine = joined.get(lower(name));
    if (mine?.type === type) continue;
    // what no type but text holds exactly, text does
    joined.set(lower(name), {
      name: mine?.name ?? name,
      type: mine ? (widen(mine.type, type) ?? 'text') : type,
    });
  }
  return [...joined.values()];
}

export interface SchemaVersion {
  /** key of the batch that brought it */
  batch: string;
  /** when that batch was read */
  at: string;
  changes: SchemaChange[];
}

/** What changed of a stream's shape, oldest first; its first batch brings every column as new. */
export function schemaHistory(
  batches: readonly Pick<Batch, 'key' | 'schema' | 'extractedAt'>[],
): SchemaVersion[] {
  const history: SchemaVersion[] = [];
  let schema: BronzeSchema = [];
  let last: BronzeSchema = [];
  for (const batch of batches) {
    if (batch.schema !== last) {
      const changes = differences(schema, last, batch.schema);
      if (changes.length > 0) history.push({ batch: batch.key, at: batch.extractedAt, changes });
      schema = joinSchemas(schema, batch.schema);
      last = batch.schema;
    }
  }
  return history;
}

/** What batches have brought to the columns of the stream as it was before them, for people; nothing for the first. */
export function broughtBy(
  before: BronzeSchema | undefined,
  batches: readonly Pick<Batch, 'schema'>[],
): { column: string; type: string; was?: string }[] {
  if (!before) return [];
  const after = currentSchema([{ schema: before }, ...batches]) ?? [];
  const was = new Map(before.map(({ name, type }) => [lower(name), type]));
  return after.flatMap(({ name, type }) => {
    const old = was.get(lower(name));
    if (old === undefined) return [{ column: name, type }];
    return sameType(old, type) ? [] : [{ column: name, type, was: old }];
  });
}

function differences(schema: BronzeSchema, last: BronzeSchema, next: BronzeSchema): SchemaChange[] {
  const joined = new Map(joinSchemas(schema, next).map(({ name, type }) => [lower(name), type]));
  const was = new Map(schema.map(({ name, type }) => [lower(name), type]));
  const before = new Set(last.map(({ name }) => lower(name)));
  const after = new Set(next.map(({ name }) => lower(name)));
  const variants = new Map(schema.map((column) => [lower(column.name), column]));
  return [
    ...next.flatMap(({ name, type }): SchemaChange[] => {
      const [from, to] = [was.get(lower(name)), joined.get(lower(name))];
      if (from === undefined) return [{ column: name, change: 'new', to: type }];
      if (to !== undefined && !sameType(from, to)) return [{ column: name, change: 'retyped', from, to }];
      const back = !before.has(lower(name)) && !variantBase(name, variants);
      return back ? [{ column: name, change: 'new', to: type }] : [];
    }),
    ...last
      .filter(({ name }) => !after.has(lower(name)) && !variantBase(name, variants))
      .map(({ name, type }): SchemaChange => ({ column: name, change: 'gone', from: type })),
  ];
}

interface KnownColumn {
  name: string;
  type: string;
  declared?: string | undefined;
  required?: boolean | undefined;
}

/** What the batch is held against: the stream's columns, or before the first batch the declared ones. */
function baseOf({ current, declared, contract, stream, where }: PlanInput): KnownColumn[] | undefined {
  const types = new Map(
    Object.entries(declared ?? {}).map(([name, column]) => {
      const { type, required = false } = typeof column === 'string' ? { type: column } : column;
      return [lower(name), { name, type, required }];
    }),
  );
  if (!current) return declared && [...types.values()].map((one) => ({ ...one, declared: one.type }));
  const broken: string[] = [];
  const base = current.map(({ name, type }): KnownColumn => {
    const { type: said, required } = types.get(lower(name)) ?? {};
    if (said === undefined || sameType(said, type)) return { name, type, declared: said, required };
    const wide = said === 'text' ? 'text' : widen(type, said);
    const mayChange = contract.types === 'evolve' || (wide !== null && sameType(wide, type));
    if (!wide || !mayChange) broken.push(`'${name}' is declared ${said} and was ${type}`);
    return { name, type, declared: wide ?? said, required };
  });
  if (broken.length > 0) throw schemaMismatch(broken, stream, where);
  return base;
}

/** A column that the stream has and that came again. */
function planKnown(
  { name, type, declared, required }: KnownColumn,
  { name: from, type: came }: IncomingColumn,
  mode: ContractMode,
  broken: string[],
  report: (change: SchemaChange) => void,
): PlannedColumn[] {
  let target = declared ?? type;
  if (!sameType(target, type)) report({ column: name, change: 'retyped', from: type, to: target });
  if (came !== undefined && mode === 'evolve' && declared === undefined) {
    const wide = target === 'text' ? null : widen(target, came);
    if (wide && !sameType(wide, target)) {
      report({ column: name, change: 'retyped', from: type, to: wide });
      target = wide;
    }
  }
  const wide = came === undefined ? null : widen(target, came);
  const surely =
    target === 'text' ? mode === 'evolve' || came === undefined : wide !== null && sameType(wide, target);
  if (surely || (came !== undefined && sameType(came, target)))
    return [{ name, type: target, from, misfit: 'none' }];
  if (mode === 'freeze' && came !== undefined && declared === undefined) {
    broken.push(`'${name}' is ${came} and was ${type}`);
    return [];
  }
  // a row without a value is not to be loaded, whatever was in its place
  const misfit = required ? 'reject' : MISFITS[mode];
  const planned: PlannedColumn = { name, type: target, from, misfit };
  if (misfit !== 'variant') return [planned];
  return [planned, { name: variantName(name), type: 'text', from, misfit: 'none', variantOf: name }];
}

const MISFITS = {
  evolve: 'variant',
  freeze: 'reject',
  discard_row: 'reject',
  discard_value: 'discard',
} as const;

const VARIANT = '__variant';
export const variantName = (column: string): string => `${column}${VARIANT}`;

/** Whether the name is that of a column for the misfits of another one. */
export const isVariant = (name: string, schema: BronzeSchema): boolean =>
  variantBase(name, new Map(schema.map((column) => [lower(column.name), column]))) !== undefined;

/** @returns the column whose misfits this one holds */
function variantBase(name: string, known: Map<string, { name: string }>): string | undefined {
  return name.endsWith(VARIANT) ? known.get(lower(name.slice(0, -VARIANT.length)))?.name : undefined;
}

const lower = (name: string): string => name.toLowerCase();

export const schemaMismatch = (broken: string[], stream: string, where: Position): MillraceError =>
  new MillraceError('SchemaMismatch', {
    what: `The columns differ from those of the stream ${stream}: ${broken.join(', ')}`,
    where,
    fix: 'Its contract freezes them. Restore the old columns in the file or the declaration, let the contract evolve, or declare a new stream for the new shape',
  });
