import { join, relative } from 'node:path';
import type { Environment } from '../../../engines/dbt/context/environment.js';
import type { NodeRecord, PlanNode, TransformPlan } from '../../../schemas/transform.js';
import type { Place } from '../local.js';
import { DBT_VERSION } from '../../../engines/dbt/project/dbt-version.js';
import { compiledPath } from '../write-target.js';
import { resultLine, startLine, type Described } from './lines.js';
import type { Log } from './log.js';
import { tellWarnings } from './warnings.js';
import { problemText } from './problem-text.js';
import { finishedLine, foundLine, summarize, type Problem } from './summary.js';

/** Tells a run as dbt does: what was found, a line as each node begins and ends, and what went wrong. */
export class Reporter {
  private readonly problems: Problem[] = [];
  /** whether the last line was a hook's */
  private hooks: boolean | undefined;

  constructor(
    private readonly log: Log,
    private readonly environment: Environment,
    /** absolute */
    private readonly target: string,
  ) {}

  begin({ warnings }: TransformPlan, threads: number): void {
    this.log.event({
      name: 'MainReportVersion',
      code: 'A001',
      message: `Running with dbt=${DBT_VERSION} (Millrace)`,
    });
    tellWarnings(this.log, this.environment.invocation.flags, warnings);
    this.log.event({ name: 'FoundStats', code: 'W006', message: foundLine(this.environment) });
    this.log.info('');
    this.log.event({
      ...{ name: 'ConcurrencyLine', code: 'Q027' },
      message: `Concurrency: ${threads} threads (target='${this.environment.target.name}')`,
    });
    this.log.info('');
  }

  readonly start = (node: PlanNode, place: Place): void => {
    const hook = node.kind === 'operation';
    // hooks stand apart from nodes
    if (this.hooks !== undefined && this.hooks !== hook) this.log.info('');
    this.hooks = hook;
    if (!QUIET.has(node.kind)) this.log.event(startLine(this.describe(node, place)));
  };

  readonly record = (record: NodeRecord, node: PlanNode, place: Place, error?: unknown): void => {
    this.log.event(resultLine(this.describe(node, place), record));
    if (['error', 'fail', 'warn', 'partial success'].includes(record.result.status))
      this.problems.push(this.problem(node, record, error));
  };

  end(plan: TransformPlan, records: readonly NodeRecord[], seconds: number): void {
    this.log.info('');
    this.log.event({
      ...{ name: 'FinishedRunningStats', code: 'E047' },
      message: finishedLine([...plan.start, ...plan.nodes, ...plan.end], seconds),
    });
    summarize(this.log, records, this.problems);
  }

  private describe(node: PlanNode, place: Place): Described {
    const { unit } = this.environment.manifest.nodes.get(node.id) ?? {};
    const model = unit && this.environment.manifest.nodes.get(unit.model)?.name;
    return { node, ...place, ...(model !== undefined && { model }) };
  }

  private problem(node: PlanNode, record: NodeRecord, error: unknown): Problem {
    const { manifest } = this.environment;
    const found = manifest.nodes.get(node.id);
    const compiled = found && record.compiled !== null && node.kind !== 'seed';
    const keeps = found?.relation && node.kind === 'test' && record.relationName !== null;
    return {
      ...{
        node,
        record: {
          ...record,
          result: {
            ...record.result,
            message: error === undefined ? (record.result.message ?? '') : problemText(error),
          },
        },
      },
      file: found?.file ?? manifest.sources.get(node.id)?.file,
      compiledAt: compiled
        ? relative(process.cwd(), join(this.target, 'compiled', compiledPath(this.environment, found)))
        : undefined,
      stored: keeps ? (record.relationName ?? undefined) : undefined,
    };
  }
}

/** they have nothing to run, so nothing begins */
const QUIET: ReadonlySet<PlanNode['kind']> = new Set(['exposure', 'saved_query']);
