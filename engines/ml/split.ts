import { quoteIdent } from '../warehouse/port.js';

/** Which use a row is put to. */
export const SIDES = { train: 0, validation: 1, holdout: 2 } as const;

/** Share of the rows outside the hold-out that early stopping watches. */
const VALIDATION = 0.1;

/**
 * SQL that puts a row on its {@link SIDES} by a hash of its id alone: it stays there in every dataset that holds it,
 * so no predictor is ever judged on a row that an earlier one learned from. Works on DuckDB only.
 *
 * @param holdout share of the rows, 0..1
 * @param validation whether any rows are kept for early stopping
 */
export function sideSql(id: string, holdout: number, validation: boolean): string {
  const hash = `md5_number_lower(CAST(${quoteIdent(id)} AS VARCHAR))`;
  // two independent numbers of six digits out of one hash
  const watched = validation
    ? ` WHEN (${hash} // 1000000) % 1000000 < ${Math.round(VALIDATION * 1e6)} THEN ${SIDES.validation}`
    : '';
  return `CASE WHEN ${hash} % 1000000 < ${Math.round(holdout * 1e6)} THEN ${SIDES.holdout}${watched} ELSE ${SIDES.train} END`;
}
