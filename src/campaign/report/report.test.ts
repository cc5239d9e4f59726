import { rmSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import {
  campaignFolder,
  conductOf,
  fuzzResultOf,
  IMAGE,
  never,
  planOfKernels,
  runResultOf,
  simulated,
} from '../../../test/support/campaign.js';
import { scenarios } from '../../../test/support/results.js';
import { RENDER } from '../../report/report.js';
import { CATALOGUE_ORDER } from '../../session/order.js';
import { slotsIn } from '../jobs/machines.js';
import type { JobResult, Order } from '../jobs/result.js';
import { FileHistory } from '../past/history.js';
import type { Tell } from '../past/left-out.js';
import { NO_PAST } from '../past/past.js';
import type { Execute } from '../run/child.js';
import { beginRun } from '../run/conduct.js';
import type { CampaignFolder } from '../store/folder.js';
import { renderMarkdown } from './markdown.js';
import { reportOf, statusOf } from './model.js';
import { renderCampaignPage } from './page.js';
import { Results } from './read.js';
import { asRun } from './runs.js';

const PLAN = planOfKernels(
  [IMAGE('a', '1'), IMAGE('b|<i>', '2')],
  'parameters: {default: [], legacy: [kvm.tdp_mmu=N]}\nfuzz: {seeds: [7, 8], count: 10}\nprice: 36',
);

async function run(
  folder: CampaignFolder,
  resultOf: (order: Order) => JobResult,
  plan = PLAN,
  tell: Tell = never,
) {
  const saved = await beginRun(folder, plan, conductOf(simulated(resultOf)));
  const results = new Results(folder.objects);
  const past = new FileHistory(folder, results, tell).pastNow(saved.number);
  return { saved, results, report: reportOf(saved, past, results, tell) };
}

const PASS = { ...scenarios.fail, status: 'pass' as const, failures: [] };
const isBad = ({ job }: Order): boolean =>
  job.kind !== 'build' && job.kernel === 'a' && job.params.length > 0;
const good = ({ job }: Order): JobResult => (job.kind === 'run' ? runResultOf(PASS) : fuzzResultOf());
const bad = (order: Order): JobResult =>
  order.job.kind === 'run' && isBad(order) ? runResultOf(scenarios.fail) : good(order);

describe('failures', () => {
  it('are new where the run before passed, and flaky if the job is the same', async () => {
    const folder = campaignFolder();
    await run(folder, good);

    const { report } = await run(folder, bad);

    expect(report.failures).toMatchObject([{ kernel: 'a', variant: 'legacy', isNew: true }]);
    expect(report.flaky).toEqual([
      {
        job: 'scenarios on a,kvm.tdp_mmu=N',
        scenario: 'mtrr/default-type',
        seen: ['fail', 'pass'],
        where: 'runs',
        machines: [],
      },
    ]);
    expect(statusOf(report)).toBe(1);
  });

  it('are not new the next time, and told of when they are gone', async () => {
    const folder = campaignFolder();
    await run(folder, bad);

    expect((await run(folder, bad)).report.failures).toMatchObject([{ isNew: false }]);
    expect((await run(folder, good)).report.fixed).toEqual(['a, legacy: mtrr/default-type']);
  });

  it('of the same job on unlike machines are told as that', async () => {
    const folder = campaignFolder();
    await run(folder, good);
    const elsewhere = (order: Order): JobResult => {
      const result = bad(order);
      if (result.kind !== 'run') return result;
      return { ...result, run: { ...result.run, host: { cpu: 'Other', release: '6.1', version: '#1' } } };
    };

    const { report } = await run(folder, elsewhere);

    expect(report.flaky[0]?.machines).toHaveLength(2);
    expect(renderMarkdown(report, { noTimes: true })).toMatch(/on unlike machines: Other, 6.1, .*; /);
  });

  it('of one repetition among others are flaky', async () => {
    const repeated = runResultOf({ ...PASS, repeat: 1 }, { ...scenarios.fail, repeat: 2 });
    const plan = planOfKernels([IMAGE('a', '1')], 'repeat: 2');

    const { report } = await run(campaignFolder(), () => repeated, plan);

    expect(report.flaky).toMatchObject([{ scenario: 'mtrr/default-type', where: 'repeats' }]);
  });
});

it('what cannot be read of earlier runs is left out and told, and the report is made', async () => {
  const folder = campaignFolder();
  await run(folder, good);
  const { saved } = await run(folder, bad);
  const { result } = [...saved.table.jobs.values()].find((job) => job.result?.verdict === 'fail') ?? {};
  rmSync(folder.objects.path(result?.object as string));
  const told: string[] = [];

  const { report } = await run(folder, good, PLAN, (text) => told.push(text));

  // Held against the run before that one.
  expect([report.fixed, report.flaky, report.failures]).toEqual([[], [], []]);
  expect(told).toEqual([
    expect.stringMatching(/^run 2 is left out: .* is missing$/),
    expect.stringMatching(/^an earlier result of scenarios on a,.* is left out: .* is missing$/),
  ]);
});

it('jobs that run on one machine at the same time share what it costs', async () => {
  const folder = campaignFolder();
  const where = [
    { host: 'a', seconds: 3600, slots: 1 },
    { host: 'b', seconds: 3600, slots: 4 },
  ];
  const plan = planOfKernels([IMAGE('a', '1')], 'parameters: {one: [], two: [kvm.tdp_mmu=N]}\nprice: 8');
  const execute: Execute = async (order) => ({ kind: 'result', result: good(order), ...where.shift() });
  const saved = await beginRun(folder, plan, conductOf(execute));

  const report = reportOf(saved, NO_PAST, new Results(folder.objects), never);

  expect(renderMarkdown(report, { noTimes: false })).toMatch(/\| 2\.0 h \| 10\.00 \|/);
  saved.table.slots = undefined; // as where workers do the jobs
  expect(slotsIn(saved.table)).toBe(1 + 4);
});

const SCENARIO = (name: string, gpa = '0x1000'): string =>
  `{\n  "name": "fuzz/${name}",\n  "title": "T",\n  "steps": [\n    { "do": "access", "gpa": "${gpa}" }\n  ]\n}\n`;
const find = (name: string, gpa?: string, kind = 'leaf') => ({
  kind,
  times: 2,
  found: `fuzz/${name}`,
  scenario: SCENARIO(name, gpa),
  result: { ...scenarios.fail, family: 'fuzz', name: 'n0' },
});

test('finds that were cut down to the same steps are one, wherever they were found', async () => {
  const { report } = await run(campaignFolder(), (order) => {
    const { job } = order;
    if (job.kind !== 'fuzz') return good(order);
    return job.seed === 7
      ? fuzzResultOf([find('s7-1')])
      : fuzzResultOf([find('s8-3'), find('s8-4', '0x2000')]);
  });

  expect(report.finds.map(({ kind, times, where, steps }) => [kind, times, where.length, steps])).toEqual([
    ['leaf', 16, 8, 1],
    ['leaf', 8, 4, 1],
  ]);
  expect(report.kernels[0]?.cells[0]).toMatchObject({ state: 'fail', counts: { fail: 3, pass: 18 } });
});

describe('the report', () => {
  const made = async () => {
    const folder = campaignFolder();
    await run(folder, good);
    return run(folder, (order) =>
      order.job.kind === 'fuzz' && isBad(order) ? fuzzResultOf([find('s7-1', '`````')]) : bad(order),
    );
  };

  it('as Markdown has the matrix, and nothing of it acts as markup', async () => {
    const text = renderMarkdown((await made()).report, { noTimes: true });

    expect(text).toContain(
      '| kernel | release | image | default | legacy |\n| --- | --- | --- | --- | --- |',
    );
    expect(text).toContain('| b\\|\\<i\\> |  | 222222222222 | 21 passed | 21 passed |');
    expect(text).toContain('## Failures that are new (1)');
    expect(text).toMatch(/^`{6}\n\{\n/m);
    expect(text).not.toMatch(/20\d\d-|\d s\b/);
  });

  it('as a page shows families by kernel, links to failures, and asks for nothing', async () => {
    const { report, saved, results } = await made();

    const page = renderCampaignPage(report, saved.table, results);

    expect(page).toContain('<svg class=heat role=img');
    expect(page).toContain('mtrr on a, legacy: fail, 1 of 1 failed');
    const [, link] = /<td class=fail><a href="#(c-[0-9a-f]+)">/.exec(page) ?? [];
    expect(page).toContain(`<section id=${link}>`);
    expect(page).toContain('b|&lt;i&gt;');
    expect(page).not.toMatch(/<script|<i>|src=|http:/);
  });

  it('goes through the writers that a run has', async () => {
    const { report, saved, results } = await made();
    const asOne = asRun(report, saved.table, results, CATALOGUE_ORDER);

    expect(asOne.sets.map((set) => set.name)).toEqual(['a', 'a,legacy', 'b|<i>', 'b|<i>,legacy']);
    expect(asOne.incomplete).toBeUndefined();
    expect(RENDER.junit(asOne)).toContain('failures="2"');
    expect(JSON.parse(RENDER.kcidb(asOne)).tests.length).toBeGreaterThan(4);
  });
});
