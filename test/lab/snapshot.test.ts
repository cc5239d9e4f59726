import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { catalogue } from '../../src/catalogue/index.js';
import { cacheRoot } from '../../src/lab/cache.js';
import { buildKernel } from '../../src/lab/index.js';
import { decodeMessage } from '../../src/recording/message-schema.js';
import type { Recording } from '../../src/recording/recording.js';
import { runAgent } from '../../src/session/engines.js';

const SOURCES = ['debian:6.1', 'debian:7.2'] as const;
/** The address in an entry of a page table: which frame of the host it is depends on what ran before. */
const FRAME = 0x000f_ffff_ffff_f000n;

/** A sixth of the catalogue, as three machines of each kernel take their time; without the family whose threads run as they will. */
const SCENARIOS = catalogue.filter(({ name }, i) => i % 6 === 0 && !name.startsWith('race/'));

const images = new Map<string, string>();
const usual = process.env.XDG_CACHE_HOME;
let cache: string;

/** A cache with all that there is, but for saved machines. */
beforeAll(async () => {
  for (const source of SOURCES) images.set(source, (await buildKernel({ source })).bzImage);
  cache = mkdtempSync(join(tmpdir(), 'snapshots-'));
  mkdirSync(join(cache, 'kvm-memtype'));
  for (const name of readdirSync(cacheRoot()))
    if (name !== 'snapshots') symlinkSync(join(cacheRoot(), name), join(cache, 'kvm-memtype', name));
  process.env.XDG_CACHE_HOME = cache;
});
afterAll(() => {
  if (usual === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = usual;
  rmSync(cache, { recursive: true });
});

interface Came {
  recordings: Recording[];
  problems: string[];
}

async function run(source: string, o: { snapshot: boolean; only?: RegExp }): Promise<Came> {
  const recordings: Recording[] = [];
  const problems: string[] = [];
  const kernel = images.get(source) as string;
  const outcome = await runAgent({
    target: { engine: 'bochs', kernel, params: [], snapshot: o.snapshot },
    spec: {
      scenarios: o.only === undefined ? SCENARIOS : catalogue.filter(({ name }) => o.only?.test(name)),
      device: 'lab',
      params: [],
    },
    timeoutMs: 300_000,
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
const comparable = (recording: Recording): unknown =>
  JSON.parse(
    JSON.stringify({ ...recording, durationMs: 0 }, (key, value: unknown) => {
      if (typeof value === 'bigint') return `${ENTRIES.includes(key) ? value & ~FRAME : value}`;
      if (Array.isArray(value)) return value.filter((one) => !isGuess(one));
      return key === 'text' && typeof value === 'string' ? withoutAddresses(value) : value;
    }),
  );

test.each(SOURCES)('on %s a machine that is booted, saved or restored records the same', async (source) => {
  const booted = await run(source, { snapshot: false });
  const saved = await run(source, { snapshot: true });
  const restored = await run(source, { snapshot: true });

  expect([...saved.problems, ...restored.problems]).toEqual([]);
  expect(booted.recordings).toHaveLength(SCENARIOS.length);
  expect(saved.recordings.map(comparable)).toEqual(booted.recordings.map(comparable));
  expect(restored.recordings.map(comparable)).toEqual(booted.recordings.map(comparable));
});

const snapshots = (): string => join(cache, 'kvm-memtype/snapshots');

test('a saved machine that is cut short is not used, and made anew', async () => {
  const only = /^pat\//;
  await run('debian:6.1', { snapshot: true, only });
  for (const name of readdirSync(snapshots())) truncateSync(join(snapshots(), name, 'ram'), 4096);

  const damaged = await run('debian:6.1', { snapshot: true, only });
  const after = await run('debian:6.1', { snapshot: true, only });

  expect(damaged.problems).toEqual([expect.stringMatching(/saved machine.*ram was changed/)]);
  expect(damaged.recordings.length).toBeGreaterThan(0);
  expect(after).toMatchObject({ problems: [] });
});
