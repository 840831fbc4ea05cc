import { createHash } from 'node:crypto';
import { MillraceError } from '../../../schemas/errors.js';
import type { Batch, BronzeSchema } from '../../../schemas/lake.js';
import { contentKey } from '../../lake/content.js';
import { currentSchema } from '../../lake/contract.js';
import { duckType } from '../../lake/types.js';
import { nearest } from '../../nearest.js';
import { quoteIdent, quoteRelation, type Session } from '../port.js';
import { applyStep, PAST_COLUMNS, STATE_COLUMNS, type KeyedTables } from './apply-step.js';
import type { KeyedSpec } from './keyed-spec.js';
import { LANDING, type LandingRecord } from './records.js';
import { castTo, withLineage, type LocalFile } from './rows.js';
import { joinSteps, stepsOf, type Step } from './steps.js';

/** A stream whose relation has one row, or one at a time, for each key. */
export interface KeyedStream {
  source: string;
  stream: string;
  kind: 'merge' | 'scd2' | 'changes';
  /** where the project says them; a replicated table's batches do otherwise */
  keys?: string[] | undefined;
  deleteWhen?: string | undefined;
  /** its rows are changes from a journal of IBM i */
  journal?: boolean | undefined;
  /** it is read interval by interval: they give the order of its rows, and from when they hold */
  dated?: boolean | undefined;
}

export type KeyedRecord = NonNullable<LandingRecord['keyed']>;

export const keyedTables = ({ source, stream, kind }: KeyedStream): KeyedTables => {
  const table = (name: string): string =>
    quoteRelation({ schema: LANDING, name: `${source}.${stream}.${name}` });
  return { state: table('state'), ...(kind === 'merge' ? {} : { past: table('past') }) };
};

/** Batches that a landing from `record` on reads; for fetching them before a transaction begins. */
export function batchesToLand(
  stream: KeyedStream,
  batches: readonly Batch[],
  record: KeyedRecord | null | undefined,
): Batch[] {
  const steps = stepsOf(batches, stream.dated);
  return steps.slice(stepsDone(steps, ruleOf(stream, batches), record)).flatMap((step) => step.batches);
}

/**
 * Brings a keyed relation's tables to what the batches say, from where they are: new steps are applied, and only when
 * an earlier one is no longer what it was they are made anew. Either way they hold what making them anew would give.
 * The session is that of a transaction, which also writes the record that is returned.
 *
 * @throws MillraceError ProjectInvalid for a key or `deleteWhen` that does not fit the columns; SchemaMismatch for rows
 *   without their key
 */
export async function landKeyed(
  session: Session,
  stream: KeyedStream,
  batches: readonly Batch[],
  record: KeyedRecord | null | undefined,
  localFile: LocalFile,
): Promise<KeyedRecord | null> {
  const steps = stepsOf(batches, stream.dated);
  const rule = ruleOf(stream, batches);
  const schema = currentSchema(steps.flatMap((step) => step.batches));
  if (!schema) return record ? await dropKeyed(session, stream) : null;
  const spec = specOf(stream, schema, keysOf(stream, batches));
  const tables = keyedTables(stream);
  const done = stepsDone(steps, rule, record);
  if (done === 0 || !record) await createTables(session, tables, schema);
  else if (JSON.stringify(record.schema) !== JSON.stringify(schema))
    await reshape(session, tables, record.schema, schema);
  try {
    for (const step of joinSteps(steps.slice(done))) {
      await applyStep(session, tables, spec, step, localFile, `${stream.source}.${stream.stream}`);
    }
  } catch (error) {
    throw explained(error, stream);
  }
  return { rule, steps: steps.length, digest: digestOf(steps), schema };
}

export async function dropKeyed(session: Session, stream: KeyedStream): Promise<null> {
  for (const name of ['state', 'past'])
    await session.run(
      `drop table if exists ${quoteRelation({ schema: LANDING, name: `${stream.source}.${stream.stream}.${name}` })}`,
    );
  return null;
}

/** How many of the steps the tables hold already; none when they hold others, or by another rule. */
function stepsDone(steps: readonly Step[], rule: string, record: KeyedRecord | null | undefined): number {
  if (!record || record.rule !== rule || record.steps > steps.length) return 0;
  return digestOf(steps.slice(0, record.steps)) === record.digest ? record.steps : 0;
}

