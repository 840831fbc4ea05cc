import type { Answer } from '../../../engines/warehouse/port.js';

const WIDEST_COLUMN = 50;
const WIDEST_TABLE = 6;

const cellText = (value: unknown): string => {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return text.length > WIDEST_COLUMN ? `${text.slice(0, WIDEST_COLUMN - 3)}...` : text;
};

/** Rows as a table for people: six columns at most, numbers to the right. */
export function previewTable({ columns, rows }: Pick<Answer, 'columns' | 'rows'>): string {
  const shown = columns.slice(0, WIDEST_TABLE).map(({ name }) => name);
  const more = columns.length > shown.length;
  const heads = [...shown, ...(more ? ['...'] : [])];
  const cells = rows.map((row) => [...shown.map((name) => cellText(row[name])), ...(more ? ['...'] : [])]);
  const widths = heads.map((head, at) =>
    Math.max(head.length, ...cells.map((line) => line[at]?.length ?? 0)),
  );
  const numeric = heads.map(
    (head) => rows.length > 0 && rows.every((row) => typeof row[head] === 'number' || row[head] === null),
  );
  const pad = (text: string, at: number): string =>
    numeric[at] ? text.padStart(widths[at] ?? 0) : text.padEnd(widths[at] ?? 0);
  const line = (texts: string[]): string => `| ${texts.join(' | ')} |`;
  return [
    line(heads.map((head, at) => head.padEnd(widths[at] ?? 0))),
    line(widths.map((width) => '-'.repeat(width))),
    ...cells.map((row) => line(row.map(pad))),
  ].join('\n');
}
