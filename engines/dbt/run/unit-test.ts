import { formatPosition, MillraceError } from '../../../schemas/errors.js';
import type { Environment } from '../context/environment.js';
import { Relation } from '../context/relation.js';
import { JinjaFault } from '../jinja/fault.js';
import { fromPlain, Module, str, type JinjaFunction, type Kwargs, type Value } from '../jinja/values.js';
import { recordTest, testRecord } from '../ledger.js';
import type { Node, UnitRows, UnitTest } from '../manifest.js';
import { findRef, findSource, splitVersion } from '../parse/lookup.js';
import { sha256 } from '../project/files.js';
import { quoteIdent, type ColumnInfo } from '../../warehouse/port.js';
import { explain } from './explain.js';
import { Compiler } from './compile.js';
import { injectTables } from './inject.js';
import type { Job, Outcome } from './job.js';
import { failedWith, Statements } from './statements.js';
import { sidesOf, unitDiff } from './unit-diff.js';
import { UnitInputs, type UnitInput } from './unit-inputs.js';

/**
 * Runs a model's query over the rows a unit test gives, and compares what comes out with what it expects. Nothing is
 * made in the warehouse; types come from the relations that the rows stand for.
 *
 * @throws MillraceError DbtProjectInvalid, RefNotFound, SqlError, JinjaError
 */
export async function unitTestNode(job: Job, node: Node): Promise<Outcome> {
  const { warehouse, environment, options, signal } = job;
  const { unit, model } = tested(environment, node);
  const plain = new Compiler(environment, warehouse, signal);
  const inputs = new UnitInputs(environment, plain, warehouse, signal, node, model);
  const given = await inputs.read(unit.given);
  const query = await compileWith(job, node, model, unit, given);

  const statements = new Statements();
  try {
    const columns = await columnsOf(inputs, node, model, query);
    const sql = await comparison(plain, inputs, model, unit.expect, query, columns);

    const key = options.ledger ? sha256(sql) : '';
    const known = options.ledger ? await testRecord(warehouse, node.id, key) : undefined;
    if (known && (options.reuse || known.run === environment.run.run))
      return { status: 'reused', key, failures: 0, compiled: query };

    statements.add(sql);
    const answer = await warehouse.execute(sql, { signal });
    statements.answered(answer);
    const names = answer.columns.map(({ name }) => name);
    const diff = unitDiff(names.slice(0, -1), sidesOf(names, answer.rows));
    const outcome = { key, compiled: query, ...statements.told() };
    if (diff !== null) return { ...outcome, status: 'fail', failures: 1, message: diff };
    if (options.ledger)
      await recordTest(warehouse, node.id, key, { status: 'pass', failures: 0, run: environment.run.run });
    return { ...outcome, status: 'pass', failures: 0 };
  } catch (cause) {
    throw failedWith(inUnitTest(cause, node), { compiled: query, ...statements.told() });
  }
}

/** What the model's query gives over these rows. Here nothing was expected yet: what is wrong is the model's, or given. */
async function columnsOf(
  inputs: UnitInputs,
  node: Node,
  model: Node,
  query: string,
): Promise<readonly ColumnInfo[]> {
  try {
    return await inputs.queryColumns(model, query);
  } catch (cause) {
    // the query is asked for inside of another one, from its second line on
    const explained = explain(cause, model, 1, query);
    if (!(explained instanceof MillraceError) || explained.type !== 'SqlError') throw cause;
    const { what, where } = explained;
    throw new MillraceError('SqlError', {
      what: `${FAILED} '${node.name}': ${what}`,
      where,
      fix: `Correct the model, or the rows that the test gives it (${formatPosition(node.unit?.where ?? {})})`,
      cause,
    });
  }
}

/** The query that gives actual and expected rows, by the columns that the first expected row has. */
async function comparison(
  compiler: Compiler,
  inputs: UnitInputs,
  model: Node,
  expect: UnitRows,
  query: string,
  columns: readonly ColumnInfo[],
): Promise<string> {
  const { rows } = expect;
  const [first] = typeof rows === 'string' ? [] : rows;
  const names = first ? Object.keys(first) : columns.map(({ name }) => name);
  // a row that says less than the first one expects nothing there
  const blank = Object.fromEntries(names.map((name) => [name, null]));
  const filled = typeof rows === 'string' ? rows : rows.map((row) => ({ ...blank, ...row }));
  const expected = await inputs.rows(
    { ...expect, rows: filled },
    () => Promise.resolve(columns),
    'expected output',
    'get_expected_sql',
  );
  const quoted = names.map((name) =>
    quoteIdent(columns.find((each) => each.name.toLowerCase() === name.toLowerCase())?.name ?? name),
  );
  return str(await compiler.call(model, 'get_unit_test_sql', [query, expected, quoted]));
}

