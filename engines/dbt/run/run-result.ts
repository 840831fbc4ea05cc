import type { NodeRecord } from '../../../schemas/transform.js';
import { nodeDict } from '../artifacts/node-dict.js';
import type { Environment } from '../context/environment.js';
import { fromPlain, PyObject, str, type Dict, type Value } from '../jinja/values.js';

/** One of `results` in a hook at the end of a run. */
export class RunResult extends PyObject {
  readonly typeName = 'RunResult';
  private readonly fields: Dict;

  constructor(record: NodeRecord, environment: Environment) {
    super();
    this.fields = fields(record, environment);
  }

  override attribute(name: string): Value | undefined {
    if (name === 'to_dict') return () => this.fields;
    return this.fields.get(name);
  }

  override toString(): string {
    const text = (name: string): string => str(this.fields.get(name) ?? null);
    return `<RunResult ${text('unique_id')}: ${text('status')}>`;
  }
}

function fields(record: NodeRecord, environment: Environment): Dict {
  const { result, compiled, relationName, response } = record;
  const node = environment.manifest.nodes.get(result.id);
  const made = fromPlain({
    // what is there already counts as done
    status: result.status === 'reused' ? 'success' : result.status,
    unique_id: result.id,
    message: result.message ?? null,
    failures: result.failures ?? null,
    execution_time: result.seconds,
    thread_id: 'Thread-1',
    adapter_response: response,
    relation_name: relationName,
    compiled: compiled !== null,
    compiled_code: compiled,
    batch_results: record.batches,
    timing: [
      { name: 'compile', started_at: record.compileStarted, completed_at: record.compileCompleted },
      { name: 'execute', started_at: record.executeStarted, completed_at: record.executeCompleted },
    ],
  }) as Dict;
  const dict = node && nodeDict(node, environment);
  if (dict && compiled !== null) dict.set('compiled_code', compiled);
  made.set('node', dict ?? null);
  return made;
}
