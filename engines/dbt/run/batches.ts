import { MillraceError } from '../../../schemas/errors.js';
import type { DbtFlags } from '../../../schemas/dbt.js';
import { isNumber, str, toNumber } from '../jinja/values.js';
import type { Node } from '../manifest.js';
import { batchFilter, type Batch } from './filtered-relation.js';

const SIZES = ['hour', 'day', 'month', 'year'] as const;
export type BatchSize = (typeof SIZES)[number];

/**
 * `--event-time-start` and `--event-time-end`, in UTC.
 *
 * @throws MillraceError SelectionInvalid unless there are both or none, in order
 */
export function eventTimes({ eventTimeStart, eventTimeEnd }: DbtFlags): { start: Date; end: Date } | null {
  if (eventTimeStart === undefined && eventTimeEnd === undefined) return null;
  if (eventTimeStart === undefined || eventTimeEnd === undefined)
    throw new MillraceError('SelectionInvalid', {
      what: 'One of --event-time-start and --event-time-end is given without the other',
      fix: 'Give both, or none',
    });
  const [start, end] = [asTime(eventTimeStart), asTime(eventTimeEnd)];
  if (start.getTime() >= end.getTime())
    throw new MillraceError('SelectionInvalid', {
      what: `--event-time-start ${eventTimeStart} must be before --event-time-end ${eventTimeEnd}`,
      fix: 'Correct one of them',
    });
  return { start, end };
}

/** A date, or a date and time; without a zone it is UTC. */
function asTime(text: string): Date {
  const iso = text.trim().replace(' ', 'T');
  const zoned = /(?:[zZ]|[+-]\d{2}:?\d{2})$/.test(iso.slice(10))
    ? iso
    : `${iso}${iso.length > 10 ? 'Z' : ''}`;
  const at = new Date(zoned);
  if (!Number.isNaN(at.getTime())) return at;
  throw new MillraceError('SelectionInvalid', {
    what: `'${text}' is no time`,
    fix: "Write a date, or a date and time in UTC: '2024-09-01' or '2024-09-01 12:00:00'",
  });
}

export interface BatchTimes {
  /** given by the caller; null for dbt's own rule */
  times: { start: Date; end: Date } | null;
  /** "now" */
  now: Date;
  /** what must be covered besides, in any case */
  from: Date | null;
  /** the table is there and is added to */
  incremental: boolean;
}

/**
 * The batches of a microbatch model, in order: from its `begin` in a first run, else the last ones by its `lookback`.
 *
 * @throws MillraceError DbtProjectInvalid for a config that is missing
 */
export function batchesOf(node: Node, { times, now, from, incremental }: BatchTimes): Batch[] {
  const size = batchSize(node);
  required(node, 'event_time');
  const end = ceiling(times?.end ?? now, size);
  let start: Date;
  if (times) start = truncate(times.start, size);
  else if (!incremental) start = truncate(asTime(required(node, 'begin')), size);
  else {
    const lookback = node.config.get('lookback') ?? 1;
    // the end of a batch is the end of the last one, which counts as well
    start = offset(end, size, -(isNumber(lookback) ? toNumber(lookback) : 1) - 1);
    if (from && from.getTime() < start.getTime()) start = truncate(from, size);
  }
  const found: Batch[] = [];
  for (let at = start; found.length === 0 || at.getTime() < end.getTime();) {
    const next = offset(at, size, 1);
    found.push({ id: batchId(at, size), start: at, end: next, filter: batchFilter(at, next) });
    at = next;
  }
  return found;
}

function batchSize(node: Node): BatchSize {
  const given = required(node, 'batch_size');
  const size = SIZES.find((each) => each === given);
  if (size) return size;
  throw new MillraceError('DbtProjectInvalid', {
    what: `${node.id}: batch_size '${given}' is none of ${SIZES.join(', ')}`,
    where: { file: node.file, line: 1 },
    fix: `Take one of ${SIZES.join(', ')}`,
  });
}

function required(node: Node, name: string): string {
  const value = node.config.get(name);
  if (value !== undefined && value !== null && str(value) !== '') return str(value);
  throw new MillraceError('DbtProjectInvalid', {
    what: `Microbatch model '${node.name}' needs the config '${name}'`,
    where: { file: node.file, line: 1 },
    fix: `Set ${name}: in its config`,
  });
}

function truncate(at: Date, size: BatchSize): Date {
  const [year, month, day, hour] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate(), at.getUTCHours()];
  switch (size) {
    case 'hour':
      return new Date(Date.UTC(year, month, day, hour));
    case 'day':
      return new Date(Date.UTC(year, month, day));
    case 'month':
      return new Date(Date.UTC(year, month));
    case 'year':
      return new Date(Date.UTC(year, 0));
  }
}

/** of the beginning of the batch that `at` is in */
function offset(at: Date, size: BatchSize, by: number): Date {
  const [year, month, day, hour] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate(), at.getUTCHours()];
  switch (size) {
    case 'hour':
      return new Date(Date.UTC(year, month, day, hour + by));
    case 'day':
      return new Date(Date.UTC(year, month, day + by));
    case 'month':
      return new Date(Date.UTC(year, month + by));
    case 'year':
      return new Date(Date.UTC(year + by, 0));
  }
}

function ceiling(at: Date, size: BatchSize): Date {
  const truncated = truncate(at, size);
  return truncated.getTime() === at.getTime() ? truncated : offset(truncated, size, 1);
}

/** `20240917`, `2024-09-17T16` without its dashes */
function batchId(start: Date, size: BatchSize): string {
  const length = { hour: 13, day: 10, month: 7, year: 4 }[size];
  return start.toISOString().slice(0, length).replaceAll('-', '');
}
