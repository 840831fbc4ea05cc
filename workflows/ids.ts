import type { Interval } from '../schemas/interval.js';

const span = ({ start }: Interval): string => start.replace(':00Z', 'Z');

/** Workflow ids: the same work always has the same id, so that the server refuses to do it twice at once. */
export const ids = {
  pipeline: (project: string, pipeline: string, interval: Interval) =>
    `${project}.${pipeline}.${span(interval)}`,
  extract: (run: string, source: string, stream: string) => `${run}/extract.${source}.${stream}`,
  replicate: (project: string, source: string) => `${project}.replicate.${source}`,
  transform: (run: string) => `${run}/transform`,
  train: (run: string, predictor: string) => `${run}/train.${predictor}`,
  score: (run: string, predictor: string) => `${run}/score.${predictor}`,
  backfill: (project: string, pipeline: string, range: Interval) =>
    `${project}.${pipeline}.backfill.${span(range)}.${span({ ...range, start: range.end })}`,
  schedule: (project: string, schedule: string) => `${project}.${schedule}`,
};
