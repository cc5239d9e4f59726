import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { chromium } from 'playwright-core';
import { afterEach, describe, expect, it } from 'vitest';
import { haveImage, placeOf } from '../../src/campaign/images/get.js';
import type { Job } from '../../src/campaign/jobs/job.js';
import { beginRun } from '../../src/campaign/run/conduct.js';
import { type Serving, serve } from '../../src/campaign/serve/server.js';
import type { CampaignFolder } from '../../src/campaign/store/folder.js';
import { requireOrSkip } from '../require.js';
import {
  campaignFolder,
  conductOf,
  fuzzResultOf,
  IMAGE,
  planOfKernels,
  runResultOf,
  simulated,
} from '../support/campaign.js';
import { campaignFile } from '../support/campaign-process.js';
import { runCli } from '../support/cli.js';
import { scenarios } from '../support/results.js';

const CHROMIUM = '/usr/bin/chromium';
const PLAN = planOfKernels([IMAGE('one', '1'), IMAGE('two', '2')], 'fuzz: {seeds: [1], count: 10}');

let serving: Serving | undefined;
afterEach(() => serving?.close());

async function served(folder: CampaignFolder, token?: string): Promise<string> {
  serving = await serve({ folder, host: '127.0.0.1', port: 0, token });
  return `http://127.0.0.1:${serving.port}`;
}

const resultOf = ({ kind }: Job) => (kind === 'run' ? runResultOf(scenarios.pass) : fuzzResultOf());
const good = simulated(({ job }) => resultOf(job));

/** The status of an answer to a request for another host's name. */
const askedAs = (url: string, host: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.once('error', reject);
    asked.end();
  });

describe('a campaign that is served', () => {
  it('is seen in a browser as it goes on', async (context) => {
    requireOrSkip(context, existsSync(CHROMIUM), 'chromium');
    const folder = campaignFolder();
    let go: () => void = () => {};
    const mayGo = new Promise<void>((resolve) => {
      go = resolve;
    });
    const running = beginRun(
      folder,
      PLAN,
      conductOf(
        simulated(async ({ job }) => {
          if (job.kind !== 'run' || job.kernel === 'one') return resultOf(job);
          await mayGo;
          return runResultOf(scenarios.fail);
        }),
      ),
    );
    const url = await served(folder);
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    try {
      const page = await (await browser.newContext()).newPage();
      const faults: string[] = [];
      page.on('console', (message) => void faults.push(message.text()));
      page.on('pageerror', (error) => void faults.push(error.message));
      await page.goto(url);
      await page.getByRole('heading', { name: 'Campaign test: not over' }).waitFor();

      go();
      await page.getByText('1 of 1 failed').first().waitFor({ state: 'attached', timeout: 60_000 });
      await running;
      await page.getByRole('heading', { name: 'Campaign test: complete' }).waitFor({ timeout: 60_000 });

      expect(faults).toEqual([]);
    } finally {
      await browser.close();
    }
  });

  it('gives its report and metrics to programs', async () => {
    const folder = campaignFolder();
    await beginRun(folder, PLAN, conductOf(good));
    const url = await served(folder);

    const metrics = await (await fetch(`${url}/metrics`)).text();
    const report = (await (await fetch(`${url}/report.json`)).json()) as object;

    expect(metrics).toContain('kvm_memtype_campaign_jobs{campaign="test",state="done"} 4\n');
    expect(metrics).toContain('kvm_memtype_campaign_cells{campaign="test",state="pass"} 2\n');
    expect(report).toMatchObject({ state: 'complete', jobs: { done: 4, open: 0, lost: 0 } });
  });

  it("gives the campaign's images, whole or from a byte on, and no other file of it", async () => {
    const folder = campaignFolder();
    const sha256 = folder.objects.put(Buffer.from('an image'));
    const other = folder.objects.put(Buffer.from('a patch'));
    folder.add(planOfKernels([{ name: 'a', from: { kind: 'image', path: '/a', sha256 } }]));
    const places = [placeOf(`${await served(folder)}/objects`, '/')];
    const objects = campaignFolder().objects;

    await haveImage(objects, sha256, places);
    const part = await fetch(`${places[0]?.text}/${sha256}`, { headers: { range: 'bytes=3-' } });
    const late = await fetch(`${places[0]?.text}/${sha256}`, { headers: { range: 'bytes=8-' } });

    expect(objects.read(sha256).toString()).toBe('an image');
    expect([part.status, await part.text()]).toEqual([206, 'image']);
    expect(late.status).toBe(416);
    await expect(haveImage(objects, other, places)).rejects.toThrow('does not have it');
  });

  it('can only be read, and only by who may', async () => {
    const folder = campaignFolder();
    folder.add(PLAN);
    const url = await served(folder);
    const status = async (path: string, init?: RequestInit): Promise<number> =>
      (await fetch(url + path, init)).status;

    expect(await status('/', { method: 'POST' })).toBe(405);
    expect(await status('/runs')).toBe(404);
    expect(await status('/__proto__')).toBe(404);
    expect(await askedAs(url, 'evil.example')).toBe(403);
  });

  it('wants the token where it has one', async () => {
    const folder = campaignFolder();
    folder.add(PLAN);
    const url = await served(folder, 'hunter2');

    expect((await fetch(url)).status).toBe(403);
    expect((await fetch(`${url}/?token=hunter3`)).status).toBe(403);
    expect((await fetch(`${url}/?token=hunter2`)).status).toBe(200);
    expect((await fetch(url, { headers: { authorization: 'Bearer hunter2' } })).status).toBe(200);
  });

  it('is not for other machines without a token', async () => {
    const file = campaignFile('campaign: a\nkernels: [host]\nscenarios: none\n');
    await runCli(['campaign', 'run', file]);

    const { status, stderr } = await runCli(['campaign', 'serve', file, '--host', '0.0.0.0']);

    expect(status).toBe(2);
    expect(stderr).toContain('whoever reaches 0.0.0.0 could read');
  });
});
