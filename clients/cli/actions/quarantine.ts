import {
  dropQuarantinedBatch,
  listQuarantined,
  replayQuarantined,
  showQuarantined,
  type ShownRecord,
} from '../../quarantine.js';
import { age } from '../age.js';
import { positive } from '../arguments.js';
import { answer, EXIT, style, table, type GlobalOptions } from '../output.js';

const count = (n: number): string => n.toLocaleString('en');
const plural = (n: number): string => `${count(n)} ${n === 1 ? 'record' : 'records'}`;

/** `millrace quarantine list` */
export async function list(options: GlobalOptions & { all?: boolean }, selector?: string): Promise<void> {
  const found = await listQuarantined(options.project, selector, options.all);
  const now = Date.now();
  answer(options, found, () =>
    found.length === 0
      ? options.all
        ? 'nothing is quarantined'
        : 'no open quarantine'
      : table(
          ['stream', 'batch', 'records', 'state', 'age', 'reasons', 'file'],
          found.map(({ source, stream, batch, records, state, extractedAt, reasons, file }) => [
            ...[`${source}.${stream}`, batch.slice(0, 12), count(records)],
            state === 'open' ? style.yellow(state) : style.dim(state),
            age(now - Date.parse(extractedAt)),
            describeReasons(reasons),
            file,
          ]),
        ),
  );
}

function describeReasons(reasons: { reason: string; records: number }[]): string {
  const shown = reasons.slice(0, 2).map(({ reason, records }) => `${count(records)}× ${reason}`);
  return [...shown, ...(reasons.length > 2 ? [`${reasons.length - 2} more`] : [])].join(', ');
}

/** `millrace quarantine show` */
export async function show(
  options: GlobalOptions & { batch?: string; limit: string },
  stream: string,
): Promise<void> {
  const limit = positive(options.limit, '--limit');
  const records = await showQuarantined(options.project, stream, { batch: options.batch, limit });
  const document = records.map(({ raw, text, ...rest }) => ({ ...rest, text, hex: raw.toString('hex') }));
  answer(options, document, () =>
    records.length === 0 ? 'no open quarantine' : records.flatMap(describeRecord),
  );
}

function describeRecord(shown: ShownRecord): string[] {
  const { file, record, line, byte, batch, reason, raw, text, characters } = shown;
  const at = [`record ${record}`, ...(line > 0 ? [`line ${line}`] : []), `byte ${byte}`].join(', ');
  const bytes = text === null ? hexLines(raw, characters) : text.split(/\r\n|\n|\r/).slice(0, 20);
  return [
    `${style.bold(file)} ${at} ${style.dim(`batch ${batch.slice(0, 12)}`)}`,
    `  ${style.yellow(reason)}`,
    ...bytes.map((one) => `  ${style.dim('│')} ${one.length > 400 ? `${one.slice(0, 400)}…` : one}`),
  ];
}

const SHOWN_BYTES = 512;

/** Sixteen bytes a line with their offset and characters, as hex dumps are. */
function hexLines(raw: Buffer, characters: string | null): string[] {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(raw.length, SHOWN_BYTES); at += 16) {
    const bytes = [...raw.subarray(at, at + 16)].map((byte) => byte.toString(16).padStart(2, '0'));
    const side = (characters ?? '')
      .slice(at, at + 16)
      .replaceAll(/[\p{C}\p{Z}]/gu, (one) => (one === ' ' ? one : '·'));
    lines.push(`${String(at).padStart(5)}  ${bytes.join(' ').padEnd(47)}  ${side}`.trimEnd());
  }
  return raw.length > SHOWN_BYTES ? [...lines, `… ${raw.length} bytes in all; --json shows them`] : lines;
}

/** `millrace quarantine replay`; ends with 1 when nothing of an open batch fits. */
export async function replay(
  options: GlobalOptions & { batch?: string; who?: string },
  stream: string,
): Promise<number> {
  const outcomes = await replayQuarantined(options.project, stream, options);
  answer(options, outcomes, () =>
    outcomes.length === 0
      ? 'no open quarantine'
      : outcomes.flatMap(({ batch, file, read, loaded, quarantined, into, why }) =>
          into === null
            ? [
                `${style.red('none fits')} ${file} (batch ${batch.slice(0, 12)}): ${plural(read)} left open`,
                ...(why ? [`  ${why}`] : []),
              ]
            : [
                `${style.green('replayed')} ${file}: ${count(read)} read = ${count(loaded)} loaded + ${count(quarantined)} quarantined, batch ${into.slice(0, 12)}`,
              ],
        ),
  );
  return outcomes.some(({ into }) => into === null) ? EXIT.failed : EXIT.ok;
}

/** `millrace quarantine drop` */
export async function drop(
  options: GlobalOptions & { batch: string; why: string; who?: string },
  stream: string,
): Promise<void> {
  const dropped = await dropQuarantinedBatch(options.project, stream, options);
  answer(
    options,
    dropped,
    () =>
      `${style.green('dropped')} ${plural(dropped.records)} of batch ${dropped.batch}; they stay in the lake`,
  );
}
