import { describe, expect, test } from 'vitest';
import { assertPast, cut, lastComplete, parseInterval } from '../../../engines/project/interval.js';

const weekly = { cadence: 'week', timezone: 'UTC' } as const;
const berlinDay = { cadence: 'day', timezone: 'Europe/Berlin' } as const;

describe('what people type', () => {
  test.each([
    ['2026-W02', weekly, '2026-01-05T00:00:00Z', '2026-01-12T00:00:00Z'],
    ['2026-01-07', weekly, '2026-01-05T00:00:00Z', '2026-01-12T00:00:00Z'],
    ['2026-01', weekly, '2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z'],
    ['2026-01-05..2026-01-12', weekly, '2026-01-05T00:00:00Z', '2026-01-12T00:00:00Z'],
    ['2026-01-05/P7D', weekly, '2026-01-05T00:00:00Z', '2026-01-12T00:00:00Z'],
    ['2026-03-29', berlinDay, '2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z'],
  ])('%s is an interval', (text, calendar, start, end) => {
    expect(parseInterval(text, calendar)).toEqual({ start, end });
  });

  test.each(['yesterday', '2026-13-01', '2026-01-12..2026-01-05', '..', ''])(
    "'%s' is refused with what to write instead",
    (text) => {
      expect(() => parseInterval(text, weekly)).toThrow(
        expect.objectContaining({ type: 'IntervalInvalid', fix: expect.stringContaining('2026-W02') }),
      );
    },
  );
});

describe('calendar units', () => {
  test('the last complete week ends on the Monday before', () => {
    expect(lastComplete(new Date('2026-01-14T08:00:00Z'), weekly)).toEqual({
      start: '2026-01-05T00:00:00Z',
      end: '2026-01-12T00:00:00Z',
    });
  });

  test('at the very end of a unit it is that unit', () => {
    expect(lastComplete(new Date('2026-01-12T00:00:00Z'), weekly).end).toBe('2026-01-12T00:00:00Z');
  });

  test('days around both clock changes follow one another without gap or overlap', () => {
    for (const [from, to, hours] of [
      ['2026-03-27T23:00:00Z', '2026-03-30T22:00:00Z', [24, 23, 24]],
      ['2026-10-23T22:00:00Z', '2026-10-26T23:00:00Z', [24, 25, 24]],
    ] as const) {
      const days = cut({ start: from, end: to }, berlinDay);
      expect(days.map(({ start, end }) => (Date.parse(end) - Date.parse(start)) / 3_600_000)).toEqual(hours);
      days.slice(1).forEach((day, i) => expect(day.start).toBe(days[i]?.end));
    }
  });
});

test('an interval that has not ended is refused, whoever asks for it', () => {
  const interval = { start: '2026-01-05T00:00:00Z', end: '2026-01-12T00:00:00Z' };
  expect(() => assertPast(interval, new Date('2026-01-11T23:59:59Z'))).toThrow(
    expect.objectContaining({ type: 'IntervalInFuture' }),
  );
  expect(() => assertPast(interval, new Date('2026-01-12T00:00:00Z'))).not.toThrow();
});
