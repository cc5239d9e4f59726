import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { git as gitIn } from '../../../test/support/bisect-repo.js';
import { scratchDir } from '../../../test/support/fake-host.js';
import { jobSchema } from '../jobs/job.js';
import { buildOf, type Plan } from '../jobs/plan.js';
import { Objects } from '../store/objects.js';
import { planOf } from './kernels.js';
import { parseCampaign } from './read.js';

function folder(): string {
  const path = scratchDir();
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const plan = (kernel: string, at: string): Promise<Plan> =>
  planOf(parseCampaign(`campaign: a\nkernels: [${kernel}]`), at, 'test', new Objects(folder()));

/** A repository `lx` in a folder: two commits of `topic` upon the tag `v0`. */
function withRepository() {
  const at = folder();
  const lx = join(at, 'lx');
  mkdirSync(lx);
  const git = (...args: string[]): string => gitIn(lx, ...args).trim();
  const commit = (text: string): void => {
    writeFileSync(join(lx, 'file'), `${text}\n`);
    git('add', 'file');
    git('commit', '-qm', text);
  };
  git('init', '-q', '-b', 'topic');
  commit('zero');
  git('tag', 'v0');
  commit('one');
  commit('two');
  return { at, lx, git };
}

describe('a range', () => {
  const RANGE = '{source: lx, range: v0..topic}';

  it.each(['topic', 'topic^'])('is refused where %s is checked out, which has its commits', async (what) => {
    const { at, git } = withRepository();
    git('checkout', '-q', what);

    await expect(plan(RANGE, at)).rejects.toThrow(/lx has commits of v0\.\.topic already: check out .*\^$/);
  });

  it('is a kernel for each commit where the commit is checked out that it begins at', async () => {
    const { at, git } = withRepository();
    git('checkout', '-q', 'v0');

    const { kernels } = await plan(RANGE, at);

    expect(kernels.map(({ name }) => name)).toEqual(['lx', 'lx 1/2', 'lx 2/2']);
  });

  it('of a source that is no git tree is refused', async () => {
    const given = plan('{source: "debian:6.1", range: v0..topic}', folder());

    await expect(given).rejects.toThrow(/^the range v0\.\.topic needs a git tree: debian:6\.1 is none/);
  });

  it('of another tree than the source is not held against what is checked out', async () => {
    const { at } = withRepository();

    const { kernels } = await plan('{source: "debian:6.1", git: lx, range: v0..topic}', at);

    expect(kernels).toHaveLength(3);
  });
});

describe('a tree', () => {
  it('is known by its commit, which is part of what the build is', async () => {
    const { at, git } = withRepository();
    const before = await plan('{source: lx}', at);
    const head = git('rev-parse', 'HEAD');
    git('checkout', '-q', 'v0');

    const after = await plan('{source: lx}', at);

    const builds = [before, after].map((one) => buildOf(one, one.kernels[0] as Plan['kernels'][number]));
    expect(builds[0]?.job).toMatchObject({ commit: head });
    expect(builds[0]?.id).not.toBe(builds[1]?.id);
  });

  it('that is no clean checkout has no commit', async () => {
    const { at, lx } = withRepository();
    writeFileSync(join(lx, 'file'), 'other\n');

    const { kernels } = await plan('{source: lx}', at);

    expect(kernels[0]?.from).not.toHaveProperty('commit');
  });
});

it('names that are made of many files are cut, stay unlike, and are those of jobs', async () => {
  const at = folder();
  const files = Array.from({ length: 9 }, (_, i) => `kvm-mtrr-a-patch-with-an-ordinary-name-${i}.patch`);
  const long = `${'p'.repeat(240)}.patch`;
  for (const file of [...files, long]) writeFileSync(join(at, file), 'x');
  const kernels = [files.slice(0, 8), [...files.slice(0, 7), files[8]], [long]];

  const planned = await plan(
    kernels.map((patches) => `{source: "debian:6.1", patches: [${patches}]}`).join(', '),
    at,
  );

  const jobs = planned.kernels.map((kernel) => buildOf(planned, kernel)?.job);
  expect(new Set(jobs.map((job) => job?.kernel)).size).toBe(3);
  expect(jobs.flatMap((job) => jobSchema.safeParse(job).error ?? [])).toEqual([]);
});
