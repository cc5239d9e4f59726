import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { catalogue } from '../../src/catalogue/index.js';
import { type BuiltKernel, buildKernel } from '../../src/lab/index.js';
import { comparable, type LabRecordings, recordInLab, USUAL } from '../support/lab-recordings.js';
import { type OwnCache, ownCache } from '../support/own-cache.js';

// Builds each kernel once more, with KVM as modules, and then KVM alone: no part of `npm test` (docs/ci.md).

/** Changes arch/x86/kvm/vmx/vmx.c alone: with CR0.CD set a leaf loses its IPAT. */
const MUTANT = fileURLToPath(new URL('../mutants/6.1/cd-uncached-without-ipat.patch', import.meta.url));
const SOME = catalogue.filter(({ name }) => name.startsWith('cd/'));

let cache: OwnCache;
const usual = process.env.XDG_CACHE_HOME;
const useCache = (home: string | undefined): void => {
  if (home === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = home;
};

const modular = async (source: string, patches: readonly string[] = []): Promise<BuiltKernel> => {
  process.env.KVM_MEMTYPE_MODULES = '1';
  try {
    return await buildKernel({ source, patches });
  } finally {
    delete process.env.KVM_MEMTYPE_MODULES;
  }
};

beforeEach(() => {
  cache = ownCache();
  process.env.XDG_CACHE_HOME = cache.home;
});
afterEach(() => {
  useCache(usual);
  cache.remove();
});

/** What the kernel logs of a warning names modules, and their code, which lies elsewhere; they have threads that take numbers. */
const withoutModules = (text: string): string =>
  text
    .replace(/ \[kvm(?:_intel)?\]/g, '')
    .replace(/\bPID: \d+/g, 'PID')
    .replace(/^(Code|Modules linked in):.*/, '$1');

const seen = ({ recordings }: LabRecordings): unknown[] =>
  JSON.parse(JSON.stringify(recordings.map(comparable)), (key, value: unknown) =>
    key === 'text' ? withoutModules(String(value)) : value,
  ) as unknown[];

test.each(['debian:6.1', 'debian:7.2'])(
  'on %s KVM as modules does what KVM that is built in does: booted, saved and restored',
  async (source) => {
    const builtIn = (await buildKernel({ source })).bzImage;
    const kernel = (await modular(source)).bzImage;

    const expected = await recordInLab(builtIn, { snapshot: false });
    const booted = await recordInLab(kernel, { snapshot: false });
    const saved = await recordInLab(kernel, { snapshot: true, scenarios: SOME });
    const restored = await recordInLab(kernel, { snapshot: true });

    expect([booted, saved, restored].flatMap(({ problems }) => problems)).toEqual([]);
    expect(readdirSync(cache.snapshots)).toHaveLength(1);
    expect(seen(expected)).toHaveLength(USUAL.length);
    expect(seen(booted)).toEqual(seen(expected));
    expect(seen(restored)).toEqual(seen(expected));
  },
);

test('a patch to KVM alone goes into the machine that was saved without it', async () => {
  const [whole, broken] = [await modular('debian:6.1'), await modular('debian:6.1', [MUTANT])];
  const builtIn = await buildKernel({ source: 'debian:6.1', patches: [MUTANT] });

  const before = await recordInLab(whole.bzImage, { snapshot: true, scenarios: SOME });
  const machines = readdirSync(cache.snapshots);
  const after = await recordInLab(broken.bzImage, { snapshot: true, scenarios: SOME });
  const expected = await recordInLab(builtIn.bzImage, { snapshot: false, scenarios: SOME });

  expect([before, after].flatMap(({ problems }) => problems)).toEqual([]);
  expect(machines).toHaveLength(1);
  expect(readdirSync(cache.snapshots)).toEqual(machines);
  expect(seen(after)).toEqual(seen(expected));
  expect(seen(after)).not.toEqual(seen(before));
});
