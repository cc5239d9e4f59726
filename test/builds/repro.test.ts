import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { catalogue } from '../../src/catalogue/index.js';
import { buildKernel } from '../../src/lab/index.js';
import { type ReproRun, reproducersSay, type Said, weSay } from '../support/repro-lab.js';

const folder = mkdtempSync(join(tmpdir(), 'repro-'));
afterAll(() => rmSync(folder, { recursive: true }));

const mutant = (name: string): string => fileURLToPath(new URL(`../mutants/${name}.patch`, import.meta.url));

/** Faults of 6.1 that go together into one kernel, and a scenario of each family that notices one of them. */
const FAULTS = [
  '6.1/types-mtrr-with-ipat',
  '6.1/types-mmio-after-dma',
  '6.1/nested-uncached',
  '6.1/msrs-default-bit-12',
  '6.1/quirk-any-taken',
  '6.1/answers-readonly-slots-gone',
].map(mutant);
const NOTICED = [
  'dma/vfio-noiommu',
  'quirk/by-number',
  'ram/refault',
  'size/dma-refault',
  'gib/dma-refault',
  'space/range-over-4g',
  'dirty/types',
  'notifier/types',
  'slot/move',
  'mtrr/default-type',
  'cd/quirk-on',
  'pat/aliases-noncoherent',
  'msr/reserved',
  'filter/forwarded',
  'restore/list-alone',
  'nested/mtrr-types',
  'mmio/pci-bar',
  'vcpus/disagree-mtrr',
  'race/dma',
  'kernel/capabilities',
  'pairs/cd-left-behind',
];
/** Families of which no fault of a released kernel is known: none has what they are about. */
const ABSENT = ['virtio/absent', 'memslot/absent'];
/** The family that 6.1 is too old for, and a fault of 7.2. */
const NEWER = ['prefault/leaves'];
const NEWER_FAULT = mutant('7.2/types-prefetch');

const familyOf = (name: string): string => name.split('/')[0] as string;

/** Debian's kernel of a series, with patches, and what reproducers for it need. */
async function runOf(series: string, patches: readonly string[] = []): Promise<ReproRun> {
  const { bzImage } = await buildKernel({ source: `debian:${series}`, patches });
  return { kernel: bzImage, policy: series, folder };
}

const withStatusOtherThan = (status: Said['status'], said: ReadonlyMap<string, Said>) =>
  [...said].filter(([, one]) => one.status !== status);

test('there is one scenario of each family', () => {
  const families = new Set(catalogue.map(({ name }) => familyOf(name)));

  expect(new Set([...NOTICED, ...ABSENT, ...NEWER].map(familyOf))).toEqual(families);
});

// Builds kernels, which takes minutes: no part of `npm test` (docs/ci.md).
test.each([
  ['6.1', [...NOTICED, ...ABSENT]],
  ['7.2', NEWER],
])('on %s the reproducers pass', async (series, names) => {
  const said = await reproducersSay(names, await runOf(series));

  expect(withStatusOtherThan('pass', said)).toEqual([]);
});

test.each([
  ['6.1', FAULTS, NOTICED],
  ['7.2', [NEWER_FAULT], NEWER],
])(
  'on a broken %s each fails, first at a step at which we say that it does',
  async (series, faults, names) => {
    const run = await runOf(series, faults);

    const said = await reproducersSay(names, run);

    expect(withStatusOtherThan('fail', said)).toEqual([]);
    // A reproducer tells of the pages that its scenario touches, and we of our guest's own as well: those may be wrong before.
    const ours = await weSay(names, run);
    const elsewhere = [...said].filter(([name, { step }]) => !ours.get(name)?.steps.has(step as number));
    expect([...ours.values()].map(({ status }) => status)).toEqual(names.map(() => 'fail'));
    expect(elsewhere.map(([name, one]) => ({ name, ...one, ours: ours.get(name)?.steps }))).toEqual([]);
  },
);
