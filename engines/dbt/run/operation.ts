import { MillraceError } from '../../../schemas/errors.js';
import { didYouMean } from '../../nearest.js';
import type { RelationName, Session } from '../../warehouse/port.js';
import { timestamp } from '../artifacts/timestamp.js';
import { MacroObject } from '../jinja/render.js';
import { fromPlain, tuple, type Kwargs, type Value } from '../jinja/values.js';
import type { Macro } from '../jinja/ast.js';
import type { MacroSet } from '../macros.js';
import type { Node } from '../manifest.js';
import { isEphemeral } from '../graph.js';
import { keyName, readLedger, recordPublished } from '../ledger.js';
import { catalogOf } from './catalog.js';
import { Compiler } from './compile.js';
import { explain } from './explain.js';
import type { Job, Outcome } from './job.js';
import { ownTransactions } from './own-transactions.js';
import { RunResult } from './run-result.js';
import { isBlank } from './task.js';

/**
 * Runs a hook of the whole run. As in dbt its statements stand alone; with a ledger they are one transaction, which is
 * carried out once in a run however often it is asked for.
 *
 * @throws MillraceError SqlError, JinjaError
 */
export async function runHook(job: Job, node: Node): Promise<Outcome> {
  const { warehouse, environment, options, signal } = job;
  const { run } = environment.run;
  const entry = { relation: hookRelation(node), key: '', node: node.id, rows: null, run };
  if (options.ledger) {
    const { published } = await readLedger(warehouse, [entry.relation], run);
    if (published.get(keyName(entry.relation))?.run === run) return { status: 'success', key: '' };
  }
  if (node.hook?.on === 'start') await ensureSchemas(job);
  const names = node.hook?.on === 'end' ? endNames(job) : {};
  const compiled = await new Compiler(environment, warehouse, signal).compile(node, undefined, { names });
  const compiledAt = timestamp();
  const work = async (session: Session): Promise<void> => {
    if (!isBlank(compiled)) await session.execute(compiled, { signal });
  };
  try {
    if (options.ledger)
      await warehouse.transaction(
        async (session) => {
          await work(session);
          await recordPublished(session, entry);
        },
        { signal },
      );
    else await warehouse.connection(work, { signal });
  } catch (cause) {
    throw explain(cause, node, 0, compiled);
  }
  catalogOf(environment, warehouse).forget();
  return { status: 'success', key: '', compiled, compiledAt, response: { _message: 'OK' } };
}

/** the ledger's name of a hook */
const hookRelation = ({ id }: Node): RelationName => ({ schema: '', name: id });

/** dbt makes the schemas of all that is selected before its first hook */
async function ensureSchemas({ environment, warehouse }: Job): Promise<void> {
  const { manifest, selected = [] } = environment;
  const catalog = catalogOf(environment, warehouse);
  for (const id of selected) {
    const node = manifest.nodes.get(id);
    if (node?.relation && !isEphemeral(node)) await catalog.ensureSchema(node.relation);
  }
}

/** What hooks at the end know of the run. */
function endNames({ environment, results }: Job): Record<string, Value> {
  const found = results
    .filter(({ result: { id } }) => environment.manifest.nodes.get(id)?.kind !== 'operation')
    .map((record) => new RunResult(record, environment));
  const made = results.flatMap(({ result: { id, status } }) => {
    const node = environment.manifest.nodes.get(id);
    const failed = status === 'error' || status === 'fail' || status === 'skipped';
    return node?.relation && !isEphemeral(node) && !failed ? [node.relation] : [];
  });
  const { database: own } = environment.target;
  const pairs = new Map(
    made.map(({ database = own, schema }): [string, Value] => [
      `${database}.${schema}`,
      tuple(database, schema),
    ]),
  );
  return {
    results: found,
    schemas: [...new Set(made.map(({ schema }) => schema))],
    database_schemas: [...pairs.values()],
  };
}

/**
 * `run-operation`: runs one macro, which begins and commits by itself; what it leaves open is committed.
 *
 * @param name of the macro, or `package.macro`
 * @throws MillraceError RefNotFound, JinjaError, SqlError
 */
export async function runOperation(
  { environment, warehouse, signal }: Job,
  name: string,
  args: Readonly<Record<string, unknown>>,
): Promise<Outcome> {
  const { owner, macro } = findMacro(environment.macros, name);
  const node = operationNode(owner, macro);
  const kwargs: Kwargs = Object.fromEntries(
    Object.entries(args).map(([key, value]) => [key, fromPlain(value)]),
  );
  try {
    await warehouse.connection(
      (connection) =>
        ownTransactions(
          connection,
          (session) =>
            new Compiler(environment, session, signal).rendered(node, {}, (context) =>
              new MacroObject(macro, context.root()).call([], kwargs, macro.site),
            ),
          false,
        ),
      { signal },
    );
  } catch (cause) {
    throw explain(cause, node, 0);
  } finally {
    catalogOf(environment, warehouse).forget();
  }
  return { status: 'success', key: '', response: { _message: 'OK' } };
}

/** the id dbt gives the result of `run-operation` */
export const operationId = (macros: MacroSet, name: string): string => {
  const { owner, macro } = findMacro(macros, name);
  return `macro.${owner}.${macro.name}`;
};

function findMacro(macros: MacroSet, name: string): { owner: string; macro: Macro } {
  const at = name.indexOf('.');
  const bare = name.slice(at + 1);
  const owners = at < 0 ? [macros.root, ...macros.packageNames()] : [name.slice(0, at)];
  for (const owner of owners) {
    const macro = macros.in(owner, bare);
    if (macro) return { owner, macro };
  }
  throw new MillraceError('RefNotFound', {
    what: `There is no macro '${name}' to run`,
    fix: didYouMean(bare, macros.names()) || 'Name a macro of the project or of a package: package.macro',
  });
}

const operationNode = (owner: string, { name, site }: Macro): Node => ({
  ...{ id: `macro.${owner}.${name}`, kind: 'operation', name, package: owner },
  ...{ file: site.file, path: site.file, fqn: [owner, name], language: 'sql', raw: '' },
  ...{ template: null, config: new Map(), description: '', columns: [], references: [], dependsOn: [] },
  relation: null,
});
