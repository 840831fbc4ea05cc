import { answerApproval } from '../../approvals.js';
import { withClient } from '../../connect.js';
import { answer, type GlobalOptions } from '../output.js';

interface AnswerOptions extends GlobalOptions {
  who: string;
  why: string;
  hash?: string;
}

const send = (kind: 'approve' | 'reject') => (options: AnswerOptions, run: string) =>
  withClient(async ({ client }) => {
    const target = await answerApproval(client, kind, {
      run,
      who: options.who,
      why: options.why,
      hash: options.hash,
    });
    answer(
      options,
      { kind, ...target },
      () =>
        `${kind === 'approve' ? 'approved' : 'rejected'} ${target.predictor} ${target.hash}; see: millrace show ${run}`,
    );
  });

/** `millrace approve` */
export const approve = send('approve');
/** `millrace reject` */
export const reject = send('reject');
