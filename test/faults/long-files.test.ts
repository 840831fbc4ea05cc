import { expect, test } from 'vitest';
import { loadManyFiles } from '../support/many-files.js';

const FILES = 100_000;

test(
  `${FILES} files: each once, within 10 minutes on two cores, in flat memory`,
  { timeout: 1_800_000 },
  async () => {
    const { msPerFile, memory, events, histories } = await loadManyFiles(FILES);
    process.stdout.write(`${JSON.stringify({ msPerFile, memory, events, histories })}\n`);
    expect(events).toBeLessThan(4_096);
    expect(memory.late - memory.early).toBeLessThan(500);
    expect((FILES * msPerFile) / 60_000).toBeLessThan(10);
  },
);
