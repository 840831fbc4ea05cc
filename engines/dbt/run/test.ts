import { formatPosition, MillraceError } from '../../../schemas/errors.js';
import type { DbtFlags } from '../../../schemas/dbt.js';
import { findNamed, quoteStored, type RelationName, type Row } from '../../warehouse/port.js';
import { str, type Value } from '../jinja/values.js';
import { keyName, readLedger, recordTest, testRecord, type LedgerState } from '../ledger.js';
import type { Node } from '../manifest.js';
import { severity } from '../plan.js';
import { relationOf } from './built.js';
import { Compiler } from './compile.js';
import { explainStatement } from './explain.js';
import type { Job, Outcome } from './job.js';
import { contentKey, relationsRead } from './key.js';
import { failedWith, Statements } from './statements.js';
import { storedAs, storeFailures } from './stored-failures.js';

interface Verdict extends Pick<Outcome, 'built' | 'queryIds' | 'bytes'> {
  status: 'pass' | 'warn' | 'fail';
  failures: number;
  message?: string;
}

/**
 * Runs a test and counts what it finds. Rows are only kept where the project stores failures. A verdict other than
 * `fail` is remembered by content, and a test that guards a model reads the rows that wait to be published.
 *
 * @throws MillraceError SqlError, JinjaError
 */
export async function testNode(job: Job, node: Node, audited: Node | undefined): Promise<Outcome> {
  const { warehouse, environment, options, signal } = job;
  const compiler = new Compiler(environment, warehouse, signal);
  if (!options.ledger) {
    const main = await compiler.compile(node);
    return { ...(await verdict(job, compiler, node, main, undefined)), key: '', compiled: main };
  }

  const { run } = environment.run;
  const ledger = await readLedger(warehouse, relationsRead(environment, node), run);
  const waiting = audited && (await rowsThatWait(job, audited, ledger));
  const substitutes = new Map(waiting ? [[audited.id, waiting.relation]] : []);
  const keys = new Map(waiting ? [[audited.id, waiting.key]] : []);
  const live = await compiler.compile(node);
  const key = contentKey(environment, node, live, ledger, keys);

  const known = await testRecord(warehouse, node.id, key);
  if (known && (options.reuse || known.run === run)) {
    const { failures } = known;
    const warned = known.status === 'warn';
    return {
      ...{ status: warned ? 'warn' : 'reused', key, failures, compiled: live },
      ...(warned && { message: found(job, node, failures, 'warn', setting(node, 'warn_if')) }),
    };
  }
  const main = waiting ? await compiler.compile(node, substitutes) : live;
  const result = await verdict(job, compiler, node, main, audited);
  const { status, failures } = result;
  if (status !== 'fail') await recordTest(warehouse, node.id, key, { status, failures, run });
  return { ...result, key, compiled: live };
}

/** The rows of a model that are built and not published yet. */
async function rowsThatWait(
  { warehouse }: Job,
  audited: Node,
  ledger: LedgerState,
): Promise<{ relation: RelationName; key: string } | undefined> {
  const relation = relationOf(audited);
  const waiting = ledger.audits.get(keyName(relation));
  if (!waiting) return undefined;
  const there = findNamed(await warehouse.relations(relation), waiting.name);
  return there ? { relation: { ...relation, name: waiting.name }, key: waiting.key } : undefined;
}

async function verdict(
  job: Job,
  compiler: Compiler,
  node: Node,
  main: string,
  audited: Node | undefined,
): Promise<Verdict> {
  const { told, ...row } = await count(job, compiler, node, main);
  const failures = Number(row.failures ?? 0);
  if (severity(node) === 'error' && isTrue(row.should_error)) {
    const fix = audited
      ? `. ${audited.name} keeps the rows it had; correct its SQL, the data or the test`
      : job.options.ledger
        ? '. Correct the data, the models or the test'
        : '';
    return {
      ...{ ...told, status: 'fail', failures },
      message: found(job, node, failures, 'fail', setting(node, 'error_if')) + fix,
    };
  }
  if (!isTrue(row.should_warn)) return { ...told, status: 'pass', failures: 0 };
  const status = warningsAreErrors(job.options.flags) ? 'fail' : 'warn';
  const message = found(job, node, failures, status, setting(node, 'warn_if'));
  return { ...told, status, failures, message };
}

/** Runs the counting query, over the stored rows where failures are stored. */
async function count(job: Job, compiler: Compiler, node: Node, main: string): Promise<Counted> {
  const { warehouse, signal, options } = job;
  const limit = node.config.get('limit') ?? null;
  const as = storedAs(node, options.flags);
  const statements = new Statements();
  let rows = limit === null ? main : `${main}\nlimit ${str(limit)}`;
  let sql = rows;
  try {
    if (as !== null) {
      const relation = await storeFailures(job, compiler, node, rows, as);
      rows = `select * from ${quoteStored(warehouse.dialect, relation)}`;
    }
    const settings = ['fail_calc', 'warn_if', 'error_if'].map((name) => setting(node, name));
    const args: Value[] = [rows, ...settings, null];
    sql = str(await compiler.call(node, 'get_test_sql', args));
    statements.add(sql);
    const answer = await warehouse.execute(sql, { signal });
    statements.answered(answer);
    const [row] = answer.rows;
    const counted = row && lowerNames(row);
    if (counted && answer.rows.length === 1 && 'failures' in counted)
      return { ...(counted as unknown as Counted), told: statements.told() };
  } catch (cause) {
    throw failedWith(explainStatement(cause, node, sql, main), { compiled: main, ...statements.told() });
  }
  throw new MillraceError('SqlError', {
    what: `${node.id} gave no count of failures`,
    where: { file: node.file },
    fix: 'Look at the macro get_test_sql, if the project has its own',
  });
}

/** one row of the counting query */
interface Counted {
  failures: unknown;
  should_warn: unknown;
  should_error: unknown;
  told: ReturnType<Statements['told']>;
}

const lowerNames = (row: Row): Row =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name.toLowerCase(), value]));

/** warehouses without booleans answer with numbers or texts */
const isTrue = (value: unknown): boolean =>
  typeof value === 'string' ? /^(?:y|yes|t|true|on|1)$/i.test(value) : Boolean(value);

const DEFAULTS: Record<string, string> = { fail_calc: 'count(*)', warn_if: '!= 0', error_if: '!= 0' };

const setting = (node: Node, name: string): string => {
  const value = node.config.get(name) ?? null;
  return value === null ? (DEFAULTS[name] ?? '') : str(value);
};

/** `millrace dbt` says what dbt says; a run of a pipeline tells the place, which its reader has not at hand */
function found(
  { options }: Job,
  node: Node,
  failures: number,
  to: 'fail' | 'warn',
  condition: string,
): string {
  if (!options.ledger)
    return `Got ${failures} ${failures === 1 ? 'result' : 'results'}, configured to ${to} if ${condition}`;
  const place = formatPosition(node.test?.where ?? { file: node.file });
  return `${failures} ${failures === 1 ? 'failure' : 'failures'} (${place})`;
}

/** whether `--warn-error` counts for tests, which dbt calls by the name of their log line */
const warningsAreErrors = ({ warnError }: DbtFlags): boolean =>
  Array.isArray(warnError)
    ? warnError.some((name) => /^(?:all|\*|LogTestResult)$/.test(name))
    : warnError === true;
