import { formatPosition, MillraceError } from '../../../schemas/errors.js';
import type { RelationName } from '../../warehouse/port.js';
import { keyName, readLedger, recordTest, relationTypes, testRecord } from '../ledger.js';
import type { Node } from '../manifest.js';
import { severity } from '../plan.js';
import { explain, relationOf } from './build.js';
import { Compiler } from './compile.js';
import type { Job, Outcome } from './job.js';
import { contentKey, relationsRead } from './key.js';

type Status = 'pass' | 'warn' | 'fail';

/**
 * Runs a test and counts what it finds; rows are never kept, they could be personal. A verdict other than `fail` is
 * remembered by content, and a test that guards a model reads the rows that wait to be published.
 *
 * @throws MillraceError SqlError, JinjaError
 */
export async function testNode(job: Job, node: Node, audited: Node | undefined): Promise<Outcome> {
  const {
    warehouse,
    environment,
    options: { reuse },
    signal,
  } = job;
  const { run } = environment.run;
  const compiler = new Compiler(environment, warehouse, signal);
  const substitutes = new Map<string, RelationName>();
  const keys = new Map<string, string>();
  const ledger = await readLedger(warehouse, relationsRead(environment, node), run);
  if (audited) {
    const relation = relationOf(audited);
    const waiting = ledger.audits.get(keyName(relation));
    if (waiting && (await relationTypes(warehouse, relation.schema, [waiting.name])).size > 0) {
      substitutes.set(audited.id, { ...relation, name: waiting.name });
      keys.set(audited.id, waiting.key);
    }
  }
  const live = await compiler.compileTest(node);
  const key = contentKey(environment, node, live, ledger, keys);

  const known = await testRecord(warehouse, node.id, key);
  if (known && (reuse || known.run === run))
    return result(node, audited, key, live, known.status === 'warn' ? 'warn' : 'reused', known.failures);

  const sql = substitutes.size > 0 ? await compiler.compileTest(node, substitutes) : live;
  let row;
  try {
    [row] = await warehouse.query(sql, { signal });
  } catch (cause) {
    throw explain(cause, node, 0);
  }
  if (!row || !('failures' in row))
    throw new MillraceError('SqlError', {
      what: `${node.id} gave no count of failures`,
      where: { file: node.file },
      fix: 'Look at the macro get_test_sql, if the project has its own',
    });
  const status: Status =
    severity(node) === 'error' && row['should_error'] === true
      ? 'fail'
      : row['should_warn'] === true
        ? 'warn'
        : 'pass';
  const failures = Number(row['failures'] ?? 0);
  if (status !== 'fail') await recordTest(warehouse, node.id, key, { status, failures, run });
  return result(node, audited, key, live, status, failures);
}

function result(
  node: Node,
  audited: Node | undefined,
  key: string,
  compiled: string,
  status: Status | 'reused',
  failures: number,
): Outcome {
  const count = `${failures} ${failures === 1 ? 'failure' : 'failures'}`;
  const found = `${count} (${formatPosition(node.test?.where ?? { file: node.file })})`;
  const fix = audited
    ? `${audited.name} keeps the rows it had; correct its SQL, the data or the test`
    : 'Correct the data, the models or the test';
  return {
    ...{ status, key, failures, compiled },
    ...((status === 'fail' || status === 'warn') && {
      message: status === 'fail' ? `${found}. ${fix}` : found,
    }),
  };
}
