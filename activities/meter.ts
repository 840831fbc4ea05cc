/** What activities count. Labels are names from the project, never values from data. */
export interface Meter {
  count(metric: CounterName, labels: Record<string, string>, by: number): void;
  observe(metric: HistogramName, labels: Record<string, string>, seconds: number): void;
  set(metric: GaugeName, labels: Record<string, string>, value: number): void;
}

export type CounterName = 'rows' | 'bytes' | 'quarantined' | 'nodes' | 'errors' | 'retries';
export type HistogramName = 'duration';
export type GaugeName = 'trainingMetric' | 'scorePsi' | 'replicationLagBytes' | 'replicationWalBytes';
