import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { buildKernel } from '../../src/lab/index.js';
import type { RunResult } from '../../src/report/types.js';
import { runCli } from '../support/cli.js';

const PATCH = fileURLToPath(new URL('./patches/lying-trace-6.1.patch', import.meta.url));

test('a kernel whose trace lies about a type passes, but not before the processor’s own walk', async () => {
  const { bzImage } = await buildKernel({ source: 'debian:6.1', patches: [PATCH] });
  const command = ['run', 'ram', 'size', '--kernel', bzImage, '--policy', 'A', '--format', 'json'];

  const believed = await runCli(command);
  const witnessed = await runCli([...command, '--witness']);

  const setOf = (stdout: string) => (JSON.parse(stdout) as RunResult).sets[0];
  expect(believed.status).toBe(0);
  expect(setOf(believed.stdout)?.scenarios.filter(({ status }) => status === 'pass').length).toBeGreaterThan(
    5,
  );
  expect(witnessed.status).toBe(1);
  const failures = setOf(witnessed.stdout)?.scenarios.flatMap(({ failures }) => failures) ?? [];
  expect(new Set(failures.map(({ what }) => what))).toEqual(new Set(["leaf by the processor's own walk"]));
  expect(failures[0]).toMatchObject({
    expected: expect.stringMatching(/^WB IPAT=1/),
    seen: expect.stringMatching(/^WB IPAT=0/),
    rerun: expect.stringMatching(/ --witness$/),
  });
});
