import type { NodeRecord, NodeStatus, PlanNode } from '../../../schemas/transform.js';
import type { Event } from './log.js';
import { paint } from './log.js';

/** dbt's `printer_width` */
const WIDTH = 80;

/** What a node is called in lines. */
export interface Described {
  node: PlanNode;
  /** 1-based, and how many there are */
  index: number;
  total: number;
  /** of a unit test: its model */
  model?: string;
}

const relationText = ({ relation, name }: PlanNode): string =>
  relation ? `${relation.schema}.${relation.name}` : name;

function description({ node, model }: Described): string {
  switch (node.kind) {
    case 'model':
      return `sql ${node.materialized ?? 'view'} model ${relationText(node)}`;
    case 'seed':
      return `seed file ${relationText(node)}`;
    case 'snapshot':
      return `snapshot ${relationText(node)}`;
    case 'unit_test':
      return `unit_test ${model === undefined ? '' : `${model}::`}${node.name}`;
    case 'source':
      return `freshness of ${node.id.split('.').slice(2).join('.')}`;
    case 'operation':
      return `hook: ${node.name.replace(/-(on-run-(?:start|end))-(\d+)$/, '.$1.$2')}`;
    case 'saved_query':
      return `saved query ${node.name}`;
    case 'test':
    case 'exposure':
    case 'analysis':
      return `${node.kind} ${node.name}`;
  }
}

function line(text: string, status: string, { index, total }: Described, seconds?: number): string {
  const prefix = `${index} of ${total} ${text} `;
  const time = seconds === undefined ? '' : ` in ${seconds.toFixed(2)}s`;
  return `${prefix.padEnd(WIDTH, '.')} [${status}${time}]`;
}

export const startLine = (described: Described): Event => ({
  name: described.node.kind === 'operation' ? 'LogHookStartLine' : 'LogStartLine',
  code: described.node.kind === 'operation' ? 'Q032' : 'Q011',
  message: line(`START ${description(described)}`, 'RUN', described),
  data: facts(described),
});

/** the name of the event, its code, and what stands before and in the brackets */
type Told = [name: string, code: string, head: string, status: string];

export function resultLine(described: Described, { result, response }: NodeRecord): Event {
  const [name, code, head, status] = told(described, result, response);
  const timed = result.status === 'skipped' ? undefined : result.seconds;
  return {
    ...{ name, code },
    level: LEVELS[result.status] ?? 'info',
    message: line(head, status, described, timed),
    data: { ...facts(described), status: result.status, execution_time: result.seconds },
  };
}

const LEVELS: Partial<Record<NodeStatus, 'warn' | 'error'>> = {
  error: 'error',
  fail: 'error',
  warn: 'warn',
  'partial success': 'warn',
};

function told(described: Described, result: NodeRecord['result'], response: NodeRecord['response']): Told {
  const { node } = described;
  const text = description(described);
  const { status } = result;
  if (status === 'skipped') {
    const test = ['test', 'unit_test', 'saved_query', 'exposure', 'operation', 'source'].includes(node.kind);
    return [
      'SkippingDetails',
      'Z033',
      `SKIP ${test ? `${node.kind} ${node.name}` : `relation ${relationText(node)}`}`,
      paint.yellow('SKIP'),
    ];
  }
  if (status === 'no-op') return ['LogNodeNoOpResult', 'Q019', `NO-OP ${text}`, paint.yellow('NO-OP')];
  if (status === 'reused') return ['LogNodeReused', 'Q026', `REUSED ${text}`, paint.green('REUSED')];
  const count = result.failures ?? 0;
  if (node.kind === 'source') {
    const stale = status === 'error' && result.failures === undefined ? 'ERROR' : 'ERROR STALE';
    const word = status === 'error' || status === 'fail' ? stale : status.toUpperCase();
    return ['LogFreshnessResult', 'Q018', `${word} ${text}`, verdict(status, word)];
  }
  if (node.kind === 'test' || node.kind === 'unit_test') {
    const word =
      status === 'fail' || status === 'warn' ? `${status.toUpperCase()} ${count}` : status.toUpperCase();
    return ['LogTestResult', 'Q007', `${word} ${text.replace(/^(unit_)?test /, '')}`, verdict(status, word)];
  }
  const failed = status === 'error';
  const done = typeof response['_message'] === 'string' ? response['_message'] : (result.message ?? 'OK');
  const word = failed ? paint.red('ERROR') : paint.green(done.split('\n')[0] ?? 'OK');
  switch (node.kind) {
    case 'seed':
      return ['LogSeedResult', 'Q016', `${failed ? 'ERROR loading' : 'OK loaded'} ${text}`, word];
    case 'snapshot':
      return [
        'LogSnapshotResult',
        'Q015',
        `${failed ? 'ERROR snapshotting' : 'OK snapshotted'} ${text}`,
        word,
      ];
    case 'operation':
      return [
        'LogHookEndLine',
        'Q033',
        `${failed ? 'ERROR' : 'OK'} ${text}`,
        failed ? paint.red('ERROR') : paint.green('OK'),
      ];
    default:
      if (status === 'partial success')
        return ['LogModelResult', 'Q012', `PARTIALLY created ${text}`, paint.yellow('PARTIAL SUCCESS')];
      return ['LogModelResult', 'Q012', `${failed ? 'ERROR creating' : 'OK created'} ${text}`, word];
  }
}

function verdict(status: NodeStatus, word: string): string {
  if (status === 'warn') return paint.yellow(word);
  return status === 'error' || status === 'fail' ? paint.red(word) : paint.green(word);
}

const facts = ({ node, index, total }: Described): Record<string, unknown> => ({
  ...{ index, total },
  node_info: {
    unique_id: node.id,
    node_name: node.name,
    resource_type: node.kind,
    materialized: node.materialized ?? node.kind,
    node_relation: node.relation ? { schema: node.relation.schema, alias: node.relation.name } : null,
  },
});
