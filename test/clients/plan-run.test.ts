import { expect, test } from 'vitest';
import { planRun } from '../../clients/runs.js';
import { makeShop } from '../support/shop.js';

test.each([
  [
    { pipeline: 'weekly', interval: '2099-01-05' },
    'IntervalInFuture',
    /2099-01-05T00:00:00Z to 2099-01-12T00:00:00Z ends in the future.*Choose one that has ended/,
  ],
  [{ pipeline: 'weakly' }, 'ProjectInvalid', /no pipeline called 'weakly'.*Did you mean 'weekly'/],
] as const)('%o is refused before a server is asked for', async (options, name, message) => {
  const shop = makeShop();
  try {
    await expect(planRun(shop.root, options)).rejects.toMatchObject({
      name,
      message: expect.stringMatching(message) as string,
    });
  } finally {
    shop.remove();
  }
});
