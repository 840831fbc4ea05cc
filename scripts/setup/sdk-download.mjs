// node sdk-download.mjs <folder> <version>: lets the SDK put the Temporal CLI into a folder.
import { TestWorkflowEnvironment } from '@temporalio/testing';

const [downloadDir, version] = process.argv.slice(2);
try {
  const executable = { type: 'cached-download', downloadDir, version };
  const environment = await TestWorkflowEnvironment.createLocal({ server: { executable } });
  await environment.teardown();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
