import { describe, expect, test } from 'vitest';
import {
  broughtBy,
  currentSchema,
  planColumns,
  plannedSchema,
  schemaHistory,
  type IncomingColumn,
} from '../../../engines/lake/contract.js';
import { duckType, parseType, printType, sameType, widen } from '../../../engines/lake/types.js';
import type { Column } from '../../../schemas/column.js';
import type { BronzeSchema } from '../../../schemas/lake.js';
import type { ContractMode } from '../../../schemas/stream.js';

describe('types', () => {
  test.each([
    ['int32', 'int64', 'int64'],
    ['int64', 'decimal(10,2)', 'decimal(21,2)'],
    ['decimal(10,4)', 'decimal(12,2)', 'decimal(14,4)'],
    ['decimal(38,0)', 'decimal(38,2)', null],
    ['int32', 'double', 'double'],
    ['int64', 'double', null],
    ['decimal(10,2)', 'double', null],
    ['date', 'timestamp', 'timestamp'],
    ['timestamp', 'timestamptz', null],
    ['text', 'int64', null],
    ['UBIGINT', 'int64', 'decimal(20,0)'],
    ['SMALLINT', 'int32', 'int32'],
    ['FLOAT', 'double', 'double'],
    ['INTEGER', 'int32', 'int32'],
    ['BIGINT[]', 'INTEGER[]', 'BIGINT[]'],
    ['STRUCT(a INTEGER)', 'STRUCT(a BIGINT, "b c" VARCHAR[])', 'STRUCT("a" BIGINT, "b c" VARCHAR[])'],
    ['STRUCT(a INTEGER)', 'STRUCT(a VARCHAR)', null],
    ['MAP(VARCHAR, INTEGER)', 'MAP(VARCHAR, BIGINT)', 'MAP(VARCHAR, BIGINT)'],
    ['STRUCT(x DECIMAL(10,2), y INTEGER)', 'STRUCT(Y BIGINT)', 'STRUCT("x" DECIMAL(10,2), "y" BIGINT)'],
  ])('%s and %s are both exact in %s', (a, b, wide) => {
    expect(widen(a, b)).toBe(wide);
    const back = widen(b, a);
    expect(back === null ? null : duckType(back).length).toBe(wide === null ? null : duckType(wide).length);
  });

  test('what is printed reads back', () => {
    for (const type of [
      'int64',
      'decimal(38,9)',
      'STRUCT("a""b, (c" BIGINT, "d" STRUCT("e" VARCHAR)[])',
      'INTEGER[3]',
    ])
      expect(sameType(printType(parseType(type)), type)).toBe(true);
  });
});

const CURRENT: BronzeSchema = [
  { name: 'id', type: 'int32' },
  { name: 'at', type: 'date' },
];
const plan = (
  incoming: IncomingColumn[],
  mode: ContractMode,
  options: { current?: BronzeSchema | undefined; declared?: Record<string, Column>; sparse?: boolean } = {},
) =>
  planColumns({
    ...{ current: CURRENT, incoming, stream: 's.t', where: { file: 'f' }, ...options },
    contract: { columns: mode, types: mode },
  });
const column = (name: string, type?: string): IncomingColumn => ({ name, type });

describe('columns that come', () => {
  const incoming = [column('x', 'text'), column('at', 'date'), column('ID', 'int32')];
  test('evolve takes them on after those there are, and knows its own by name in any case', () => {
    const { columns, changes } = plan(incoming, 'evolve');
    expect(columns).toEqual([
      { name: 'id', type: 'int32', from: 'ID', misfit: 'none' },
      { name: 'at', type: 'date', from: 'at', misfit: 'none' },
      { name: 'x', type: 'text', from: 'x', misfit: 'none' },
    ]);
    expect(changes).toEqual([{ column: 'x', change: 'new', to: 'text' }]);
  });
  test('freeze names each of them', () => {
    expect(() => plan([...incoming, column('y')], 'freeze')).toThrow("'x' (text) is new, 'y' (text) is new");
  });
  test('the others leave them out, and say what becomes of a row that has one', () => {
    expect(plan(incoming, 'discard_row').leftOut).toEqual([{ name: 'x', then: 'reject' }]);
    expect(plan(incoming, 'discard_value').leftOut).toEqual([{ name: 'x', then: 'discard' }]);
  });
  test('before the first batch all are taken, but for those that a declaration does not name', () => {
    expect(plannedSchema(plan(incoming, 'freeze', { current: undefined }).columns)).toHaveLength(3);
    const declared = { id: 'int64', at: { type: 'date' as const } };
    expect(() => plan(incoming, 'freeze', { current: undefined, declared })).toThrow("'x' (text) is new");
    expect(plannedSchema(plan(incoming, 'evolve', { current: undefined, declared }).columns)).toEqual([
      { name: 'id', type: 'int64' },
      { name: 'at', type: 'date' },
      { name: 'x', type: 'text' },
    ]);
  });
});

