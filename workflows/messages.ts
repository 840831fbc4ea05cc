import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { Approval } from '../schemas/approval.js';
import type { Progress } from '../schemas/run.js';

/** Answers to a waiting candidate. From the Temporal UI: Send a Signal, with `{"who": …, "why": …, "hash": …}`. */
export const approvePromotion = defineSignal<[Approval]>('approvePromotion');
export const rejectPromotion = defineSignal<[Approval]>('rejectPromotion');

/** Holds back what has not begun; what is under way ends. */
export const pause = defineSignal('pause');
export const resume = defineSignal('resume');

/** Of a replication: read the project again, for tables that were added or removed; copy one table from the start. */
export const reload = defineSignal('reload');
export const resnapshot = defineSignal<[string]>('resnapshot');

export const progress = defineQuery<Progress>('progress');
