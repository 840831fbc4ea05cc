import { MillraceError } from '../../../schemas/errors.js';
import type { Session } from '../../warehouse/port.js';
import { timestamp } from '../artifacts/timestamp.js';
import type { Node } from '../manifest.js';
import { compileFor, outcome, relationOf, typeOf } from './built.js';
import { catalogOf, watched, type Catalog } from './catalog.js';
import { rowsOf, singleStatement } from './create.js';
import { customMacro, makeCustom } from './custom.js';
import { explain } from './explain.js';
import type { Job, Outcome } from './job.js';
import { isPlain, make, nodeHooks, runHooks } from './make.js';
import { buildBatches, isMicrobatch } from './microbatch.js';
import { failedWith, type Statements } from './statements.js';
import { NodeTask, type Made, type Making } from './task.js';

/** As dbt does: what is there is replaced or added to, and nothing is remembered. */
export async function buildStraight(job: Job, node: Node): Promise<Outcome> {
  const { warehouse, environment, signal } = job;
  const relation = relationOf(node);
  const catalog = catalogOf(environment, warehouse);
  await catalog.ensureSchema(relation);
  if (isMicrobatch(node)) return buildBatches(job, node);
  const compiled = await compileFor(job, node);
  const compiledAt = timestamp();
  const given = { job, node, target: relation, compiled };
  const macro = customMacro(environment, node);
  let told = {};
  let made;
  try {
    made = macro ? await makeCustom(given, macro) : await makeStraight(given);
  } catch (cause) {
    throw failedWith(explain(cause, node, 0), { compiled });
  }
  return { ...outcome(node, 'success', '', made, compiled), ...told, compiledAt };

  async function makeStraight(making: Pick<Making, 'job' | 'node' | 'target' | 'compiled'>): Promise<Made> {
    const hooks = nodeHooks(node);
    const around = (session: Session): NodeTask => new NodeTask({ ...making, session, there: null });
    if (hooks.pre.some(({ transaction }) => !transaction))
      await warehouse.connection((session) => runHooks(around(session), hooks.pre, false), { signal });
    const known = warehouse.dialect === 'duckdb' ? catalog : null;
    const alone = isPlain(node, hooks) ? await makeAlone(making, known) : null;
    if (alone) {
      told = alone.told;
      return alone.made;
    }
    const { result, changed } = await warehouse.transaction(
      async (session) => {
        const asking = watched(session, known);
        const there = await typeOf(asking.session, relation);
        const task = new NodeTask({ ...making, session, there, asking: asking.session });
        const result = await make(task, hooks);
        told = task.statements.told();
        return { result, changed: asking.changed() };
      },
      { signal },
    );
    if (changed) catalog.forget();
    else await catalog.note(relation, result.type);
    if (hooks.post.some(({ transaction }) => !transaction)) {
      await warehouse.connection((session) => runHooks(around(session), hooks.post, false), { signal });
      catalog.forget();
    }
    return result;
  }
}

/** Makes a plain view or table by one statement, which is its own transaction. @returns null where that cannot be */
async function makeAlone(
  making: Pick<Making, 'job' | 'node' | 'target' | 'compiled'>,
  known: Catalog | null,
): Promise<{ made: Made; told: ReturnType<Statements['told']> } | null> {
  const { warehouse } = making.job;
  const asking = watched(warehouse, known);
  const there = await typeOf(asking.session, making.target);
  const task = new NodeTask({ ...making, session: warehouse, there, asking: asking.session });
  const statement = await singleStatement(task);
  if (!statement || asking.changed()) return null;
  try {
    const answer = await task.run(statement.sql);
    await known?.note(making.target, statement.type);
    const { type } = statement;
    return { made: { type, rows: type === 'table' ? rowsOf(answer) : null }, told: task.statements.told() };
  } catch (cause) {
    // a transaction tries again when another one was in its way
    if (cause instanceof MillraceError && cause.type === 'CommitConflict') return null;
    throw cause;
  }
}
