import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateWeek } from '../../examples/engagement/generate.js';
import type { Shop } from './shop.js';

export const ENGAGEMENT_WEEKS = ['2025-11-03', '2025-11-10'] as const;
const EXAMPLE = fileURLToPath(new URL('../../examples/engagement', import.meta.url));

/** A copy of the engagement example with its two weeks of data; the same customers always. */
export async function makeEngagement(customers: number): Promise<Shop> {
  const root = mkdtempSync(join(tmpdir(), 'millrace-engagement-'));
  for (const part of ['dbt', 'millrace.ts'])
    cpSync(join(EXAMPLE, part), join(root, part), { recursive: true });
  for (const week of ENGAGEMENT_WEEKS) await generateWeek({ out: join(root, 'data'), week, customers });
  return { root, remove: () => rmSync(root, { recursive: true, force: true, maxRetries: 5 }) };
}
