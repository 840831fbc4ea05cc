import { listAwaiting } from '../../approvals.js';
import { runUrl, withClient } from '../../connect.js';
import { runFailure } from '../../failure.js';
import { readRun, resultOf } from '../../runs.js';
import { describeEvidence, describeResult } from '../describe.js';
import { follow } from '../live.js';
import { answer, EXIT, style, type GlobalOptions } from '../output.js';

/** `millrace show`: where a run stands, or how it ended. */
export async function show(options: GlobalOptions & { follow?: boolean }, run: string): Promise<number> {
  return withClient(async (connected) => {
    const { client } = connected;
    if (options.follow && !options.json) await follow(client, run);
    const state = await readRun(client, run);
    const url = runUrl(connected, run, state.runId);
    const ended = state.status !== 'RUNNING';
    const result = state.status === 'COMPLETED' ? await resultOf(client, state) : null;
    const failure = ended && !result ? await resultOf(client, state).then(() => null, runFailure) : null;
    const awaiting = ended ? [] : await listAwaiting(client, run);
    answer(options, { ...state, url, result, failure, awaiting }, () => [
      `${style.bold(run)} ${state.status.toLowerCase()}`,
      ...(url ? [`  ${style.cyan(url)}`] : []),
      ...(result ? describeResult(result).map((line) => `  ${line}`) : []),
      ...(failure ? [`  ${style.red(failure.type)}: ${failure.message}`] : []),
      ...state.stages.map(
        ({ stage, done, total, rows, current }) =>
          `  ${stage}: ${done} of ${total}, ${rows.toLocaleString('en')} rows, ${current.join(', ')}`,
      ),
      ...awaiting.flatMap(({ predictor, hash, deadline, ...evidence }) => [
        `  ${style.yellow('waiting')} ${predictor} ${hash} until ${deadline}`,
        ...describeEvidence(evidence).map((line) => `    ${line}`),
      ]),
    ]);
    return failure ? EXIT.failed : awaiting.length > 0 ? EXIT.waiting : EXIT.ok;
  });
}
