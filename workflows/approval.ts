import { condition, setHandler } from '@temporalio/workflow';
import type { Approval, ApprovalRecord } from '../schemas/approval.js';
import { approvePromotion, rejectPromotion } from './messages.js';

/** Characters. An answer is handed on to the registry and to who asks for progress, where megabytes don't fit. */
const LONGEST_WHY = 2_000;
const LONGEST_NAME = 200;

/**
 * Collects answers to one candidate. The handlers exist from the first task on, so that an early signal is recorded
 * and not lost; an answer counts only while it is awaited, for the hash that is waiting, from somebody who may give it.
 */
export class ApprovalDesk {
  readonly records: ApprovalRecord[] = [];
  private awaited: { hash: string; approvers: string[] } | undefined;
  private answer: ApprovalRecord | undefined;

  constructor() {
    setHandler(approvePromotion, (approval) => this.take('approve', approval));
    setHandler(rejectPromotion, (approval) => this.take('reject', approval));
  }

  /** @returns the answer that counted, or null when nobody answered in time */
  async ask(hash: string, approvers: string[], timeoutMs: number): Promise<ApprovalRecord | null> {
    this.awaited = { hash, approvers };
    await condition(() => this.answer !== undefined, timeoutMs);
    this.awaited = undefined;
    return this.answer ?? null;
  }

  private take(answer: 'approve' | 'reject', approval: Approval): void {
    const note = this.objection(approval);
    const { who = '', why = '', hash = '' } = approval ?? {};
    const record: ApprovalRecord = {
      who: brief(who, LONGEST_NAME),
      why: brief(why, LONGEST_WHY),
      hash: brief(hash, LONGEST_NAME),
      answer,
      accepted: note === undefined,
      ...(note && { note }),
    };
    // a flood of wrong answers must not grow the run without bound
    if (this.records.length < 100) this.records.push(record);
    if (record.accepted) this.answer = record;
  }

  private objection(approval: Approval): string | undefined {
    if (
      typeof approval?.who !== 'string' ||
      typeof approval.why !== 'string' ||
      typeof approval.hash !== 'string'
    ) {
      return 'not an answer: it needs who, why and hash';
    }
    if (!approval.who.trim() || !approval.why.trim()) return 'who and why must not be empty';
    if (approval.who.length > LONGEST_NAME || approval.why.length > LONGEST_WHY)
      return 'who or why is too long';
    if (!this.awaited) return this.answer ? 'already answered' : 'no answer is awaited';
    if (this.answer) return 'already answered';
    if (approval.hash !== this.awaited.hash) return `another candidate is waiting: ${this.awaited.hash}`;
    const { approvers } = this.awaited;
    if (approvers.length > 0 && !approvers.includes(approval.who)) return `${approval.who} may not approve`;
    return undefined;
  }
}

const brief = (text: unknown, longest: number): string => String(text).slice(0, longest);
