import { MillraceError, type Position } from '../../../schemas/errors.js';

/** the dbt whose projects run here */
export const DBT_VERSION = '1.10.23';

const RANGE = /^\s*(>=|<=|>|<|=)?\s*v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:[-.]?(?:a|b|rc|post|dev)\d*)?\s*$/;

/**
 * Checks `require-dbt-version`: one range, several with commas between, or a list of them.
 *
 * @throws MillraceError DbtProjectInvalid when this dbt is not among them, or it is no version
 */
export function requireVersion(wanted: unknown, where: Position): void {
  const ranges = (Array.isArray(wanted) ? wanted : [wanted]).flatMap((each) =>
    typeof each === 'string' ? each.split(',') : each === null || each === undefined ? [] : [String(each)],
  );
  for (const range of ranges) {
    const found = RANGE.exec(range);
    if (!found)
      throw new MillraceError('DbtProjectInvalid', {
        what: `require-dbt-version: '${range.trim()}' is not a version`,
        where,
        fix: "Write it as '>=1.6.0,<2.0.0'",
      });
    const [, operator = '=', ...parts] = found;
    const order = compareVersions(DBT_VERSION.split('.').map(Number), parts.map(Number));
    const holds = {
      '>=': order >= 0,
      '<=': order <= 0,
      '>': order > 0,
      '<': order < 0,
      '=': order === 0,
    }[operator];
    if (holds !== true)
      throw new MillraceError('DbtProjectInvalid', {
        what: `require-dbt-version: this project wants dbt ${ranges.join(',').trim()}, and this is dbt ${DBT_VERSION}`,
        where,
        fix: 'Widen the range if the project runs with it, or leave it unchecked with --no-version-check',
      });
  }
}

function compareVersions(left: readonly number[], right: readonly number[]): number {
  for (let at = 0; at < 3; at++) {
    const order = (left[at] ?? 0) - (right[at] || 0);
    if (order !== 0) return order;
  }
  return 0;
}
