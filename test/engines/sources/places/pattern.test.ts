import { expect, test } from 'vitest';
import { readPattern } from '../../../../engines/sources/places/pattern.js';

test.each([
  ['orders.csv', 'orders.csv', '', 1],
  ['*.csv', '', '', 1],
  ['2025/01/orders_*.csv', '2025/01/orders_', '2025/01', 1],
  ['2025/*/x/*.csv', '2025/', '2025', 3],
  ['a/**/x.csv', 'a/', 'a', null],
  ['a/{b,c/d}/x.csv', 'a/', 'a', null],
  ['{b,c}/x.csv', '', '', 2],
  ['\\[2025\\]/x?.csv', '[2025]/x', '[2025]', 1],
])('of %s is asked for what begins with %j', (glob, literal, folder, levels) => {
  const pattern = readPattern(glob);
  expect(pattern).toMatchObject({ literal, folder });
  expect(pattern.levels?.length ?? null).toBe(levels);
});

test('a match means what it means on this machine', () => {
  expect(readPattern('*.csv').matches('.hidden.csv')).toBe(false);
  expect(readPattern('*.csv').matches('a/b.csv')).toBe(false);
  expect(readPattern('**/*.csv').matches('b.csv')).toBe(true);
  expect(readPattern('\\[2025\\]/*').matches('[2025]/a')).toBe(true);
});
