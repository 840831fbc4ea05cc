import { expect, test } from 'vitest';
import { loadManyFiles } from '../support/many-files.js';

test(
  'a stream of 3,000 files is loaded in groups: each file once, few events, little memory',
  { timeout: 110_000 },
  async () => {
    const { msPerFile, memory, events } = await loadManyFiles(3_000);
    expect(events).toBeLessThan(4_096);
    expect(memory.late).toBeLessThan(700);
    // with other tests beside it; alone it is a third of that
    expect(msPerFile).toBeLessThan(30);
  },
);
