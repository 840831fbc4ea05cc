import { nullShare } from '../../../engines/lake/profile-drift.js';
import { previewStream } from '../../preview.js';
import { readStreamProfile, summarizeStreams, type StreamSummary } from '../../streams.js';
import { positive } from '../arguments.js';
import { answer, EXIT, style, table, type GlobalOptions } from '../output.js';

const count = (n: number): string => n.toLocaleString('en');
const percent = (share: number): string =>
  share === 0 ? '' : share < 0.001 ? '< 0.1 %' : `${(100 * share).toFixed(1)} %`;

/** `millrace streams`; ends with 1 when the counts of a stream do not add up. */
export async function streams(options: GlobalOptions, selector?: string): Promise<number> {
  const found = await summarizeStreams(options.project, selector);
  answer(options, found, () =>
    found.length === 0
      ? 'the project declares no streams'
      : [
          ...table(
            ['stream', 'batches', 'rows', 'open', 'dropped', 'columns', 'last load', 'reconciliation'],
            found.map((one) => [
              ...[`${one.source}.${one.stream}`, count(one.batches), count(one.loaded)],
              one.open > 0 ? style.yellow(count(one.open)) : '',
              one.dropped > 0 ? count(one.dropped) : '',
              describeColumns(one),
              ...[one.lastLoad ?? 'never', describeCounts(one)],
            ]),
          ),
          ...found.flatMap(({ source, stream, differences }) =>
            differences.map(({ file, what, expected, found: is }) =>
              style.red(`${source}.${stream}: ${file}: ${what} ${is}, not ${expected}`),
            ),
          ),
        ],
  );
  return found.some(({ differences }) => differences.length > 0) ? EXIT.failed : EXIT.ok;
}

function describeColumns({ columns, schemaVersion, variants }: StreamSummary): string {
  if (columns === 0) return '';
  return `${columns} (v${schemaVersion}${variants > 0 ? `, ${variants} of misfits` : ''})`;
}

/** read = loaded + open + dropped + filtered, and what the source itself counted. */
function describeCounts({ batches, read, loaded, open, dropped, filtered, ...one }: StreamSummary): string {
  if (batches === 0) return '';
  const right = read === loaded + open + dropped + filtered && one.differences.length === 0;
  const { rows, batches: counted } = one.expected;
  const source =
    counted === 0
      ? ''
      : `, ${count(rows)} in the source${counted < batches ? ` (${counted} of ${batches} batches)` : ''}`;
  const left = one.discarded > 0 ? `, ${count(one.discarded)} values left out` : '';
  return `${right ? style.green('ok') : style.red('differs')} ${count(read)} read${source}${left}`;
}

/** `millrace extract preview` */
export async function preview(
  options: GlobalOptions & { rows: string; interval?: string },
  name: string,
): Promise<void> {
  const rows = positive(options.rows, '--rows');
  const found = await previewStream(options.project, name, { rows, interval: options.interval });
  const { counts, columns, quarantined, changes } = found;
  answer(options, found, () => [
    `${style.bold(found.read)} ${style.dim(`${found.interval.start} to ${found.interval.end}`)}`,
    `${count(counts.read)} read = ${count(counts.loaded)} loaded + ${count(counts.quarantined)} quarantined + ${count(counts.filtered)} filtered` +
      (found.cut ? '; only the beginning was read' : ''),
    '',
    ...table(
      ['column', 'type', 'null', 'distinct'],
      columns.map(({ name: column, type, nulls, distinct }) => [
        ...[column, type, percent(nulls), distinct === undefined ? '' : count(distinct)],
      ]),
    ),
    '',
    ...table(
      columns.map(({ name: column }) => column),
      found.rows.map((row) => row.map((value) => (value === null ? style.dim('null') : short(value)))),
    ),
    ...(quarantined.length > 0 ? ['', style.yellow('quarantined')] : []),
    ...quarantined.map(({ record, line, reason }) => `  record ${record}, line ${line}: ${reason}`),
    ...(changes.length > 0 ? ['', style.yellow('other than in bronze')] : []),
    ...changes.map((change) => `  ${change}`),
    ...['', style.dim('// for millrace.ts'), found.declaration],
  ]);
}

/** One line of at most 40 characters. */
function short(value: string): string {
  const line = value.replaceAll(/[\u0000-\u001f\u007f]/g, '·');
  return line.length > 40 ? `${line.slice(0, 39)}…` : line;
}

/** `millrace extract profile` */
export async function profile(options: GlobalOptions & { batch?: string }, name: string): Promise<void> {
  const found = await readStreamProfile(options.project, name, options.batch);
  const { batch, before, drift } = found;
  const { rows, sampled, columns } = found.profile;
  const changes = new Map(drift.map((one) => [one.name, one.changes.join(', ')]));
  const gone = drift.filter((one) => !columns.some((column) => column.name === one.name));
  answer(options, found, () => [
    `${style.bold(`${name} ${batch.key.slice(0, 12)}`)} ${batch.source.file}, ${count(rows)} rows` +
      (sampled < rows ? `, ${count(sampled)} sampled` : ''),
    ...table(
      ['column', 'type', 'null', 'min', 'max', 'mean', 'length', 'distinct', ...(before ? ['changed'] : [])],
      columns.map((column) => [
        ...[column.name, column.type, percent(nullShare(column, found.profile))],
        ...[short(column.min ?? ''), short(column.max ?? ''), column.mean?.toPrecision(6) ?? ''],
        column.shortest === undefined ? '' : `${column.shortest} to ${column.longest}`,
        column.distinct === undefined ? '' : count(column.distinct),
        style.yellow(changes.get(column.name) ?? ''),
      ]),
    ),
    ...gone.map((one) => style.yellow(`${one.name} is gone`)),
    ...(before ? [style.dim(`changed against batch ${before.key.slice(0, 12)}, ${before.source.file}`)] : []),
  ]);
}