describe('columns that are gone', () => {
  const incoming = [column('id', 'int32')];
  test('evolve and discard_value tell it; freeze refuses; discard_row rejects every row', () => {
    const gone = [{ column: 'at', change: 'gone', from: 'date' }];
    expect(plan(incoming, 'evolve')).toMatchObject({ changes: gone, rejectAll: null });
    expect(plan(incoming, 'discard_value')).toMatchObject({ changes: gone, rejectAll: null });
    expect(() => plan(incoming, 'freeze')).toThrow("'at' (date) is gone");
    expect(plan(incoming, 'discard_row').rejectAll).toBe('column "at" is gone');
  });
  test('where rows need not have every column, nothing is gone', () => {
    expect(plan(incoming, 'freeze', { sparse: true }).columns).toEqual([
      { name: 'id', type: 'int32', from: 'id', misfit: 'none' },
      { name: 'at', type: 'date', from: null, misfit: 'none' },
    ]);
  });
});

describe('types that change', () => {
  test('evolve widens where nothing is lost, and keeps what does not fit as text beside it', () => {
    const { columns, changes } = plan([column('id', 'int64'), column('at', 'text')], 'evolve');
    expect(columns).toEqual([
      { name: 'id', type: 'int64', from: 'id', misfit: 'none' },
      { name: 'at', type: 'date', from: 'at', misfit: 'variant' },
      { name: 'at__variant', type: 'text', from: 'at', misfit: 'none', variantOf: 'at' },
    ]);
    expect(changes).toEqual([{ column: 'id', change: 'retyped', from: 'int32', to: 'int64' }]);
  });
  test('a narrower value fits under every mode', () => {
    const current = [{ name: 'id', type: 'int64' }];
    for (const mode of ['evolve', 'freeze', 'discard_row', 'discard_value'] as const)
      expect(plan([column('id', 'int32')], mode, { current }).columns[0]).toMatchObject({
        type: 'int64',
        misfit: 'none',
      });
  });
  test('freeze refuses another type, and rejects rows where values are texts or declared', () => {
    expect(() => plan([column('id', 'text'), column('at', 'date')], 'freeze')).toThrow(
      "'id' is text and was int32",
    );
    expect(plan([column('id'), column('at')], 'freeze').columns.map(({ misfit }) => misfit)).toEqual([
      'reject',
      'reject',
    ]);
    const declared = { id: 'int32', at: 'date' } as const;
    expect(
      plan([column('id', 'text'), column('at', 'date')], 'freeze', { declared }).columns[0]?.misfit,
    ).toBe('reject');
  });
  test('discard_row rejects the row, discard_value leaves the value out', () => {
    const incoming = [column('id', 'double'), column('at', 'date')];
    expect(plan(incoming, 'discard_row').columns[0]).toMatchObject({ type: 'int32', misfit: 'reject' });
    expect(plan(incoming, 'discard_value').columns[0]).toMatchObject({ type: 'int32', misfit: 'discard' });
  });
  test('a declaration that is wider than the stream widens it under evolve, and is refused under freeze', () => {
    const declared = { id: 'int64', at: 'date' } as const;
    expect(plan([column('id'), column('at')], 'evolve', { declared }).columns[0]).toMatchObject({
      type: 'int64',
    });
    expect(() => plan([column('id'), column('at')], 'freeze', { declared })).toThrow(
      "'id' is declared int64 and was int32",
    );
  });
  test('text takes every value of evolve', () => {
    const current = [{ name: 'id', type: 'text' }];
    expect(plan([column('id', 'STRUCT(a INTEGER)')], 'evolve', { current }).columns).toEqual([
      { name: 'id', type: 'text', from: 'id', misfit: 'none' },
    ]);
  });
  test('nested values grow field by field', () => {
    const current = [{ name: 'o', type: 'STRUCT(a INTEGER)' }];
    expect(plan([column('o', 'STRUCT(b VARCHAR)')], 'evolve', { current }).columns).toMatchObject([
      { type: 'STRUCT("a" INTEGER, "b" VARCHAR)', misfit: 'none' },
    ]);
  });
  test('a column named as the texts of another one is refused', () => {
    const current = [...CURRENT, { name: 'at__variant', type: 'text' }];
    const incoming = [column('id', 'int32'), column('at', 'date')];
    expect(plan(incoming, 'freeze', { current }).columns).toHaveLength(2);
    expect(() => plan([...incoming, column('at__variant', 'text')], 'evolve', { current })).toThrow(
      'at__variant',
    );
  });
});

