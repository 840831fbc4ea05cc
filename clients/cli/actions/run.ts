import { withStack } from '../../with-stack.js';
import { planRun, resultOf, resumeRun, startRun } from '../../runs.js';
import { runUrl } from '../../connect.js';
import { runFailure } from '../../failure.js';
import { describeResult } from '../describe.js';
import { follow } from '../live.js';
import { answer, EXIT, say, style, type GlobalOptions } from '../output.js';

interface RunOptions extends GlobalOptions {
  interval?: string;
  fromFailure?: boolean;
  select?: string;
  reuse?: boolean;
  detach?: boolean;
}

/** `millrace run`: starts a run and follows it; with no server at hand, an embedded stack lives as long as the run. */
export async function run(options: RunOptions, pipeline: string): Promise<number> {
  if (!options.fromFailure) await planRun(options.project, { pipeline, interval: options.interval });
  return withStack(options, async (connected) => {
    const { client } = connected;
    const started = options.fromFailure
      ? await resumeRun(client, options.project, pipeline, options.interval)
      : await startRun(client, options.project, {
          ...{ pipeline, interval: options.interval, select: options.select },
          ...(options.reuse === false && { reuse: false }),
        });
    const url = runUrl(connected, started.workflowId, started.runId);
    if (options.detach) {
      answer(options, { ...started, url }, () => [
        `started ${started.workflowId}`,
        ...(url ? [`  ${url}`] : []),
      ]);
      return EXIT.ok;
    }
    if (options.json) {
      const outcome = await resultOf(client, started).then(
        (result) => ({ ...started, url, status: 'COMPLETED', result }),
        (error: unknown) => ({ ...started, url, status: 'FAILED', error: runFailure(error) }),
      );
      say(JSON.stringify(outcome, null, 2));
      return outcome.status === 'COMPLETED' ? EXIT.ok : EXIT.failed;
    }
    say(`${style.bold(started.workflowId)}  ${started.interval.start} to ${started.interval.end}`);
    if (url) say(`  ${style.cyan(url)}`);
    const status = await follow(client, started.workflowId);
    if (status === 'COMPLETED') {
      say(`${style.green('succeeded')} ${started.workflowId}`);
      for (const line of describeResult(await resultOf(client, started))) say(`  ${line}`);
      return EXIT.ok;
    }
    const failure = await resultOf(client, started).then(() => null, runFailure);
    say(`${style.red(status.toLowerCase())} ${started.workflowId}`);
    if (failure) say(`  ${style.red(failure.type)}: ${failure.message}`);
    say(style.dim(`  after mending it: millrace run ${pipeline} --from-failure`));
    return EXIT.failed;
  });
}
