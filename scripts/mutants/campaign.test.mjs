import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Campaign } from './campaign.mjs';
import { fuzzTrial } from './fuzz-trial.mjs';
import { byFile } from './mutant.mjs';
import { Results } from './results.mjs';

let folder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mutants-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const mutant = (name, file = 'a.c') => ({
  id: `6.1/${name}`,
  kernel: '6.1',
  name,
  path: name,
  text: name,
  diff: `--- a/${file}\n`,
});
const MUTANTS = ['one', 'two', 'three'].map((name) => mutant(name));

/** A campaign whose kernels are named by their patches, and whose runs give what `answers` says of one, in turn. */
function campaignOf(answers, more = {}) {
  const told = [];
  const run = async (image) => answers[image]?.shift() ?? { tried: 60 };
  const results = new Results(folder, { names: [], key: 'k' }, false);
  const campaign = new Campaign(results, {
    processors: [0, 1],
    until: Number.POSITIVE_INFINITY,
    trial: fuzzTrial(run),
    build: async ({ patches }) => ({ image: patches.at(-1) ?? 'base' }),
    onOutcome: ({ name }, { state }) => told.push(`${name} ${state}`),
    onRemark: () => undefined,
    ...more,
  });
  return { campaign, told, stateOf: (name) => results.last(`6.1/${name}`)?.state };
}

test('what is known is not tried again, and a run that could not be made is', async () => {
  const first = campaignOf({ one: [{ tried: 60, first: 3 }], two: [{ error: 'the time ran out' }] });
  await first.campaign.run(MUTANTS);
  const built = [];
  const again = campaignOf(
    {},
    {
      build: async ({ patches }) => {
        built.push(...patches);
        return { image: patches.at(-1) };
      },
    },
  );
  await again.campaign.run(MUTANTS);

  expect(first.told.sort()).toEqual(['one found', 'three not-found', 'two no-run']);
  expect(built).toEqual(['two']);
  expect(again.told.sort()).toEqual(['one found', 'three not-found', 'two not-found']);
});

test('a kernel that does not build is no outcome', async () => {
  const { campaign, told, stateOf } = campaignOf(
    {},
    {
      build: async ({ patches }) =>
        patches.length === 0 ? { image: 'base' } : { error: 'the disk is full' },
    },
  );
  await campaign.run(MUTANTS.slice(0, 1));

  expect(told).toEqual(['one not-built']);
  expect(stateOf('one')).toBeUndefined();
});

test('where the kernel without a fault cannot be run, the next mutant asks it again', async () => {
  const { campaign, told } = campaignOf({ base: [{ error: 'no bochs' }] }, { processors: [0] });
  await campaign.run(MUTANTS);

  expect(told).toEqual(['one no-run', 'two not-found', 'three not-found']);
});

test('when it is stopped, both processors end before it does, and what they found is kept', async () => {
  const { campaign, told, stateOf } = campaignOf(
    {},
    {
      build: async ({ patches: [name] }) => {
        if (name === 'one') throw new Error('stopped');
        await new Promise((resolve) => setTimeout(resolve, 20));
        return { image: name ?? 'base' };
      },
    },
  );

  await expect(campaign.run(MUTANTS)).rejects.toThrow('stopped');
  expect(told).toEqual(['two not-found']);
  expect([stateOf('two'), stateOf('three')]).toEqual(['not-found', undefined]);
});

test('mutants that change the same file of a kernel come one after the other', () => {
  const names = byFile([mutant('a', 'x.c'), mutant('b', 'y.c'), mutant('c', 'x.c')]).map(({ name }) => name);

  expect(names).toEqual(['a', 'c', 'b']);
});
