import {
  ActivityFailure,
  ApplicationFailure,
  ChildWorkflowFailure,
  TimeoutFailure,
} from '@temporalio/workflow';

/** The innermost failure that says something: activities and children wrap what really happened. */
function rootCause(error: unknown): unknown {
  let cause = error;
  while ((cause instanceof ActivityFailure || cause instanceof ChildWorkflowFailure) && cause.cause)
    cause = cause.cause;
  return cause;
}

/** `Type: message` of what went wrong. */
export function failureText(error: unknown): string {
  const cause = rootCause(error);
  if (cause instanceof ApplicationFailure) return `${cause.type ?? 'Error'}: ${cause.message}`;
  if (cause instanceof TimeoutFailure) return `TimedOut: ${cause.message}`;
  return cause instanceof Error ? cause.message : String(cause);
}

/** Ends a stage with the type and text of its first fault, so that the run list itself says what is wrong. */
export function stageFailed(
  stage: string,
  failures: { id: string; message: string }[],
  details?: unknown,
): ApplicationFailure {
  const first = failures[0];
  const type = /^([A-Z][A-Za-z]+): /.exec(first?.message ?? '')?.[1] ?? 'StageFailed';
  const more = failures.length > 1 ? ` (and ${failures.length - 1} more)` : '';
  return ApplicationFailure.create({
    type,
    message: `${stage} ${first?.id ?? ''}: ${(first?.message ?? 'failed').replace(/^[A-Z][A-Za-z]+: /, '')}${more}`,
    nonRetryable: true,
    ...(details !== undefined && { details: [details] }),
  });
}

/** An error of a child as the error of its parent: same type, so that it is not buried three levels deep. */
export function fromChild(stage: string, error: unknown): ApplicationFailure {
  return stageFailed(stage, [{ id: '', message: failureText(error) }]);
}
