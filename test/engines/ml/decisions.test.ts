import { describe, expect, test } from 'vitest';
import { psi, verdict } from '../../../engines/ml/drift.js';
import { decide } from '../../../engines/ml/gate.js';
import { sideSql } from '../../../engines/ml/split.js';
import { duckdb } from './support.js';

describe('the gate', () => {
  const good = { auc: 0.8, logLoss: 0.4 };
  test.each([
    ['no rules', {}, good, null, true],
    ['a minimum that is met exactly', { min: { auc: 0.8 } }, good, null, true],
    ['a minimum that is missed', { min: { auc: 0.81 } }, good, null, false],
    ['a maximum that is met exactly', { max: { logLoss: 0.4 } }, good, null, true],
    ['a maximum that is passed', { max: { logLoss: 0.39 } }, good, null, false],
    ['one rule of two that fails', { min: { auc: 0.5 }, max: { logLoss: 0.1 } }, good, null, false],
    ['a metric that the candidate lacks', { min: { f1: 0.1 } }, good, null, false],
    ['no champion to beat', { beatsChampion: { metric: 'auc', by: 0.1 } }, good, null, true],
    ['a better AUC', { beatsChampion: { metric: 'auc', by: 0 } }, good, { auc: 0.79 }, true],
    ['an equal AUC', { beatsChampion: { metric: 'auc', by: 0 } }, good, { auc: 0.8 }, false],
    ['a worse AUC', { beatsChampion: { metric: 'auc', by: 0 } }, good, { auc: 0.81 }, false],
    [
      'a margin that is reached exactly',
      { beatsChampion: { metric: 'auc', by: 0.25 } },
      { auc: 0.75 },
      { auc: 0.5 },
      true,
    ],
    ['a margin that is missed', { beatsChampion: { metric: 'auc', by: 0.05 } }, good, { auc: 0.78 }, false],
    ['a loss that fell', { beatsChampion: { metric: 'logLoss', by: 0.05 } }, good, { logLoss: 0.5 }, true],
    ['a loss that rose', { beatsChampion: { metric: 'logLoss', by: 0 } }, good, { logLoss: 0.3 }, false],
    [
      'a margin below 0, which allows a little worse',
      { beatsChampion: { metric: 'auc', by: -0.02 } },
      good,
      { auc: 0.81 },
      true,
    ],
    ['a champion without the metric', { beatsChampion: { metric: 'auc', by: 0 } }, good, { f1: 0.5 }, true],
  ] as const)('with %s', (_, gate, candidate, champion, passed) => {
    expect(decide(gate, candidate, champion).passed).toBe(passed);
  });

  test('gives every reason with its limit and value', () => {
    const gate = { min: { auc: 0.7 }, beatsChampion: { metric: 'auc', by: 0.05 } } as const;
    expect(decide(gate, { auc: 0.8 }, { auc: 0.78 })).toEqual({
      passed: false,
      reasons: [
        { rule: 'auc at least 0.7', limit: 0.7, value: 0.8, passed: true },
        {
          rule: "auc better than the champion's 0.78 by 0.05",
          limit: expect.closeTo(0.83, 10),
          value: 0.8,
          passed: false,
        },
      ],
    });
  });
});

describe('the population stability index', () => {
  test.each([
    ['of equal shares is 0', [0.5, 0.5], [0.5, 0.5], 0],
    ['of equal shares in other counts is 0', [1, 3], [25, 75], 0],
    // (0.25 - 0.5) ln(0.25/0.5) + (0.75 - 0.5) ln(0.75/0.5)
    ['of a shift, by hand', [0.5, 0.5], [0.25, 0.75], 0.25 * Math.log(2) + 0.25 * Math.log(1.5)],
    ['of a bin that emptied is finite', [0.5, 0.5], [0, 1], 0.4999 * Math.log(5000) + 0.5 * Math.log(2)],
    ['of nothing is 0', [0.5, 0.5], [0, 0], 0],
  ])('%s', (_, reference, actual, expected) => {
    expect(psi(reference, actual)).toBeCloseTo(expected, 10);
  });

  test('is stable below 0.1 and shifted from 0.25', () => {
    expect([0, 0.09, 0.1, 0.24, 0.25, 3].map(verdict)).toEqual([
      ...['stable', 'stable', 'moderate', 'moderate', 'shifted', 'shifted'],
    ]);
  });
});

test('a row keeps its side whatever else is in the data, and whatever type its id has', async () => {
  const [row] = await duckdb(
    `SELECT count(*)::INTEGER AS n, count_if(side = 2) / count(*) AS holdout, count_if(side = 1) / count_if(side <> 2) AS validation,
            count_if(side <> text_side)::INTEGER AS moved
     FROM (SELECT ${sideSql('id', 0.2, true)} AS side, (SELECT ${sideSql('t', 0.2, true)} FROM (SELECT id::VARCHAR AS t)) AS text_side
           FROM (SELECT i AS id FROM range(50000) r(i)))`,
  );
  expect(row).toEqual({
    n: 50_000,
    holdout: expect.closeTo(0.2, 2),
    validation: expect.closeTo(0.1, 2),
    moved: 0,
  });
  // these are part of the contract: another hash would let a new candidate learn from old hold-outs
  const sides = await duckdb(
    `SELECT string_agg(${sideSql('id', 0.2, true)}, '' ORDER BY id) AS sides FROM range(40) t(id)`,
  );
  expect(sides).toMatchInlineSnapshot(`
    [
      {
        "sides": "2000000010020001000212000000000001201020",
      },
    ]
  `);
});
