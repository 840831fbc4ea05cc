import { milliseconds } from '../../schemas/duration.js';
import type { Schedule } from '../../schemas/pipeline.js';
import { timeLostToClockChange } from './clock-change.js';
import { timesOf } from './cron.js';

/** The server would silently raise a shorter one to this. */
const SHORTEST_CATCHUP_MS = 10_000;

interface Problem {
  /** below the schedule */
  path: string;
  message: string;
}

/**
 * What is wrong with a schedule by itself.
 * @param now decides which change of the clocks is the next one
 */
export function scheduleProblems(schedule: Schedule, now = new Date()): Problem[] {
  const { cron, calendars, catchupWindow, timezone } = schedule;
  const parts = [
    ...[cron ?? []]
      .flat()
      .map((text, i) => ({ path: Array.isArray(cron) ? `cron.${i}` : 'cron', due: { cron: text } })),
    ...(calendars ?? []).map((calendar, i) => ({ path: `calendars.${i}`, due: { calendars: [calendar] } })),
  ];
  const problems = parts.flatMap(({ path, due }) => unreadable(path, () => timesOf(due)));
  if (milliseconds(catchupWindow) < SHORTEST_CATCHUP_MS) {
    problems.push({ path: 'catchupWindow', message: 'must be 10s or longer' });
  }
  if (problems.length > 0) return problems;
  const times = timesOf(schedule).map((due) => due.times);
  const lost = timeLostToClockChange(times, timezone, now);
  if (!lost) return [];
  const message = `${lost} does not exist in ${timezone}, where the clocks go forward, so that run would be missed; choose another hour, or UTC`;
  return [{ path: parts[0]?.path ?? 'cron', message }];
}

function unreadable(path: string, read: () => unknown): Problem[] {
  try {
    read();
    return [];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return [{ path, message: error.message }];
  }
}
