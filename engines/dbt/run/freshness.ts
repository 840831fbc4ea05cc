import type { Environment } from '../context/environment.js';
import { MillraceError } from '../../../schemas/errors.js';
import { str, type Value } from '../jinja/values.js';
import type { Node, SourceFreshness, SourceTable } from '../manifest.js';
import { Compiler, relationObject } from './compile.js';
import type { Job, Outcome } from './job.js';

const SECONDS = { minute: 60, hour: 3600, day: 86_400 } as const;
type Limit = SourceFreshness['warnAfter'];

/** What a source without any row was loaded at, as dbt has it: infinitely long ago. */
const NEVER = '0001-01-01T00:00:00.000Z';

/**
 * Tells how old the newest row of a source is: by `loaded_at_query`, by `loaded_at_field` (a column or an expression,
 * with a filter), or by what the warehouse knows of the table. A source that is too old is an outcome, not an error.
 *
 * @throws MillraceError SqlError, JinjaError, DbtProjectInvalid
 */
export async function sourceFreshness(job: Job, source: SourceTable): Promise<Outcome> {
  const { environment, warehouse, signal } = job;
  const { freshness } = source;
  const compiler = new Compiler(environment, warehouse, signal);
  try {
    const { loaded, snapshotted } = await ask(compiler, source, environment.target);
    const age = (snapshotted.getTime() - loaded.getTime()) / 1000;
    const status = statusOf(age, freshness);
    return {
      status,
      key: '',
      ...(status !== 'pass' && { message: tooOld(loaded, age, status, freshness) }),
      freshness: {
        maxLoadedAt: loaded.toISOString(),
        snapshottedAt: snapshotted.toISOString(),
        age,
        criteria: {
          warn_after: freshness?.warnAfter ?? NO_LIMIT,
          error_after: freshness?.errorAfter ?? NO_LIMIT,
          filter: freshness?.filter ?? null,
        },
      },
    };
  } catch (cause) {
    if (!(cause instanceof MillraceError) || cause.type !== 'SqlError') throw cause;
    throw new MillraceError('SqlError', {
      what: `${source.id}: ${cause.what}`,
      where: { file: source.file },
      fix: 'Check that the source is there, and its loaded_at_field or loaded_at_query',
      cause,
    });
  }
}

const NO_LIMIT = { count: null, period: null };

function statusOf(age: number, freshness: SourceFreshness | null): 'pass' | 'warn' | 'error' {
  const exceeds = (limit: Limit): boolean => limit !== null && age > limit.count * SECONDS[limit.period];
  if (exceeds(freshness?.errorAfter ?? null)) return 'error';
  return exceeds(freshness?.warnAfter ?? null) ? 'warn' : 'pass';
}

function tooOld(
  loaded: Date,
  age: number,
  status: 'warn' | 'error',
  freshness: SourceFreshness | null,
): string {
  const limit = status === 'error' ? freshness?.errorAfter : freshness?.warnAfter;
  const since = loaded.toISOString() === NEVER ? 'never loaded' : `last loaded at ${loaded.toISOString()}`;
  const [unit, seconds] = Object.entries(SECONDS).findLast(([, each]) => age >= each) ?? ['minute', 60];
  const old = `${Math.floor(age / seconds)} ${unit}s ago`;
  return `${since}${loaded.toISOString() === NEVER ? '' : `, ${old}`}; ${status} after ${limit?.count} ${limit?.period}s`;
}

interface Answered {
  loaded: Date;
  snapshotted: Date;
}

async function ask(
  compiler: Compiler,
  source: SourceTable,
  target: Environment['target'],
): Promise<Answered> {
  const { loadedAtField, loadedAtQuery, freshness } = source;
  const node = asNode(source);
  const table = relationObject(source.relation, null, target);
  const asked = async (macro: string, args: Value[]): Promise<Answered> =>
    answered(await compiler.call(node, macro, args), source);
  if (loadedAtQuery !== null)
    return asked('collect_freshness_custom_sql', [table, await compiler.text(node, loadedAtQuery)]);
  if (loadedAtField !== null)
    return asked('collect_freshness', [table, loadedAtField, freshness?.filter ?? null]);
  return asked('collect_freshness_metadata', [table]);
}

/** A source in the place of a node: what templates see while its freshness is asked. */
const asNode = (source: SourceTable): Node => ({
  ...source,
  ...{ kind: 'analysis', language: 'sql', template: null, raw: '', references: [] },
});

/** @param result what `load_result` gives: one row of `max_loaded_at` and `snapshotted_at` */
function answered(result: Value, source: SourceTable): Answered {
  const rows = result instanceof Map ? result.get('data') : null;
  const [row] = Array.isArray(rows) ? rows : [];
  const cells = row === undefined ? [] : [...(row as Iterable<Value>)];
  return {
    loaded: instant(cells[0] ?? NEVER, source),
    snapshotted: instant(cells[1] ?? null, source),
  };
}

/** times without a zone are UTC */
function instant(value: Value, source: SourceTable): Date {
  const text = str(value).trim().replace(' ', 'T');
  const [, day = text, time = '', zone = ''] =
    /^([\d-]{10})T?([\d:.]*)(Z|[+-]\d{2}:?(?:\d{2})?)?$/.exec(text) ?? [];
  const offset = /^[+-]\d{2}$/.test(zone) ? `${zone}:00` : zone === '' && time !== '' ? 'Z' : zone;
  const date = new Date(time === '' ? day : `${day}T${time.slice(0, 12)}${offset}`);
  if (!Number.isNaN(date.getTime())) return date;
  throw new MillraceError('DbtProjectInvalid', {
    what: `${source.id}: '${str(value)}' is no time, so its freshness cannot be told`,
    where: { file: source.file },
    fix: 'Let loaded_at_field be a timestamp, by a cast where the column is a text',
  });
}
