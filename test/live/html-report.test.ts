import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { catalogue } from '../../src/catalogue/index.js';
import { renderHtml } from '../../src/report/html/page.js';
import { requireOrSkip } from '../require.js';
import { htmlRun } from '../support/html-run.js';

const CHROMIUM = '/usr/bin/chromium';
const NAME = 'mtrr/variable-uc';

const folder = mkdtempSync(join(tmpdir(), 'html-report-'));
const url = pathToFileURL(join(folder, 'report.html')).href;
let browser: Browser | undefined;

beforeAll(async () => {
  const scenarios = catalogue.filter(({ name }) => /^(?:mtrr|dma|memslot)\//.test(name));
  const old = htmlRun([['debian:6.1', 'A']], scenarios.slice(1));
  const saved = htmlRun(
    [
      ['debian:6.1', 'A'],
      ['debian:7.2', 'E'],
      ['broken', 'A', 'E'],
    ],
    scenarios,
  );
  const before = { ...old, run: { ...old.run, startedAt: '2026-01-01T00:00:00.000Z' } };
  writeFileSync(join(folder, 'report.html'), renderHtml([saved, before]));
  if (existsSync(CHROMIUM))
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
}, 600_000);

afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

beforeEach((context) => requireOrSkip(context, existsSync(CHROMIUM), 'a browser: apt-get install chromium'));

async function open(options: BrowserContextOptions = {}): Promise<Page> {
  const page = await (await (browser as Browser).newContext(options)).newPage();
  await page.goto(url);
  return page;
}

const details = (page: Page, name: string) => page.locator(`details[data-n="${name}"]`);
const shown = (page: Page) => page.locator('details[data-n]:visible').count();

it('asks for nothing, and its own script may run', async () => {
  const page = await (await (browser as Browser).newContext()).newPage();
  const requests: string[] = [];
  const errors: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('console', (message) => errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(url);

  expect(requests).toEqual([url]);
  expect(errors).toEqual([]);
  expect(await page.locator('form').isVisible()).toBe(true);
});

it('filters by name, status and kernel', async () => {
  const page = await open();
  const all = await shown(page);
  const failing = await page.locator('details[data-n][data-s~=fail]').count();
  expect(failing).toBeGreaterThan(0);

  await page.locator('select[name=status]').selectOption('fail');
  expect(await shown(page)).toBe(failing);
  expect(await page.locator('#count').textContent()).toBe(`scenarios shown: ${failing}`);
  await page.locator('select[name=kernel]').selectOption({ label: 'debian:6.1' });
  expect(await shown(page)).toBe(0);
  await page.locator('select[name=status]').selectOption('not the same on all');
  expect(await shown(page)).toBe(await page.locator('details[data-n][data-s*=" "]').count());
  await page.getByRole('button', { name: 'Reset' }).click();
  await expect.poll(() => shown(page)).toBe(all);
  await page.locator('input[name=text]').fill(NAME);
  expect(await shown(page)).toBe(1);
  expect(await page.locator('table.m tbody tr:visible').count()).toBe(1);
});

it('opens a scenario by the keyboard, and tells what the model has and what was seen', async () => {
  const page = await open();
  const one = details(page, NAME);
  // What is wrong stands open.
  if ((await one.getAttribute('open')) !== null) await one.locator('summary').first().press('Enter');
  await one.locator('summary').first().press('Enter');

  const row = one.locator('table.l tr', { hasText: 'made' }).first();
  expect((await row.locator('td').allTextContents()).slice(0, 5)).toEqual([
    'made',
    expect.stringMatching(/^0x[0-9a-f]+ (?:\d+ × )?4K$/),
    expect.stringMatching(/ IPAT=[01]$/),
    expect.stringMatching(/^same$| IPAT=[01]$/),
    'why',
  ]);
  const why = row.getByText('why');
  await why.press('Enter');
  const chain = row.locator('ol.in li');
  expect(await chain.count()).toBeGreaterThan(0);
  await why.press('Enter');
  expect(await chain.count()).toBe(0);
});

it('zooms the map of the memory by the keyboard and by buttons', async () => {
  const page = await open();
  await page.getByRole('button', { name: 'Open those shown' }).click();
  const map = details(page, NAME).locator('.map svg').first();
  const width = async (): Promise<number> => Number((await map.getAttribute('viewBox'))?.split(' ')[2]);
  const full = await width();

  await map.press('+');
  expect(await width()).toBe(full / 2);
  await details(page, NAME).getByRole('button', { name: 'all' }).first().click();
  expect(await width()).toBe(full);
});

it('tells what changed when', async () => {
  const page = await open();
  const rows = page.locator('#trend tbody tr');

  expect(await rows.count()).toBe(2);
  expect(await rows.nth(1).textContent()).toMatch(/\S+\/\S+: not there → \w+/);
});

describe('with scripts off', () => {
  it('has everything, and no control that does nothing', async () => {
    const page = await open({ javaScriptEnabled: false });
    const one = details(page, NAME);
    if ((await one.getAttribute('open')) === null) await one.locator('summary').first().click();

    expect(await page.locator('form').isVisible()).toBe(false);
    expect(await page.locator('button:visible').count()).toBe(0);
    const href = await one.locator('table.l a').first().getAttribute('href');
    await one.locator('table.l a').first().click();
    expect(await page.locator(href as string).isVisible()).toBe(true);
  });
});

interface AxeResult {
  violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[];
}

it.each(['light', 'dark'] as const)(
  'is accessible in %s mode, contrast included',
  async (colorScheme) => {
    const page = await open({ colorScheme, bypassCSP: true });
    await page.locator('input[name=text]').fill('mtrr/variable');
    await page.getByRole('button', { name: 'Open those shown' }).click();
    await page.evaluate(axe.source);
    const { violations } = (await page.evaluate('axe.run()')) as AxeResult;

    expect(
      violations.map(({ id, nodes }) => [id, nodes.length, nodes[0]?.html, nodes[0]?.failureSummary]),
    ).toEqual([]);
    const background = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(background).toBe(colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(13, 17, 23)');
  },
  120_000,
);
