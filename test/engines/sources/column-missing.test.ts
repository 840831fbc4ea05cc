import { expect, test } from 'vitest';
import { columnMissing } from '../../../engines/sources/declared.js';

test('a column that another declared one has found is not proposed for a missing one', () => {
  const where = { file: 'a.csv' };
  expect(columnMissing(['amount1', 'amount2'], ['amount1'], where).message).not.toContain('may be');
  const error = columnMissing(['amount1', 'amount2'], ['amount1', 'amount_2'], where);
  expect(error.what).toBe("The file has no column 'amount2'; it has 'amount1', 'amount_2'");
  expect(error.fix).toContain("'amount2' may be 'amount_2'");
});
