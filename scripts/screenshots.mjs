#!/usr/bin/env node
// Pictures of an HTML report for the docs, light and dark: `node scripts/screenshots.mjs report.html SCENARIO docs/report`. Needs Debian's chromium.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const [report, scenario, target] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
for (const colorScheme of ['light', 'dark']) {
  const page = await browser.newPage({ colorScheme, viewport: { width: 1100, height: 1200 } });
  await page.goto(pathToFileURL(resolve(report)).href);
  await page.locator('input[name=text]').fill(scenario);
  await page.getByRole('button', { name: 'Open those shown' }).click();
  const one = page.locator(`details[data-n="${scenario}"]`);
  await one.locator('table.l a').first().click();
  await one
    .locator('figure')
    .last()
    .evaluate((node) => node.scrollIntoView({ block: 'end' }));
  await page.evaluate('scrollBy(0, 20)');
  await page.screenshot({ path: `${target}-${colorScheme}.png` });
}
await browser.close();
