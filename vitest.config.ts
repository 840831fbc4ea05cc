import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export const common = {
  alias: { millrace: fileURLToPath(new URL('schemas/project.ts', import.meta.url)) },
  globalSetup: ['test/support/global-setup.mjs'],
  pool: 'forks' as const,
  testTimeout: 60_000,
  hookTimeout: 60_000,
};
const LONG = 'test/faults/long-*.test.ts';

/** `npm test` runs unit and faults, `npm run test:faults` the two kinds of faults. */
export default defineConfig({
  test: {
    projects: [
      { test: { ...common, name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/faults/**'] } },
      { test: { ...common, name: 'faults', include: ['test/faults/*.test.ts'], exclude: [LONG] } },
      { test: { ...common, name: 'long-faults', include: [LONG], testTimeout: 600_000 } },
    ],
  },
});
