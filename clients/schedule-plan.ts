import type { DeclaredSchedule, PauseState, ScheduleFacts, ServerSchedule } from './schedule-facts.js';

interface Difference {
  field: keyof ScheduleFacts | 'paused' | 'note';
  from: string;
  to: string;
}

export interface ScheduleChange {
  action: 'create' | 'update' | 'delete' | 'none';
  id: string;
  name: string;
  /** fields that differ; for a new one all of them, from nothing */
  differences: Difference[];
  /** what was done on the server and stays: apply does not undo a pause or a resume by hand */
  kept: string | null;
}

/** What makes the server's schedules those of the project, in the order of their ids. */
export function planSchedules(declared: DeclaredSchedule[], actual: ServerSchedule[]): ScheduleChange[] {
  const existing = new Map(actual.map((schedule) => [schedule.id, schedule]));
  const wanted = new Set(declared.map(({ id }) => id));
  const changes = declared.map((schedule) => {
    const found = existing.get(schedule.id);
    return found ? compare(schedule, found) : create(schedule);
  });
  for (const { id, name } of actual) {
    if (!wanted.has(id)) changes.push({ action: 'delete', id, name, differences: [], kept: null });
  }
  return changes.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** True when apply has something to do. */
export const hasChanges = (plan: ScheduleChange[]): boolean => plan.some(({ action }) => action !== 'none');

function create({ id, name, facts, paused }: DeclaredSchedule): ScheduleChange {
  const differences: Difference[] = entries(facts).map(([field, to]) => ({ field, from: '', to }));
  if (paused) differences.push({ field: 'paused', from: '', to: 'true' });
  return { action: 'create', id, name, differences, kept: null };
}

function compare(declared: DeclaredSchedule, found: ServerSchedule): ScheduleChange {
  const differences: Difference[] = entries(declared.facts).flatMap(([field, to]) =>
    found.facts[field] === to ? [] : [{ field, from: found.facts[field], to }],
  );
  const state = nextState(declared, found);
  if (state.paused !== found.paused) {
    differences.push({ field: 'paused', from: String(found.paused), to: String(state.paused) });
  }
  if (state.note !== found.note) differences.push({ field: 'note', from: found.note, to: state.note });
  const { id, name } = declared;
  return {
    ...{ id, name, differences, action: differences.length > 0 ? 'update' : 'none' },
    kept: state.paused === declared.paused ? null : keptText(found),
  };
}

/**
 * Who paused or resumed a schedule on the server had a reason: that stays until the project says something else than
 * when it was last applied.
 */
export function nextState(declared: PauseState, found: ServerSchedule): PauseState {
  const before = found.applied ?? found;
  if (before.paused !== declared.paused) return { paused: declared.paused, note: declared.note };
  return { paused: found.paused, note: before.note === declared.note ? found.note : declared.note };
}

function keptText({ paused, note }: ServerSchedule): string {
  return paused
    ? `paused on the server${note ? ` (${note})` : ''}`
    : 'resumed on the server, though declared as paused';
}

const entries = (facts: ScheduleFacts) => Object.entries(facts) as [keyof ScheduleFacts, string][];
