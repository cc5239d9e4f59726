import { readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { catalogue } from '../../src/catalogue/index.js';
import { buildKernel, builtEmulator } from '../../src/lab/index.js';
import { decodeMessage } from '../../src/recording/message-schema.js';
import type { Recording } from '../../src/recording/recording.js';
import type { Scenario } from '../../src/scenario/types.js';
import { runAgent } from '../../src/session/engines.js';
import { type OwnCache, ownCache } from '../support/own-cache.js';

const SOURCES = ['debian:6.1', 'debian:7.2'] as const;
/** The address in an entry of a page table: which frame of the host it is depends on what ran before. */
const FRAME = 0x000f_ffff_ffff_f000n;

/** Threads run as they will in this family: of its recordings the way they end is the same. */
const isRace = (name: string): boolean => name.startsWith('race/');
/** What runs on a machine that is saved: one with a page of 1 GiB boots each time. */
const SAVED = catalogue.filter(({ needs }) => !needs.includes('gib-pages'));
/** A tenth of that, for the machine that is saved on its way. */
const SOME = SAVED.filter((_, i) => i % 10 === 0);

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

interface Came {
  recordings: Recording[];
  problems: string[];
}

async function run(source: string, o: { snapshot: boolean; scenarios?: readonly Scenario[] }): Promise<Came> {
  const recordings: Recording[] = [];
  const problems: string[] = [];
  const kernel = images.get(source) as string;
  const outcome = await runAgent({
    target: { engine: 'bochs', kernel, params: [], snapshot: o.snapshot },
    spec: {
      scenarios: o.scenarios ?? SAVED,
      device: 'lab',
      params: [],
    },
    timeoutMs: 600_000,
    onLine: (line) => {
      const message = decodeMessage(line);
      if (message.type === 'recording') recordings.push(message.recording);
    },
    onProblem: (text) => problems.push(text),
  });
  expect(outcome.kind).toBe('done');
  return { recordings, problems };
}

/** Registers and addresses in what the kernel logs: where things lie in its memory. */
const withoutAddresses = (text: string): string => text.replace(/\b[0-9a-f]{8,}\b/g, '…');

const ENTRIES = ['old', 'new', 'spte'];

/** An entry of a call trace that the kernel is not sure of: a return address that some earlier call left on the stack. */
const isGuess = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'text' in value && /^ *\? /.test(String(value.text));

/** What a recording says, without what depends on what ran before: time, and where in the host's memory things lie. */
const comparable = (recording: Recording): unknown => {
  const { scenario, outcome } = recording;
  if (isRace(scenario)) return { scenario, outcome };
  return JSON.parse(
    JSON.stringify({ ...recording, durationMs: 0 }, (key, value: unknown) => {
      if (typeof value === 'bigint') return `${ENTRIES.includes(key) ? value & ~FRAME : value}`;
      if (Array.isArray(value)) return value.filter((one) => !isGuess(one));
      return key === 'text' && typeof value === 'string' ? withoutAddresses(value) : value;
    }),
  );
};

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
  expect(expected).toHaveLength(SAVED.length);
  expect(saved.recordings.map(comparable)).toEqual(expected.filter((_, i) => i % 10 === 0));
  expect(restored.recordings.map(comparable)).toEqual(expected);
});

test.skipIf(builtEmulator() === undefined)(
  'restored by the emulator that was built, it records the same',
  async () => {
    const built = await run('debian:6.1', { snapshot: true });
    process.env.KVM_MEMTYPE_EMULATOR = 'packaged';
    const restored = await run('debian:6.1', { snapshot: true }).finally(() => {
      delete process.env.KVM_MEMTYPE_EMULATOR;
    });

    expect(built.problems).toEqual([]);
    expect(built.recordings.map(comparable)).toEqual(restored.recordings.map(comparable));
  },
);

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
