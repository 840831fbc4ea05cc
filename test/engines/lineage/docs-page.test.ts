import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeArtifact } from '../../../engines/dbt/artifacts/manifest.js';
import { docsPage, writeDocs } from '../../../engines/lineage/docs-page.js';
import type { PageNode } from '../../../engines/lineage/page/data.js';
import { buildBakery } from './built-bakery.js';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const executablePath = process.env['CHROMIUM'] ?? PLACES.find((place) => existsSync(place));
const title = executablePath
  ? 'in a browser'
  : 'in a browser (none here: install chromium, or name one by CHROMIUM)';

describe.skipIf(!executablePath)(title, { timeout: 60_000 }, () => {
  let browser: Browser;
  let folder: string;
  const faults: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-docs-'));
    browser = await chromium.launch({
      ...(executablePath !== undefined && { executablePath }),
      args: ['--no-sandbox'],
    });
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(file: string, hash = '#/'): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: 1300, height: 900 } });
    page.on('pageerror', ({ message }) => faults.push(message));
    page.on('request', (request) => {
      if (!/^(file|data):/.test(request.url())) faults.push(`asks for ${request.url()}`);
    });
    await page.goto(pathToFileURL(file).href + hash);
    await page.waitForSelector('h1');
    return page;
  }

  test('the page shows a model, follows a column, finds a word, and asks nothing of a network', async () => {
    const { manifest, catalog } = await buildBakery();
    const file = await writeDocs({ manifest, catalog, folder });
    const page = await open(file, '#/model.bakery.orders');
    expect(await page.textContent('h1')).toBe('orders');
    expect(await page.textContent('main')).toContain('Mina');
    const row = page.locator('tr[data-column=has_bread]');
    expect(await row.textContent()).toContain('priced_items.is_bread');

    await row.getByRole('button').click();
    const lit = await page.locator('.colrow.on').allTextContents();
    expect(lit.sort()).toEqual(['has_bread', 'is_bread', 'is_bread', 'kind']);
    expect(await page.locator('.cedge.condition').count()).toBe(1);
    expect(await page.getByRole('status').textContent()).toContain('orders.has_bread: 3 columns');

    await page.getByRole('link', { name: 'model customers' }).click();
    expect(await page.textContent('h1')).toBe('customers');
    await page.getByRole('searchbox').fill('plum board');
    expect(await page.textContent('#list')).toContain('Nothing has all these words');
    await page.getByRole('searchbox').fill('lifetime');
    expect(await page.locator('#list a').allTextContents()).toEqual(['customers']);

    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('light');
    await page.getByRole('button', { name: 'Dark' }).click();
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark');
    expect(faults).toEqual([]);
  });

  test('a thousand models are listed and drawn in a second, and nothing in a description is run', async () => {
    const node = (at: number): PageNode => ({
      ...{ id: `model.big.m${at}`, name: `m${at}`, kind: 'model', package: 'big', path: `m${at}.sql` },
      description: '</script><script>window.hit = 1</script><img src=x onerror="window.hit=1">',
      ...{ how: 'view', relation: '', facts: [], tags: [], raw: 'select 1', compiled: '', config: {} },
      parents: at < 100 ? [] : [at - 100, at - 100 + ((at * 7) % 50)].filter((parent) => parent < at),
      columns: [{ name: 'a', type: 'INT', description: '', tests: [], sources: [], unknown: '' }],
      ...{ unknown: '', tests: [] },
    });
    const nodes = Array.from({ length: 1000 }, (_, at) => node(at));
    const data = { project: 'big', about: '', generated: '', version: '', nodes };
    const page = await open(writeArtifact(folder, 'big.html', docsPage(data)));
    expect(await page.locator('#list a').count()).toBe(1000);
    expect(await page.locator('.box').count()).toBe(1000);
    const spent = await page.evaluate<number>(`new Promise((done) => {
      const start = performance.now();
      addEventListener('hashchange', () => setTimeout(() => done(performance.now() - start)), { once: true });
      location.hash = '#/model.big.m500';
    })`);
    expect(spent).toBeLessThan(1000);
    expect(await page.textContent('main')).toContain('window.hit = 1');
    expect(await page.evaluate(`'hit' in window`)).toBe(false);
    expect(faults).toEqual([]);
  });
});
