import { defineConfig } from 'vitest/config';

// The model's tests alone, with few random states: for mutation testing, which runs them a thousand times.
export default defineConfig({
  test: { include: ['src/memtype/**/*.test.ts'], env: { MODEL_RUNS: '60' }, isolate: false },
});
