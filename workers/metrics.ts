import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { CounterName, GaugeName, HistogramName, Meter } from '../activities/meter.js';

const STREAM = ['project', 'stage', 'stream'] as const;

/** Our own metrics, named as Prometheus wants: base units, `_total` on counters. */
export function createMetrics(): { registry: Registry; meter: Meter } {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const counters: Record<CounterName, Counter> = {
    rows: new Counter({
      name: 'millrace_rows_total',
      help: 'Rows written, by stage',
      labelNames: STREAM,
      registers,
    }),
    bytes: new Counter({
      name: 'millrace_source_bytes_total',
      help: 'Bytes read from sources',
      labelNames: STREAM,
      registers,
    }),
    quarantined: new Counter({
      name: 'millrace_quarantined_rows_total',
      help: 'Rows kept aside',
      labelNames: STREAM,
      registers,
    }),
    nodes: new Counter({
      name: 'millrace_nodes_total',
      help: 'Transform nodes by outcome',
      labelNames: ['project', 'status'],
      registers,
    }),
    errors: new Counter({
      name: 'millrace_activity_errors_total',
      help: 'Failed attempts by error type',
      labelNames: [...STREAM, 'type'],
      registers,
    }),
    retries: new Counter({
      name: 'millrace_activity_retries_total',
      help: 'Attempts after the first',
      labelNames: STREAM,
      registers,
    }),
  };
  const histograms: Record<HistogramName, Histogram> = {
    duration: new Histogram({
      name: 'millrace_activity_duration_seconds',
      help: 'Time of one attempt',
      labelNames: STREAM,
      buckets: [0.01, 0.05, 0.25, 1, 5, 15, 60, 300, 1800, 7200],
      registers,
    }),
  };
  const gauges: Record<GaugeName, Gauge> = {
    trainingMetric: new Gauge({
      name: 'millrace_training_metric',
      help: 'Hold-out metrics of the last candidate',
      labelNames: ['project', 'predictor', 'metric'],
      registers,
    }),
    replicationLagBytes: new Gauge({
      name: 'millrace_replication_lag_bytes',
      help: "Bytes of the source's log that bronze does not hold yet",
      labelNames: ['project', 'source'],
      registers,
    }),
    replicationWalBytes: new Gauge({
      name: 'millrace_replication_wal_bytes',
      help: 'Bytes of its log that the source keeps for the slot: its disk fills when nobody reads',
      labelNames: ['project', 'source'],
      registers,
    }),
    scorePsi: new Gauge({
      name: 'millrace_score_psi',
      help: 'Population stability index of the last scores against training',
      labelNames: ['project', 'predictor'],
      registers,
    }),
  };
  return {
    registry,
    meter: {
      count: (metric, labels, by) => counters[metric].inc(labels, by),
      observe: (metric, labels, seconds) => histograms[metric].observe(labels, seconds),
      set: (metric, labels, value) => gauges[metric].set(labels, value),
    },
  };
}
