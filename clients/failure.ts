import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';

/** Type and text of why a run ended: the innermost failure that carries a type. */
export function runFailure(error: unknown): { type: string; message: string } {
  let found: { type: string; message: string } | undefined;
  let cause = error instanceof WorkflowFailedError ? error.cause : error;
  while (cause instanceof Error) {
    if (cause instanceof ApplicationFailure)
      found ??= { type: cause.type ?? 'Error', message: cause.message };
    cause = cause.cause;
  }
  if (found) return found;
  const last = error instanceof WorkflowFailedError ? error.cause : error;
  return {
    type: last instanceof Error ? last.name : 'Error',
    message: last instanceof Error ? last.message : String(last),
  };
}
