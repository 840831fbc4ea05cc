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

const TYPE = /^([A-Z][A-Za-z]+): /;

/** Ends a stage with the type and text of its first fault, so that the run list itself says what is wrong. */
export function stageFailed(
  failures: { id: string; message: string }[],
  details: unknown,
): ApplicationFailure {
  const { id = '', message = 'failed' } = failures[0] ?? {};
  const text = message.replace(TYPE, '');
  const more = failures.length > 1 ? ` (and ${failures.length - 1} more)` : '';
  return ApplicationFailure.create({
    type: TYPE.exec(message)?.[1] ?? 'StageFailed',
    message: `${text.startsWith(id) ? '' : `${id}: `}${text}${more}`,
    nonRetryable: true,
    details: [details],
  });
}

/** An error of a child as the error of its parent: same type and text, so that it is not buried three levels deep. */
export function fromChild(stage: string, error: unknown): ApplicationFailure {
  const message = failureText(error);
  return ApplicationFailure.create({
    type: TYPE.exec(message)?.[1] ?? 'StageFailed',
    message: `${stage}: ${message.replace(TYPE, '')}`,
    nonRetryable: true,
  });
}
