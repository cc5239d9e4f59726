import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  BUILD,
  campaignFolder,
  conductOf,
  fuzzResultOf,
  hashOf,
  IMAGE,
  never,
  planOfKernels,
  runResultOf,
  simulated,
  stoppedBy,
} from '../../../test/support/campaign.js';
import { scenarios } from '../../../test/support/results.js';
import type { Order } from '../jobs/result.js';
import { NO_PAST } from '../past/past.js';
import { renderMarkdown } from '../report/markdown.js';
import { reportOf, statusOf } from '../report/model.js';
import { Results } from '../report/read.js';
import type { CampaignFolder, SavedRun } from '../store/folder.js';
import { cancelRun } from './cancel.js';
import type { Execute } from './child.js';
import { beginRun, resumeRun } from './conduct.js';

const PLAN = planOfKernels(
  [BUILD('debian:6.1'), IMAGE('b', '2'), { name: 'this host', from: { kind: 'host' } }],
  'parameters: {default: [], legacy: [kvm.tdp_mmu=N]}\nfuzz: {seeds: [1, 2], count: 10}',
);
const JOBS = 1 + 2 * 2 * 3 + 3;

const resultOf = ({ job }: Order) =>
  job.kind === 'build'
    ? { kind: 'build' as const, image: hashOf('a'), label: job.kernel }
    : job.kind === 'fuzz'
      ? fuzzResultOf()
      : runResultOf(job.params.length === 0 ? scenarios.pass : scenarios.fail);
const good = simulated(resultOf);

const markdown = (folder: CampaignFolder, run: SavedRun = folder.last()): string =>
  renderMarkdown(reportOf(run, NO_PAST, new Results(folder.objects), never), { noTimes: true });

