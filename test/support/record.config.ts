import { defineConfig } from 'vitest/config';
import { common } from '../../vitest.config.js';

/** Apart from the others, because its one "test" rewrites test/histories: `npm run record-histories`. */
export default defineConfig({ test: { ...common, include: ['test/support/record-histories.ts'] } });