function tested({ manifest }: Environment, node: Node): { unit: UnitTest; model: Node } {
  const { unit } = node;
  const model = unit && manifest.nodes.get(unit.model);
  if (!unit || !model)
    throw new MillraceError('RefNotFound', {
      what: `${node.id} tests '${unit?.model ?? ''}', which is not in the project`,
      where: unit?.where ?? { file: node.file },
      fix: 'Correct the name of the model',
    });
  const incremental = unit.overrides.macros['is_incremental'];
  if (incremental === true && !unit.given.some(({ input }) => input.trim() === 'this'))
    throw new MillraceError('DbtProjectInvalid', {
      what: `Unit test '${node.name}' of the incremental model '${model.name}' has no input 'this'`,
      where: unit.where,
      fix: 'Give the rows that the model has already: `- input: this`',
    });
  return { unit, model };
}

/** The model's query, reading the given rows, with the test's macros, variables and environment. */
async function compileWith(
  { environment, warehouse, signal }: Job,
  node: Node,
  model: Node,
  { overrides }: UnitTest,
  given: readonly UnitInput[],
): Promise<string> {
  const { manifest, vars, env, macros } = environment;
  const compiler = new Compiler(
    { ...environment, vars: { ...vars, ...overrides.vars }, env: { ...env, ...texts(overrides.envVars) } },
    warehouse,
    signal,
  );
  const used = new Set<UnitInput>();
  const stand = (id: string | undefined, call: string): Value => {
    const input = given.find((each) => each.id === id);
    if (!input)
      throw new JinjaFault(
        `Unit test '${node.name}' gives no rows for ${call}, which ${model.id} reads`,
        undefined,
        `Add it to given: - input: ${call}`,
      );
    used.add(input);
    return Relation.cte(input.name);
  };
  const ref: JinjaFunction = (args, kwargs: Kwargs) => {
    const written = kwargs['v'] ?? kwargs['version'];
    const { path, version } = splitVersion(args.map(str));
    const found = findRef(manifest, path, model.package, written === undefined ? version : str(written));
    return stand(found?.id, `ref(${path.map((part) => `'${part}'`).join(', ')})`);
  };
  const source: JinjaFunction = (args) => {
    const path = args.map(str);
    const call = `source(${path.map((part) => `'${part}'`).join(', ')})`;
    return stand(findSource(manifest, path, model.package)?.id, call);
  };
  const itself = given.find(({ id }) => id === model.id);
  const standIns: Record<string, Value> = { source, builtins: new Module('builtins', { ref, source }) };
  // a project's own ref() calls the built-in one
  if (!macros.find('ref', model.package)) standIns['ref'] = ref;
  if (itself) standIns['this'] = Relation.cte(itself.name);
  const names = { ...standIns, ...overridden(environment, overrides.macros) };
  const sql = await compiler.text(model, model.raw, { names });
  if (itself && /__dbt__cte__/.test(sql) && sql.includes(itself.name)) used.add(itself);
  const query = sql.trim().replace(/(?:\s*;)+$/, '');
  return injectTables(
    query,
    given.filter((input) => used.has(input)),
  );
}

/**
 * Macros that give a fixed value, by their names and, with a dot, by their packages' names. Without a word about it, the
 * model is built as if for the first time.
 */
function overridden({ macros }: Environment, given: Record<string, unknown>): Record<string, Value> {
  const names: Record<string, Value> = {};
  for (const [written, value] of Object.entries({ is_incremental: false, ...given })) {
    const answer: JinjaFunction = () => fromPlain(value);
    const plain = written.replace(/^dbt\./, '');
    names[written] = answer;
    names[plain] = answer;
    if (macros.in('dbt', plain)) names[`dbt.${plain}`] = answer;
  }
  return names;
}

const texts = (values: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, str(fromPlain(value))]));

/** as dbt begins it */
const FAILED = 'An error occurred during execution of unit test';

function inUnitTest(cause: unknown, node: Node): unknown {
  if (cause instanceof MillraceError && cause.what.startsWith(FAILED)) return cause;
  const explained = explain(cause, node, 0);
  if (!(explained instanceof MillraceError) || explained.type !== 'SqlError') return explained;
  return new MillraceError('SqlError', {
    what: `${FAILED} '${node.name}': ${explained.what}`,
    where: node.unit?.where ?? explained.where,
    fix: 'Check the columns and types of the rows in given and expect',
    cause,
  });
}
