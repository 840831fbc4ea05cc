import { projectFile } from '../engines/project/load.js';
import type { Position } from '../schemas/errors.js';
import type { ProjectRef } from '../schemas/project.js';

/** Where a predictor is declared: errors about its rows have no place of their own, and a reader starts there. */
export function predictorPlace({ project, predictor }: { project: ProjectRef; predictor: string }): Position {
  const file = projectFile(project.root);
  return { ...(file !== undefined && { file }), path: `predictors.${predictor}` };
}