describe('a campaign', () => {
  it('runs all jobs to its end', async () => {
    const folder = campaignFolder();

    const run = await beginRun(folder, PLAN, conductOf(good));

    expect(run.table.state).toBe('ended');
    expect(run.table.counts()).toMatchObject({ done: JOBS, waiting: 0, unknown: 0 });
    expect(statusOf(reportOf(run, NO_PAST, new Results(folder.objects), never))).toBe(1);
  });

  it('whose journal is cut anywhere comes to the same when it is resumed, and does nothing twice', async () => {
    const whole = campaignFolder();
    await beginRun(whole, PLAN, conductOf(good));
    const journal = readFileSync(whole.journal(1));
    const first = journal.indexOf('\n') + 1;
    const cuts = Array.from(
      { length: 8 },
      (_, i) => first + Math.floor(((journal.length - first - 60) * i) / 8),
    );

    for (const cut of cuts) {
      const folder = campaignFolder();
      folder.add(PLAN);
      writeFileSync(folder.journal(1), journal.subarray(0, cut));
      // What was done is there; what is not told of in the journal may be there too.
      for (const hash of whole.objects.all()) folder.objects.put(whole.objects.read(hash));
      const before = [...folder.last().table.jobs.values()].filter(({ state }) => state === 'done').length;
      const again: Order[] = [];
      await resumeRun(
        folder,
        PLAN.tool,
        conductOf((order, o) => {
          again.push(order);
          return good(order, o);
        }),
      );

      expect(again.length + before).toBe(JOBS);
      expect(markdown(folder)).toBe(markdown(whole));
    }
  });

  it('that another process runs is left alone', async () => {
    const folder = campaignFolder();
    let other: unknown;
    await beginRun(
      folder,
      PLAN,
      conductOf(async (order, o) => {
        other ??= await resumeRun(folder, PLAN.tool, conductOf(good)).catch((error: unknown) => error);
        return good(order, o);
      }),
    );

    expect(other).toMatchObject({
      code: 'CAMPAIGN_STATE',
      message: expect.stringContaining('another process'),
    });
  });

  it('is stopped by its signal, stays open, and is not begun anew before it is over', async () => {
    const folder = campaignFolder();
    const stop = new AbortController();

    const run = await beginRun(folder, PLAN, conductOf(stoppedBy(stop), stop.signal));

    expect(run.table.state).toBe('open');
    await expect(beginRun(folder, PLAN, conductOf(good))).rejects.toThrow(/run 1 .* is not over/);
    await expect(resumeRun(folder, 'another', conductOf(good))).rejects.toThrow(/its jobs would be others/);
    expect((await resumeRun(folder, PLAN.tool, conductOf(good))).table.state).toBe('ended');
    await expect(resumeRun(folder, PLAN.tool, conductOf(good))).rejects.toThrow(/is over/);
  });

  it('that nothing can do is not begun, and what was there stays', async () => {
    const folder = campaignFolder();
    const refused = { ...conductOf(good), executor: () => Promise.reject(new Error('no queue')) };
    const plan = { ...PLAN, campaign: { ...PLAN.campaign, retention: 1 } };

    await expect(beginRun(folder, plan, refused)).rejects.toThrow('no queue');
    expect(folder.numbers()).toEqual([]);
    await beginRun(folder, plan, conductOf(good));
    await expect(beginRun(folder, plan, refused)).rejects.toThrow('no queue');

    expect(folder.numbers()).toEqual([1]);
    expect((await beginRun(folder, plan, conductOf(good))).number).toBe(2);
  });

  it('is cancelled while it runs: its jobs are stopped', async () => {
    const folder = campaignFolder();
    const hangs: Execute = (_, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    let cancelled: Promise<SavedRun> | undefined;
    const run = await beginRun(folder, PLAN, {
      ...conductOf(hangs),
      onBegin: () => {
        cancelled = cancelRun(folder);
      },
    });

    expect(run.table.state).toBe('cancelled');
    expect((await cancelled)?.table.state).toBe('cancelled');
    expect(markdown(folder)).toContain('# Campaign test: cancelled');
    await expect(resumeRun(folder, PLAN.tool, conductOf(good))).rejects.toThrow(/was cancelled/);
  });

  it('keeps so many runs, and the objects that these name', async () => {
    const folder = campaignFolder();
    const plan = { ...PLAN, campaign: { ...PLAN.campaign, retention: 2 } };
    for (const times of [1, 2, 3])
      await beginRun(
        folder,
        plan,
        conductOf(
          simulated((order) =>
            order.job.kind === 'run'
              ? runResultOf({ ...scenarios.pass, durationMs: times })
              : resultOf(order),
          ),
        ),
      );

    expect(folder.numbers()).toEqual([2, 3]);
    const named = readFileSync(folder.journal(2), 'utf8') + readFileSync(folder.journal(3), 'utf8');
    expect(folder.objects.all().every((hash) => named.includes(hash))).toBe(true);
    expect(() => markdown(folder)).not.toThrow();
  });
});

it('what a run is made of stays, whatever runs are kept', async () => {
  const folder = campaignFolder();

  for (const number of [1, 2, 3, 4]) {
    const image = folder.objects.put(Buffer.from(`image ${number}`));
    const kernel = { name: 'k', from: { kind: 'image' as const, path: '/k', sha256: image } };
    const plan = planOfKernels([kernel], 'retention: 1');
    const had: boolean[] = [];
    await beginRun(
      folder,
      plan,
      conductOf(
        simulated((order) => {
          had.push(folder.objects.has(image));
          return resultOf(order);
        }),
      ),
    );

    expect(had).toEqual([true]);
  }
  // The run before stays too: the last one is held against it.
  expect(folder.numbers()).toEqual([3, 4]);
});

describe('a job that comes to no result', () => {
  const failing =
    (times: number, retry = true): Execute =>
    async (order, o) => {
      if (order.job.kind !== 'fuzz' || order.job.seed !== 2 || tries++ >= times) return good(order, o);
      return { kind: 'lost', loss: 'host-lost', text: 'it was ended by SIGKILL', retry };
    };
  let tries = 0;
  const plan = planOfKernels([IMAGE('b', '2')], 'fuzz: {seeds: [1, 2], count: 10}');

  it.each([
    ['is tried again', 2, true, 3, 'done'],
    ['is set aside after three tries', 9, true, 3, 'lost'],
    ['is not tried again where that is of no use', 9, false, 1, 'lost'],
  ] as const)('%s', async (_, times, retry, expected, state) => {
    tries = 0;
    const folder = campaignFolder();

    const { table } = await beginRun(folder, plan, conductOf(failing(times, retry)));

    expect(tries).toBe(expected);
    expect(table.state).toBe('ended');
    expect(table.counts()).toMatchObject(state === 'done' ? { done: 3, lost: 0 } : { done: 2, lost: 1 });
    if (state === 'lost')
      expect(markdown(folder)).toContain('seed 2 on b: its process or its machine was lost');
  });
});

describe('what is in the folder', () => {
  it.each([
    [
      'a record that is none',
      (file: string) => appendFileSync(file, '{"type":"begin"}\n'),
      /line \d+ is no record of a campaign: job/,
    ],
    ['a line that is no JSON', (file: string) => appendFileSync(file, 'x\n'), /it is not JSON/],
    ['nothing', (file: string) => truncateSync(file, 0), /does not begin as a campaign/],
  ])('is not trusted: %s', async (_, change, why) => {
    const folder = campaignFolder();
    await beginRun(folder, PLAN, conductOf(good));

    change(folder.journal(1));

    expect(() => folder.last()).toThrow(why);
  });

  it('a journal that is damaged keeps no new run back', async () => {
    const folder = campaignFolder();
    await beginRun(folder, PLAN, conductOf(good));
    appendFileSync(folder.journal(1), 'x\n');

    const { number, table } = await beginRun(folder, PLAN, conductOf(good));

    expect([number, table.state]).toEqual([2, 'ended']);
  });

  it('is not trusted: a result that was changed', async () => {
    const folder = campaignFolder();
    const { table } = await beginRun(folder, PLAN, conductOf(good));
    const { result } = [...table.jobs.values()].find(
      (one) => one.job.kind === 'run' && one.result?.verdict === 'fail',
    ) as { result: { object: string } };

    writeFileSync(folder.objects.path(result.object), 'other');

    expect(() => markdown(folder)).toThrow(/is not what its name says/);
  });
});
