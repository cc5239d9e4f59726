import { readdirSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { patiently } from './test/patience.js';

/**
 * Which live tests run, by their tags, and which files have any of them: CI takes them apart where its machine has no /dev/kvm (see docs/ci.md).
 * A file is loaded before its tags are known, and may open /dev/kvm then.
 */
const LIVE: Record<string, { tags?: string; has: (text: string) => boolean }> = {
  all: { has: () => true },
  'with-kvm': { tags: 'kvm', has: (text) => /@module-tag kvm|NEEDS_KVM/.test(text) },
  'without-kvm': { tags: '!kvm', has: (text) => !text.includes('@module-tag kvm') },
};
const live = LIVE[process.env.KVM_MEMTYPE_LIVE ?? 'all'];
if (live === undefined) throw new Error(`KVM_MEMTYPE_LIVE is one of ${Object.keys(LIVE).join(', ')}`);
const only = live.tags === undefined ? {} : { tagsFilter: [live.tags] };
const liveFiles = () =>
  readdirSync('test/live')
    .map((name) => `test/live/${name}`)
    .filter((file) => file.endsWith('.test.ts') && live.has(readFileSync(file, 'utf8')));

/** What takes longer hangs, on a busy machine too; an emulated one has not the time to wait for that twenty times as long. */
const HANGS_MS = Math.min(patiently(90_000), 600_000);

/** Where transformed modules are kept, if anywhere: an emulated machine takes long to transform them. */
const moduleCache = process.env.KVM_MEMTYPE_MODULE_CACHE;

/** Tests that build several kernels, each for minutes. */
const BUILDS = {
  test: {
    name: 'builds',
    include: ['test/builds/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 3_600_000,
    hookTimeout: 3_600_000,
  },
};

// Run the pure tests next to the code and the live ones in test/; live files share devices, so one at a time.
export default defineConfig({
  test: {
    ...(live.tags === '!kvm' && { maxWorkers: 1 }), // A machine is emulated beside them, and the lab.
    ...(moduleCache !== undefined && {
      experimental: { fsModuleCache: true, fsModuleCachePath: moduleCache },
    }),
    tags: [{ name: 'kvm', description: 'Opens /dev/kvm.' }],
    projects: [
      {
        test: {
          name: 'pure',
          ...only,
          include: ['src/**/*.test.ts', 'scripts/**/*.test.mjs', 'test/kvm-unit-tests/**/*.test.ts'],
          testTimeout: 600_000, // Ends a test that hangs; a busy machine is to fail none.
        },
      },
      {
        test: {
          name: 'live',
          ...only,
          include: liveFiles(), // Not "exclude": it would outdo the command line's.
          fileParallelism: false,
          testTimeout: HANGS_MS,
          hookTimeout: HANGS_MS,
        },
      },
      {
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 3_600_000, // A test may build a kernel: some 20 minutes of a slow processor.
          hookTimeout: 3_600_000,
        },
      },
      ...(process.env.KVM_MEMTYPE_BUILDS === undefined ? [] : [BUILDS]),
    ],
  },
});
