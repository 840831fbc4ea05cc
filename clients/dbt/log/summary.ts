import type { NodeRecord, PlanNode } from '../../../schemas/transform.js';
import type { Environment } from '../../../engines/dbt/context/environment.js';
import { paint, type Log } from './log.js';

/** `1 seed`, `2 seeds`; a single test is a `test`, several are `data tests` */
function counted(count: number, kind: string): string {
  if (kind === 'test' && count !== 1) return `${count} data tests`;
  const name = kind.replaceAll('_', ' ');
  if (count === 1) return `${count} ${name}`;
  if (name === 'analysis') return `${count} analyses`;
  return `${count} ${name.replace(/y$/, 'ie')}s`;
}

/** What the project holds, in dbt's order. */
export function foundLine({ manifest, macros }: Environment): string {
  const counts = new Map<string, number>();
  const add = (kind: string, count = 1): void => void counts.set(kind, (counts.get(kind) ?? 0) + count);
  for (const kind of ORDER) counts.set(kind, 0);
  for (const { kind } of manifest.nodes.values()) add(kind);
  add('source', manifest.sources.size);
  add('exposure', manifest.exposures.size);
  add('group', manifest.groups.size);
  add('macro', [...macros.names()].length);
  for (const { kind } of manifest.semantics.values()) add(kind);
  const parts = [...counts].filter(([, count]) => count > 0);
  return `Found ${parts.map(([kind, count]) => counted(count, kind)).join(', ')}`;
}

const ORDER = [
  'model',
  'analysis',
  'test',
  'snapshot',
  'seed',
  'operation',
  'source',
  'exposure',
  'metric',
  'macro',
  'group',
  'semantic_model',
  'saved_query',
  'unit_test',
];

/** How many of which kinds a run is about, as `Finished running …` lists them. */
export function workLine(nodes: readonly PlanNode[]): string {
  const counts = new Map<string, number>();
  for (const { kind, materialized } of nodes) {
    const name =
      kind === 'model' ? `${materialized ?? 'view'} model` : kind === 'operation' ? 'project hook' : kind;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, count]) => counted(count, kind))
    .join(', ');
}

export function finishedLine(nodes: readonly PlanNode[], seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = (seconds % 60).toFixed(2);
  const time = `${hours} hours ${minutes} minutes and ${rest} seconds (${seconds.toFixed(2)}s)`;
  return `Finished running ${workLine(nodes)} in ${time}.`;
}

/** A problem of a node with everything that helps to mend it. */
export interface Problem {
  node: PlanNode;
  record: NodeRecord;
  /** of the file it is declared in */
  file: string | undefined;
  /** as the reader would open it */
  compiledAt: string | undefined;
  /** the relation that keeps a test's failures */
  stored: string | undefined;
}

/** The end of a run: what went wrong, each thing with its place, and the counts. */
export function summarize(log: Log, records: readonly NodeRecord[], problems: readonly Problem[]): void {
  const having = (...statuses: string[]): Problem[] =>
    problems.filter(({ record }) => statuses.includes(record.result.status));
  const errors = having('error', 'fail');
  const warnings = having('warn');
  const partial = having('partial success');
  log.info('');
  log.event({ name: 'EndOfRunSummary', code: 'Z030', message: verdict(errors, partial, warnings) });
  for (const problem of [...errors, ...partial]) tell(log, problem, 'error');
  for (const problem of warnings) tell(log, problem, 'warn');
  log.info('');
  const stats = countStats(records);
  const { pass, warn, error, skip, noop, total } = stats;
  log.event({
    ...{ name: 'StatsLine', code: 'Z023', data: { stats } },
    message: `Done. PASS=${pass} WARN=${warn} ERROR=${error} SKIP=${skip} NO-OP=${noop} TOTAL=${total}`,
  });
}

function verdict(errors: Problem[], partial: Problem[], warnings: Problem[]): string {
  const several = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;
  const successes = `${partial.length} partial success${partial.length === 1 ? '' : 'es'}`;
  if (errors.length > 0 || partial.length > 0)
    return paint.red(
      `Completed with ${several(errors.length, 'error')}, ${successes}, and ${several(warnings.length, 'warning')}:`,
    );
  if (warnings.length > 0) return paint.yellow(`Completed with ${several(warnings.length, 'warning')}:`);
  return paint.green('Completed successfully');
}

function tell(log: Log, { node, record, file, compiledAt, stored }: Problem, level: 'warn' | 'error'): void {
  const name = level === 'warn' ? 'RunResultWarning' : 'RunResultFailure';
  const head = `${level === 'warn' ? 'Warning' : 'Failure'} in ${node.kind} ${node.name}${file === undefined ? '' : ` (${file})`}`;
  const say = (message: string): void =>
    log.event({ name, code: level === 'warn' ? 'Z021' : 'Z022', message, level });
  const { result } = record;
  log.info('');
  say(level === 'warn' ? paint.yellow(head) : paint.red(head));
  say(indented(result.message ?? `Status: ${result.status}`));
  if (compiledAt !== undefined) {
    log.info('');
    log.info(`  compiled code at ${compiledAt}`);
  }
  if (stored !== undefined) {
    const query = `select * from ${stored}`;
    const rule = '-'.repeat(query.length);
    log.info('');
    log.info(`  See test failures:\n  ${rule}\n  ${query}\n  ${rule}`);
  }
}

const indented = (text: string): string =>
  text
    .trimEnd()
    .split('\n')
    .map((part) => `  ${part}`)
    .join('\n');

/** dbt's counts over the results of a run. */
export function countStats(
  records: readonly NodeRecord[],
): Record<'pass' | 'warn' | 'error' | 'skip' | 'noop' | 'total', number> {
  const stats = { pass: 0, warn: 0, error: 0, skip: 0, noop: 0, total: records.length };
  for (const { result } of records) {
    if (result.status === 'warn') stats.warn++;
    else if (result.status === 'skipped') stats.skip++;
    else if (result.status === 'no-op') stats.noop++;
    else if (['success', 'pass', 'reused'].includes(result.status)) stats.pass++;
    else stats.error++;
  }
  return stats;
}
