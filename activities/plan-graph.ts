import type { PipelinePlan } from '../schemas/run.js';

/** The stages of a run as a Mermaid flow chart, for the run's details in the Temporal UI. */
export function planGraph(plan: Omit<PipelinePlan, 'mermaid'>): string {
  const lines = ['flowchart LR'];
  let ends: string[] = [];
  const stage = (nodes: { id: string; label: string }[]): void => {
    if (nodes.length === 0) return;
    for (const { id, label } of nodes) {
      lines.push(`  ${id}["${label}"]`);
      for (const before of ends) lines.push(`  ${before} --> ${id}`);
    }
    ends = nodes.map(({ id }) => id);
  };
  stage(plan.streams.map(({ source, stream }, i) => ({ id: `e${i}`, label: `extract ${source}.${stream}` })));
  const select = typeof plan.transform?.select === 'string' ? ` ${plan.transform.select}` : '';
  if (plan.transform) stage([{ id: 't', label: `transform${select}` }]);
  stage(plan.train.map(({ predictor }, i) => ({ id: `p${i}`, label: `train ${predictor}` })));
  stage(plan.score.map(({ predictor }, i) => ({ id: `s${i}`, label: `score ${predictor}` })));
  return lines.join('\n');
}
