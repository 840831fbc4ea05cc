import { expect, test } from 'vitest';
import { loadManyFiles } from '../support/many-files.js';

const FILES = 10_000 * Number(process.env['MILLRACE_FAULT_ROUNDS'] ?? 10);

test(
  `${FILES} files: each once, in flat memory, and no history too long`,
  { timeout: 1_800_000 },
  async () => {
    const { msPerFile, memory, events, histories } = await loadManyFiles(FILES);
    process.stdout.write(`${JSON.stringify({ msPerFile, memory, events, histories })}\n`);
    expect(events).toBeLessThan(4_096);
    expect(memory.late - memory.early).toBeLessThan(500);
  },
);