function digestOf(steps: readonly Step[]): string {
  const hash = createHash('sha256');
  for (const { kind, batches } of steps) hash.update(`${kind}:${batches.map(({ key }) => key).join(',')}\n`);
  return hash.digest('hex').slice(0, 24);
}

const ruleOf = (stream: KeyedStream, batches: readonly Batch[]): string =>
  contentKey(
    ...[stream.kind, keysOf(stream, batches), stream.deleteWhen],
    ...[...(stream.journal ? ['journal'] : []), ...(stream.dated ? ['dated'] : [])],
  );

const keysOf = ({ keys }: KeyedStream, batches: readonly Batch[]): string[] =>
  keys ?? batches.findLast(({ rowKey }) => rowKey !== undefined)?.rowKey ?? [];

function specOf(stream: KeyedStream, schema: BronzeSchema, keys: string[]): KeyedSpec {
  const names = schema.map(({ name }) => name);
  const unknown = keys.find((key) => !names.some((name) => name.toLowerCase() === key.toLowerCase()));
  if (keys.length === 0 || unknown !== undefined) {
    const near = unknown === undefined ? undefined : nearest(unknown, names);
    throw new MillraceError('ProjectInvalid', {
      what:
        unknown === undefined
          ? `Nothing tells the rows of ${stream.source}.${stream.stream} apart`
          : `${stream.source}.${stream.stream} has no column '${unknown}', which is to be its key`,
      where: { path: `sources.${stream.source}.streams.${stream.stream}` },
      fix: near ? `Did you mean '${near}'?` : `Name key columns; it has ${names.join(', ')}`,
    });
  }
  return {
    schema,
    keys,
    changes: stream.kind === 'changes',
    journal: stream.journal ?? false,
    dated: stream.dated ?? false,
    strict: stream.kind !== 'changes',
    deleted: deletion(stream.deleteWhen, names),
    collapse: stream.kind === 'scd2',
  };
}

/** A column means deletion where it is true, or has a value that is no boolean, such as the time of the deletion. */
function deletion(deleteWhen: string | undefined, names: string[]): string {
  if (deleteWhen === undefined) return 'false';
  const column = names.find((name) => name === deleteWhen);
  if (column === undefined) return `coalesce((${deleteWhen}\n)::boolean, false)`;
  const value = quoteIdent(column);
  return `coalesce(try_cast(${value}::varchar as boolean), ${value} is not null)`;
}

async function createTables(
  session: Session,
  { state, past }: KeyedTables,
  schema: BronzeSchema,
): Promise<void> {
  const columns = withLineage(schema).map(({ name, type }) => `${quoteIdent(name)} ${duckType(type)}`);
  await session.run(`create or replace table ${state} (${columns.join(', ')}, ${STATE_COLUMNS})`);
  if (past) await session.run(`create or replace table ${past} (${columns.join(', ')}, ${PAST_COLUMNS})`);
}

/** The same rows with the columns that the stream has now: new ones are null, widened ones cast. */
async function reshape(
  session: Session,
  { state, past }: KeyedTables,
  was: BronzeSchema,
  schema: BronzeSchema,
): Promise<void> {
  const types = new Map(withLineage(was).map((column) => [column.name.toLowerCase(), column]));
  const columns = withLineage(schema).map(({ name, type }) => {
    const mine = types.get(name.toLowerCase());
    const value = mine ? castTo(quoteIdent(mine.name), mine.type, type) : `null::${duckType(type)}`;
    return `${value} as ${quoteIdent(name)}`;
  });
  const rewrite = (table: string, more: string): Promise<number> =>
    session.run(`create or replace table ${table} as select ${columns.join(', ')}, ${more} from ${table}`);
  await rewrite(state, namesOf(STATE_COLUMNS));
  if (past) await rewrite(past, namesOf(PAST_COLUMNS));
}

const namesOf = (columns: string): string =>
  columns
    .split(', ')
    .map((column) => column.split(' ')[0])
    .join(', ');

/** What is wrong in SQL that a project declares is a fault of the project, with its place there. */
function explained(error: unknown, { source, stream, deleteWhen }: KeyedStream): unknown {
  if (deleteWhen === undefined || !(error instanceof MillraceError) || error.type !== 'SqlError')
    return error;
  return new MillraceError('ProjectInvalid', {
    what: `The rows of ${source}.${stream} cannot be applied: ${error.what}`,
    where: { path: `sources.${source}.streams.${stream}.disposition.deleteWhen` },
    fix: 'Name a column of the stream, or write a condition over its columns',
    cause: error,
  });
}
