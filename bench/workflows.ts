import { executeChild, proxyActivities } from '@temporalio/workflow';

const { nothing } = proxyActivities<{ nothing(): Promise<void> }>({ startToCloseTimeout: '1m' });

/** One step after the other. */
export async function sequential(steps: number): Promise<void> {
  for (let i = 0; i < steps; i++) await nothing();
}

/** All steps at once. */
export async function parallel(steps: number): Promise<void> {
  await Promise.all(Array.from({ length: steps }, () => nothing()));
}

export async function empty(): Promise<void> {}

export async function oneChild(): Promise<void> {
  await executeChild(empty);
}
