import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { catalogue } from '../../src/catalogue/index.js';
import { buildKernel } from '../../src/lab/index.js';
import { runSession } from '../../src/session/session.js';

/** End the emulators that this process has started. */
function killEmulators(): void {
  const { stdout } = spawnSync('ps', ['--ppid', String(process.pid), '-o', 'pid=,comm='], {
    encoding: 'utf8',
  });
  for (const [, pid] of stdout.matchAll(/(\d+) bochs/g)) process.kill(Number(pid), 'SIGKILL');
}

test('a machine that dies costs the scenario that it was in: another one does the rest', async () => {
  const { bzImage } = await buildKernel({ source: 'debian:6.1' });
  const scenarios = catalogue.filter(({ name }) => name.startsWith('msr/'));
  let deaths = 0;

  const set = await runSession(
    {
      name: 'a kernel',
      target: { engine: 'bochs', kernel: bzImage, params: [], snapshot: true },
      scenarios,
      catalogue,
      policy: 'A',
      repeat: 1,
      timeoutMs: 300_000,
      rerun: () => 'again',
    },
    {
      header: () => {},
      scenario: () => {},
      progress: () => {},
      started: (name) => {
        if (name === scenarios[4]?.name && deaths++ === 0) killEmulators();
      },
    },
  );

  expect(set.crashed).toMatchObject({ kind: 'emulator-died' });
  const passed = set.scenarios.filter(({ status }) => status === 'pass');
  expect(set.scenarios).toHaveLength(scenarios.length);
  expect(passed.length).toBeGreaterThanOrEqual(scenarios.length - 1);
});
