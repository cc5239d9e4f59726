import { defineConfig } from 'vitest/config';

/** Tests that build several kernels, each for minutes. */
const BUILDS = {
  test: {
    name: 'builds',
    include: ['test/builds/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 3_600_000,
  },
};

// Run the pure tests next to the code and the live ones in test/; live files share devices, so one at a time.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'pure',
          include: ['src/**/*.test.ts', 'scripts/**/*.test.mjs', 'test/kvm-unit-tests/**/*.test.ts'],
          testTimeout: 60_000, // Ends a test that hangs; a busy machine is to fail none.
        },
      },
      {
        test: {
          name: 'live',
          include: ['test/live/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 900_000,
          hookTimeout: 900_000,
        },
      },
      ...(process.env.KVM_MEMTYPE_BUILDS === undefined ? [] : [BUILDS]),
    ],
  },
});
