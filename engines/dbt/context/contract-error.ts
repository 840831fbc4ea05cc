import type { Value } from '../jinja/values.js';
import { iterate, str } from '../jinja/values.js';

/** What a broken contract says: every column that is not as promised, beside what the query gives. */
export function contractText(promised: Value, given: Value): string {
  const [wanted, found] = [typesOf(promised), typesOf(given)];
  if (wanted.size === 0) return 'This model has an enforced contract, and its YAML promises no columns';
  const rows = [...new Set([...wanted.keys(), ...found.keys()])].sort().flatMap((name) => {
    const [contract, query] = [wanted.get(name), found.get(name)];
    if (contract === query) return [];
    return [[name, query ?? '', contract ?? '', reasonOf(query, contract)]];
  });
  return `This model has an enforced contract that failed: its columns are not those of its YAML\n\n${table(rows)}\n`;
}

const reasonOf = (query: string | undefined, contract: string | undefined): string =>
  query === undefined
    ? 'missing in definition'
    : contract === undefined
      ? 'missing in contract'
      : 'data type mismatch';

/** Types by name, from what `format_columns` makes. */
function typesOf(columns: Value): Map<string, string> {
  const types = new Map<string, string>();
  for (const column of iterate(columns))
    if (column instanceof Map)
      types.set(str(column.get('name') ?? '').toLowerCase(), str(column.get('data_type') ?? ''));
  return types;
}

const HEADER = ['column_name', 'definition_type', 'contract_type', 'mismatch_reason'];

function table(rows: readonly string[][]): string {
  const widths = HEADER.map((title, at) =>
    Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  return [line(HEADER), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
