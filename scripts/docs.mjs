// Writes docs/reference from the code; `npm run docs`. Reads dist/, so set-up has to have built it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createProgram } from '../dist/clients/cli/main.js';
import { EXIT } from '../dist/clients/cli/output.js';
import { codePageNames } from '../dist/engines/copybook/pages/code-page.js';
import * as copybook from '../dist/schemas/copybook.js';
import { ERROR_TYPES } from '../dist/schemas/errors.js';
import { Project } from '../dist/schemas/project.js';
import { QUEUES } from '../dist/schemas/queues.js';
import { parseEnv } from '../dist/workers/env.js';
import { createMetrics } from '../dist/workers/metrics.js';
import { policies } from '../dist/workflows/policies.js';
import { cliPage } from './docs/cli-page.mjs';
import { copybookPage } from './docs/copybook-page.mjs';
import { errorsPage } from './docs/errors-page.mjs';
import { projectPage } from './docs/project-page.mjs';
import { workerPage } from './docs/worker-page.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The generated pages, by their path in the repository. @returns {Record<string, string>} */
export function referencePages() {
  const { registry } = createMetrics();
  const worker = { defaults: parseEnv({}), queues: QUEUES, policies, registry };
  return {
    'docs/reference/cli.md': cliPage(createProgram, EXIT),
    'docs/reference/project.md': projectPage(root, Project),
    'docs/reference/copybook.md': copybookPage(root, { ...copybook, codePages: codePageNames() }),
    'docs/reference/errors.md': errorsPage(root, ERROR_TYPES),
    'docs/reference/worker.md': workerPage(root, worker),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of Object.entries(referencePages())) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}
