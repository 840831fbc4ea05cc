import { describe, expect, test } from 'vitest';
import { formatTimes, timesOf } from '../../../engines/project/cron.js';
import { scheduleProblems } from '../../../engines/project/schedule-problems.js';
import { Schedule } from '../../../schemas/pipeline.js';

const read = (cron: string): string =>
  timesOf({ cron })
    .map(({ times }) => formatTimes(times))
    .join('; ');
const problems = (schedule: object) => scheduleProblems(Schedule.parse({ pipeline: 'daily', ...schedule }));

describe('cron', () => {
  test.each([
    ['0 6 * * *', '0 6 * * *'],
    ['*/15 * * * *', '*/15 * * * *'],
    ['0,15,30,45 * * * *', '*/15 * * * *'],
    ['5/20 * * * *', '5,25,45 * * * *'],
    ['0 9-17 * * MON-FRI', '0 9-17 * * 1-5'],
    ['0 0 * JAN,jul Sunday', '0 0 * 1,7 0'],
    ['0 0 * * 5-7', '0 0 * * 0,5-6'],
    ['0 0 * * SAT-SUN', '0 0 * * 0,6'],
    ['0 0 * * 0-7', '0 0 * * *'],
    ['10-50/20 * 1-31 1-12 *', '10,30,50 * * * *'],
    ['@daily', '0 0 * * *'],
    ['  @Weekly ', '0 0 * * 0'],
    ['0 6 13 * FRI', '0 6 13 * *; 0 6 * * 5'],
    ['0 6 */2 * FRI', '0 6 */2 * 5 (on both days at once)'],
    ['0 0 29 2 *', '0 0 29 2 *'],
  ])('%s is due at %s', (cron, canonical) => {
    expect(read(cron)).toBe(canonical);
  });

  test.each([
    ['0 6 * *', "'0 6 * *' has 4 fields; cron has five"],
    ['0 0 6 * * *', 'has 6 fields'],
    ['', "'' has 1 field;"],
    ['70 6 * * *', "'70' is no minute; it must be 0 to 59"],
    ['0 24 * * *', "'24' is no hour"],
    ['0 0 0 * *', "'0' is no day of the month; it must be 1 to 31"],
    ['0 0 * FOO *', "'FOO' is no month; it must be 1 to 12 or a name such as JAN"],
    ['0 0 * * MONKEY', "'MONKEY' is no day of the week"],
    ['0 17-9 * * *', "'17-9' runs backwards"],
    ['*/0 * * * *', 'has a step of 0'],
    ['-5 * * * *', "'-5' cannot be read as minute"],
    ['1,,2 * * * *', "'' cannot be read as minute"],
    ['0 0 30 2 *', 'day 30 does not exist in month 2'],
    ['0 0 31 4,6 *', 'day 31 does not exist in month 4, 6'],
  ])('%s is refused: %s', (cron, message) => {
    expect(problems({ cron })).toEqual([
      { path: 'cron', message: expect.stringContaining(message) as string },
    ]);
  });

  test('a list names the entry that is wrong', () => {
    expect(problems({ cron: ['0 6 * * *', 'x 6 * * *'] })).toMatchObject([{ path: 'cron.1' }]);
  });
});

describe('calendars', () => {
  test('minute and hour are 0 unless they are given, and every field has to match', () => {
    const due = timesOf({
      calendars: [
        { dayOfMonth: '13', dayOfWeek: 'FRI' },
        { hour: '6', comment: 'breakfast' },
      ],
    });
    expect(due.map(({ times }) => formatTimes(times))).toEqual([
      '0 0 13 * 5 (on both days at once)',
      '0 6 * * *',
    ]);
    expect(due[1]?.comment).toBe('breakfast');
  });

  test('a wrong one is named, and so is too short a catch-up window', () => {
    expect(problems({ calendars: [{ hour: '9-17' }, { hour: '9:00' }], catchupWindow: '5s' })).toEqual([
      {
        path: 'calendars.1',
        message: "'9:00' cannot be read as hour; write 5, 9-17, */15 or a list of these",
      },
      { path: 'catchupWindow', message: 'must be 10s or longer' },
    ]);
  });
});

describe('clock changes', () => {
  const lost = (schedule: object): string[] =>
    scheduleProblems(
      Schedule.parse({ pipeline: 'daily', ...schedule }),
      new Date('2026-11-20T12:00:00Z'),
    ).map(({ message }) => message);

  test.each([
    ['30 2 * * *', 'Europe/Berlin', '02:30 on 2027-03-28 does not exist in Europe/Berlin'],
    ['0 2 * * SUN', 'America/New_York', '02:00 on 2027-03-14 does not exist in America/New_York'],
    ['30 0 * * *', 'America/Santiago', '00:30 on 2027-09-05 does not exist in America/Santiago'],
    ['15 2 * 9-11 *', 'Australia/Lord_Howe', '02:15 on 2027-10-03 does not exist in Australia/Lord_Howe'],
  ])('%s in %s would miss a run', (cron, timezone, message) => {
    expect(lost({ cron, timezone })).toEqual([expect.stringContaining(message)]);
  });

  test.each([
    ['30 3 * * *', 'Europe/Berlin'],
    ['30 2 * * *', 'UTC'],
    ['30 2 * * *', 'Asia/Tokyo'],
    ['30 2 * * MON-FRI', 'Europe/Berlin'],
    ['30 2,14 * * *', 'Europe/Berlin'],
    ['*/20 * * * *', 'America/New_York'],
  ])('%s in %s is due on every day that it names', (cron, timezone) => {
    expect(lost({ cron, timezone })).toEqual([]);
  });
});
