import { IANAZone } from 'luxon';
import type { Project } from '../../schemas/project.js';
import { losesRepeatedHour } from './clock-change.js';
import { nearest } from '../nearest.js';
import { scheduleProblems } from './schedule-problems.js';

/** What zod can't see: names in one part of a project that must exist in another. */
export function checkReferences(project: Project): { path: string; message: string }[] {
  const problems: { path: string; message: string }[] = [];
  const unknown = (path: string, kind: string, name: string, known: string[]): void => {
    const near = nearest(name, known);
    const hint = near
      ? `did you mean '${near}'?`
      : known.length > 0
        ? `there are: ${known.join(', ')}`
        : 'there is none';
    problems.push({ path, message: `no ${kind} is called '${name}'; ${hint}` });
  };
  const timezone = (path: string, zone: string): void => {
    if (!IANAZone.isValidZone(zone)) {
      problems.push({ path, message: `'${zone}' is not an IANA time zone, such as Europe/Berlin` });
    }
  };

  const predictors = Object.keys(project.predictors);
  for (const [name, pipeline] of Object.entries(project.pipelines)) {
    const at = `pipelines.${name}`;
    timezone(`${at}.timezone`, pipeline.timezone);
    pipeline.extract.forEach((selector, i) => {
      const [source = '', stream = ''] = selector.split('.');
      const found = project.sources[source];
      if (!found) unknown(`${at}.extract.${i}`, 'source', source, Object.keys(project.sources));
      else if (stream !== '*' && !found.streams[stream]) {
        unknown(`${at}.extract.${i}`, `stream of ${source}`, stream, Object.keys(found.streams));
      }
    });
    if (pipeline.transform !== false && !project.transform && typeof pipeline.transform === 'string') {
      problems.push({ path: `${at}.transform`, message: 'the project has no transform to select from' });
    }
    for (const stage of ['train', 'score'] as const) {
      pipeline[stage].forEach((predictor, i) => {
        if (!project.predictors[predictor])
          unknown(`${at}.${stage}.${i}`, 'predictor', predictor, predictors);
      });
    }
  }
  for (const [name, schedule] of Object.entries(project.schedules)) {
    timezone(`schedules.${name}.timezone`, schedule.timezone);
    problems.push(
      ...scheduleProblems(schedule).map(({ path, message }) => ({
        path: `schedules.${name}.${path}`,
        message,
      })),
    );
    if (
      project.pipelines[schedule.pipeline]?.cadence === 'hour' &&
      losesRepeatedHour(schedule.timezone, new Date())
    ) {
      problems.push({
        path: `schedules.${name}.timezone`,
        message: `the clocks of ${schedule.timezone} go back once a year, and the hour that comes twice would be run once; use UTC for an hourly pipeline`,
      });
    }
    if (!project.pipelines[schedule.pipeline]) {
      unknown(`schedules.${name}.pipeline`, 'pipeline', schedule.pipeline, Object.keys(project.pipelines));
    }
  }
  return problems;
}

/** Streams that a pipeline's `extract` names, `source.*` spelled out, each once and in order. */
export function streamsOf(project: Project, selectors: string[]): { source: string; stream: string }[] {
  const found = new Map<string, { source: string; stream: string }>();
  for (const selector of selectors) {
    const [source = '', stream = ''] = selector.split('.');
    const names = stream === '*' ? Object.keys(project.sources[source]?.streams ?? {}) : [stream];
    for (const name of names) found.set(`${source}.${name}`, { source, stream: name });
  }
  return [...found.values()];
}