test('the schema of a stream is that of all its batches, and its history tells what each one changed', () => {
  const batch = (key: string, schema: BronzeSchema) => ({
    key,
    schema,
    extractedAt: `2025-01-0${key}T00:00:00Z`,
  });
  const wide = [
    { name: 'id', type: 'int64' },
    { name: 'x', type: 'text' },
  ];
  const batches = [
    batch('1', CURRENT),
    batch('2', CURRENT),
    batch('3', wide),
    batch('4', CURRENT),
    batch('5', CURRENT),
  ];
  expect(currentSchema(batches)).toEqual([
    { name: 'id', type: 'int64' },
    { name: 'at', type: 'date' },
    { name: 'x', type: 'text' },
  ]);
  expect(schemaHistory(batches).map(({ batch: key, changes }) => [key, changes])).toEqual([
    [
      '1',
      [
        { column: 'id', change: 'new', to: 'int32' },
        { column: 'at', change: 'new', to: 'date' },
      ],
    ],
    [
      '3',
      [
        { column: 'id', change: 'retyped', from: 'int32', to: 'int64' },
        { column: 'x', change: 'new', to: 'text' },
        { column: 'at', change: 'gone', from: 'date' },
      ],
    ],
    [
      '4',
      [
        { column: 'at', change: 'new', to: 'date' },
        { column: 'x', change: 'gone', from: 'text' },
      ],
    ],
  ]);
});

test('what batches brought is what is new or wider, not what came narrower or stayed away', () => {
  const before: BronzeSchema = [
    { name: 'id', type: 'int64' },
    { name: 'n', type: 'int64' },
  ];
  const schema = (type: string) => ({ schema: [{ name: 'N', type }] });
  expect(broughtBy(undefined, [schema('text')])).toEqual([]);
  expect(broughtBy(before, [schema('int32')])).toEqual([]);
  expect(
    broughtBy(before, [schema('decimal(20,1)'), { schema: [{ name: 'n__variant', type: 'text' }] }]),
  ).toEqual([
    { column: 'n', type: 'decimal(20,1)', was: 'int64' },
    { column: 'n__variant', type: 'text' },
  ]);
});

test('a required column takes no misfits, and rows without it are rejected when it is gone', () => {
  const declared: Record<string, Column> = { id: { type: 'int64', required: true } };
  for (const mode of ['evolve', 'discard_value'] as const) {
    expect(plan([{ name: 'id' }], mode, { declared, current: undefined }).columns).toMatchObject([
      { name: 'id', misfit: 'reject' },
    ]);
    const gone = plan([{ name: 'n' }], mode, { declared, current: undefined });
    expect(gone.rejectAll).toBe('column "id" is gone');
  }
});

test('a value in the place of an object is no new column: types say what becomes of it', () => {
  const stray: IncomingColumn[] = [
    { name: 'id', type: 'int32' },
    { name: 'at', type: 'date' },
    { name: 'a', type: 'text', stray: true },
  ];
  const then = (mode: ContractMode) => plan(stray, mode).leftOut;
  expect(then('freeze')).toEqual([{ name: 'a', then: 'reject', stray: true }]);
  expect(then('discard_value')).toEqual([{ name: 'a', then: 'discard', stray: true }]);
  expect(plan(stray, 'evolve').columns.at(-1)).toMatchObject({ name: 'a', type: 'text' });
});
