import { defineConfig } from 'vitest/config';

// The tests of the model and what it stands on alone, with few random states: for mutation testing, which runs them a thousand times.
export default defineConfig({
  test: {
    include: ['src/{arch,memtype}/**/*.test.ts'],
    env: { MODEL_RUNS: '60' },
    isolate: false,
    testTimeout: 60_000, // instrumented code is slow, and the machine may be busy
  },
});
