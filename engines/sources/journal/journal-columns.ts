import type { ColumnSpec } from '../copybook/decode-job.js';
import type { CopybookFormat, JournalFormat } from '../../../schemas/format.js';
import { quoteText } from '../../warehouse/port.js';

/** What an entry says of the change, beside the record; in the order of the columns. */
export const JOURNAL_COLUMNS: ColumnSpec[] = [
  { name: '_op', type: { kind: 'text' } },
  { name: '_sequence', type: { kind: 'int64' } },
  { name: '_changed_at', type: { kind: 'timestamp' } },
  { name: '_object', type: { kind: 'text' } },
  { name: '_program', type: { kind: 'text' } },
  { name: '_user', type: { kind: 'text' } },
];

/** Local times of the system become moments. */
export const changedAt = ({ timezone }: Pick<JournalFormat, 'timezone'>): string =>
  `timezone(${quoteText(timezone)}, _changed_at)`;

type Options = CopybookFormat['options'];

/** Options that say how the file is cut into entries; the others are about the record in them. */
const FRAMING =
  /^(record_format|record_length|record_(start|end)_offset|file_(start|end)_offset|is_(rdw|bdw)_.*|(rdw|bdw)_adjustment|block_length|records_per_block|minimum_record_length|maximum_record_length)$/i;

export const framingOptions = (options: Options): Options =>
  Object.fromEntries(Object.entries(options).filter(([name]) => FRAMING.test(name)));

/** Images are found by the entries, which may be longer than the record. */
export const imageOptions = (options: Options): Options => ({
  ...Object.fromEntries(Object.entries(options).filter(([name]) => !FRAMING.test(name))),
  record_format: 'V',
});
