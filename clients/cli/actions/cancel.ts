import { WorkflowNotFoundError } from '@temporalio/client';
import { withClient } from '../../connect.js';
import { runMissing } from '../../runs.js';
import { answer, type GlobalOptions } from '../output.js';

/** `millrace cancel` */
export async function cancel(options: GlobalOptions, run: string): Promise<void> {
  await withClient(async ({ client }) => {
    await client.workflow
      .getHandle(run)
      .cancel()
      .catch((error: unknown) => {
        throw error instanceof WorkflowNotFoundError ? runMissing(run) : error;
      });
    answer(options, { workflowId: run, cancelled: true }, () => `cancel sent to ${run}`);
  });
}
