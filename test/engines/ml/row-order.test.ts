import { expect, test } from 'vitest';
import { binCodes } from '../../../engines/ml/distribution.js';
import { orderRows } from '../../../engines/ml/row-order.js';

test('rows are ordered by the first code, then by the next, then as they came', () => {
  const first = Uint8Array.from([2, 0, 2, 0, 255, 0]);
  const second = Uint8Array.from([1, 9, 0, 3, 0, 9]);
  expect([...orderRows([first, second], 6)]).toEqual([3, 1, 5, 2, 0, 4]);
});

test('without codes rows keep their order, and what lies behind the last row is not looked at', () => {
  expect([...orderRows([], 3)]).toEqual([0, 1, 2]);
  expect([...orderRows([Uint8Array.from([1, 0, 0, 0])], 2)]).toEqual([1, 0]);
});

test('a value is in the bin of the last edge that it reaches, and NaN in a bin of its own', () => {
  const values = Float32Array.from([-1, 0.5, 0.75, 1, 9, Infinity, -Infinity, NaN]);
  expect([...binCodes([0.5, 1], values)]).toEqual([0, 1, 1, 2, 2, 2, 0, 3]);
  expect([...binCodes([], Float32Array.from([1, NaN]))]).toEqual([0, 1]);
});
