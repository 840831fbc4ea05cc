import { z } from 'zod';
import { DatasetRef } from './dataset.js';
import { Interval } from './interval.js';
import { Metrics, TrainParams } from './predictor.js';

const Registered = z.strictObject({
  event: z.literal('registered'),
  version: z.int().min(1),
  /** the artifact's */
  hash: z.string(),
  metrics: Metrics,
  params: TrainParams,
  dataset: DatasetRef,
  interval: Interval,
  /** the run that trained it */
  run: z.string(),
  /** hash of the project's snapshot it was trained by */
  project: z.string(),
  at: z.iso.datetime(),
});

const decided = {
  version: z.int().min(1),
  by: z.string(),
  why: z.string(),
  run: z.string(),
  at: z.iso.datetime(),
};
const Decided = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('promoted'), ...decided, from: z.int().nullable() }),
  z.strictObject({ event: z.literal('rejected'), ...decided }),
  z.strictObject({ event: z.literal('rolledBack'), ...decided, from: z.int() }),
]);

/** One entry of a predictor's registry; what it says is never changed, only followed by others. */
export const RegistryEvent = z.discriminatedUnion('event', [Registered, Decided]);
export type RegistryEvent = z.infer<typeof RegistryEvent>;

export const VersionStatus = z.enum(['candidate', 'champion', 'rejected', 'retired']);
export type VersionStatus = z.infer<typeof VersionStatus>;

export interface PredictorVersion extends Omit<z.infer<typeof Registered>, 'event' | 'at'> {
  status: VersionStatus;
  createdAt: string;
}

/** A registry as its entries have made it. */
export interface RegistryState {
  versions: PredictorVersion[];
  /** the version serving now */
  champion: PredictorVersion | null;
  aliases: { champion: number | null };
  history: readonly RegistryEvent[];
}
