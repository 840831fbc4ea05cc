import { readFreshness, type StreamFreshness } from '../../streams.js';
import { age } from '../age.js';
import { answer, EXIT, style, table, type GlobalOptions } from '../output.js';

/** `millrace freshness`; ends with 1 when a stream is older than its `errorAfter`. */
export async function freshness(options: GlobalOptions, selector?: string): Promise<number> {
  const found = await readFreshness(options.project, selector);
  answer(options, found, () =>
    found.length === 0
      ? 'the project declares no streams'
      : table(
          ['stream', 'state', 'age', 'extracted', 'data until', 'warn after', 'error after'],
          found.map((one) => [
            ...[`${one.source}.${one.stream}`, paint(one)],
            one.ageMs === null ? 'never loaded' : age(one.ageMs),
            ...[one.at ?? '', one.intervalEnd ?? '', one.warnAfter ?? '', one.errorAfter ?? ''],
          ]),
        ),
  );
  return found.some(({ status }) => status === 'error') ? EXIT.failed : EXIT.ok;
}

function paint({ status, warnAfter, errorAfter }: StreamFreshness): string {
  if (warnAfter === null && errorAfter === null) return style.dim('no limit');
  return status === 'fresh'
    ? style.green(status)
    : status === 'warn'
      ? style.yellow(status)
      : style.red(status);
}
