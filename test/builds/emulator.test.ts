import { expect, test } from 'vitest';
import { buildKernel, builtEmulator } from '../../src/lab/index.js';
import { runCli } from '../support/cli.js';
import { comparable, recordInLab } from '../support/lab-recordings.js';

// Builds the emulator unless that was done before, which takes minutes: no part of `npm test` (docs/ci.md).
test('restored by the emulator that was built, a machine records the same', async () => {
  if (builtEmulator() === undefined) await runCli(['lab', 'build-emulator']);
  const { bzImage } = await buildKernel({ source: 'debian:6.1' });

  const built = await recordInLab(bzImage, { snapshot: true });
  process.env.KVM_MEMTYPE_EMULATOR = 'packaged';
  const packaged = await recordInLab(bzImage, { snapshot: true }).finally(() => {
    delete process.env.KVM_MEMTYPE_EMULATOR;
  });

  expect(builtEmulator()).toBeDefined();
  expect(built.problems).toEqual([]);
  expect(built.recordings.map(comparable)).toEqual(packaged.recordings.map(comparable));
});
