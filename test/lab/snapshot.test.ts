import { readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { catalogue } from '../../src/catalogue/index.js';
import { buildKernel } from '../../src/lab/index.js';
import {
  comparable,
  LARGE,
  type LabRecordings,
  type RecordOptions,
  recordInLab,
  USUAL,
  withoutLog,
} from '../support/lab-recordings.js';
import { type OwnCache, ownCache } from '../support/own-cache.js';

const SOURCES = ['debian:6.1', 'debian:7.2'] as const;
/** A tenth of what runs, for the machine that is saved on its way. */
const SOME = USUAL.filter((_, i) => i % 10 === 0);

const images = new Map<string, string>();
const usual = process.env.XDG_CACHE_HOME;
let cache: OwnCache;

beforeAll(async () => {
  for (const source of SOURCES) images.set(source, (await buildKernel({ source })).bzImage);
  cache = ownCache();
  process.env.XDG_CACHE_HOME = cache.home;
});
afterAll(() => {
  if (usual === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = usual;
  cache.remove();
});

const run = (source: string, o: RecordOptions): Promise<LabRecordings> =>
  recordInLab(images.get(source) as string, o);

/** When a saved machine was last put into use, or saved. */
const lastUse = (): number =>
  Math.max(
    ...readdirSync(cache.snapshots).map(
      (name) => statSync(join(cache.snapshots, name, 'manifest.json')).mtimeMs,
    ),
  );

test.each(SOURCES)('on %s a machine that is booted, saved or restored records the same', async (source) => {
  const saved = await run(source, { snapshot: true, scenarios: SOME });
  const before = lastUse();
  const [booted, restored] = await Promise.all([
    run(source, { snapshot: false }),
    run(source, { snapshot: true }),
  ]);

  expect([...saved.problems, ...restored.problems]).toEqual([]);
  expect(lastUse()).toBeGreaterThan(before);
  const expected = booted.recordings.map(comparable);
  expect(expected).toHaveLength(USUAL.length);
  const names = SOME.map(({ name }) => name);
  const alone = booted.recordings.filter(({ scenario }) => names.includes(scenario));
  expect(saved.recordings.map(withoutLog).map(comparable)).toEqual(alone.map(withoutLog).map(comparable));
  expect(restored.recordings.map(comparable)).toEqual(expected);
});

test('so does one with a page of 1 GiB', async () => {
  const saved = await run('debian:6.1', { snapshot: true, scenarios: LARGE });
  const before = lastUse();
  const [booted, restored] = await Promise.all([
    run('debian:6.1', { snapshot: false, scenarios: LARGE }),
    run('debian:6.1', { snapshot: true, scenarios: LARGE }),
  ]);

  expect([...saved.problems, ...restored.problems]).toEqual([]);
  expect(lastUse()).toBeGreaterThan(before);
  const expected = booted.recordings.map(comparable);
  expect(expected).toHaveLength(LARGE.length);
  expect(saved.recordings.map(comparable)).toEqual(expected);
  expect(restored.recordings.map(comparable)).toEqual(expected);
});

test('a saved machine that is cut short is not used, and made anew', async () => {
  const scenarios = catalogue.filter(({ name }) => name.startsWith('pat/'));
  await run('debian:6.1', { snapshot: true, scenarios });
  for (const name of readdirSync(cache.snapshots)) truncateSync(join(cache.snapshots, name, 'ram'), 4096);

  const damaged = await run('debian:6.1', { snapshot: true, scenarios });
  const after = await run('debian:6.1', { snapshot: true, scenarios });

  expect(damaged.problems).toEqual([expect.stringMatching(/saved machine.*ram was changed/)]);
  expect(damaged.recordings.length).toBeGreaterThan(0);
  expect(after).toMatchObject({ problems: [] });
});
