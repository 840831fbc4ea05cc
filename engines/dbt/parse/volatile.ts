/** names whose value is another one in every run */
const VOLATILE = /\b(?:run_started_at|invocation_id|interval_start|interval_end|modules|thread_id)\b/;

/** Whether a text may come to something else in the next run of the same project. */
export const isVolatile = (text: string): boolean => VOLATILE.test(text);
