/** `millrace/client`: starting, watching and answering runs from code. */
export { connect, withClient, type Connected } from './connect.js';
export { readRun, resultOf, resumeRun, startRun, type RunOptions, type StartedRun } from './runs.js';
export { answerApproval, listAwaiting, type Answer } from './approvals.js';
