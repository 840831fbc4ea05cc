import type { Gate, MetricName, Metrics } from '../../schemas/predictor.js';
import { smallerIsBetter } from './metrics.js';

export interface GateReason {
  /** in words: `auc at least 0.8` */
  rule: string;
  limit: number | null;
  /** the candidate's; null when it has no such metric */
  value: number | null;
  passed: boolean;
}
export interface GateDecision {
  passed: boolean;
  reasons: GateReason[];
}

/**
 * Whether a candidate may go on to approval. A metric that the candidate lacks fails its rule; without a champion
 * there is nothing to beat. "Better by" is exclusive at 0: an equal candidate does not replace a champion.
 */
export function decide(gate: Gate, candidate: Metrics, champion: Metrics | null): GateDecision {
  const reasons = [
    ...bounds('at least', gate.min, candidate, (value, limit) => value >= limit),
    ...bounds('at most', gate.max, candidate, (value, limit) => value <= limit),
    ...beats(gate.beatsChampion, candidate, champion),
  ];
  return { passed: reasons.every(({ passed }) => passed), reasons };
}

function bounds(
  words: string,
  limits: Metrics | undefined,
  candidate: Metrics,
  holds: (value: number, limit: number) => boolean,
): GateReason[] {
  return Object.entries(limits ?? {}).map(([metric, limit]) => {
    const value = candidate[metric as MetricName] ?? null;
    return {
      rule: `${metric} ${words} ${limit}`,
      limit,
      value,
      passed: value !== null && holds(value, limit),
    };
  });
}

function beats(rule: Gate['beatsChampion'], candidate: Metrics, champion: Metrics | null): GateReason[] {
  if (!rule) return [];
  const { metric, by } = rule;
  const value = candidate[metric] ?? null;
  const served = champion?.[metric] ?? null;
  if (champion === null || served === null) {
    const why = champion === null ? 'no champion to beat' : `the champion has no ${metric}`;
    return [
      { rule: `${metric} better than the champion's: ${why}`, limit: null, value, passed: value !== null },
    ];
  }
  const limit = smallerIsBetter(metric) ? served - by : served + by;
  const ahead = value === null ? NaN : smallerIsBetter(metric) ? limit - value : value - limit;
  return [
    {
      rule: `${metric} better than the champion's ${served}${by === 0 ? '' : ` by ${by}`}`,
      limit,
      value,
      passed: by === 0 ? ahead > 0 : ahead >= 0,
    },
  ];
}
