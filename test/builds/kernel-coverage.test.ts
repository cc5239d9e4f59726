import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { runCli } from '../support/cli.js';

const UNUSED = fileURLToPath(new URL('./patches/translate-6.1.patch', import.meta.url));
const USED = fileURLToPath(new URL('../mutants/6.1/types-mtrr-with-ipat.patch', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'kernel-coverage-'));
afterAll(() => rmSync(folder, { recursive: true }));

const runOn61 = (scenario: string, ...args: string[]) =>
  runCli(['run', scenario, '--kernel', 'debian:6.1', '--kernel-coverage', ...args]);

/** Branches taken of a function, and all of them. */
const branchesOf = (stdout: string, name: string): [taken: number, all: number] => {
  const [, taken, all] = new RegExp(`^ +${name} +\\S+ +\\d+ % +(\\d+)/(\\d+)`, 'm').exec(stdout) ?? [];
  return [Number(taken), Number(all)];
};

// Builds kernels, which takes minutes: no part of `npm test` (docs/ci.md).
test('scenarios that do more take more branches, in text, LCOV and HTML', async () => {
  const out = join(folder, 'out');

  const little = await runOn61('ram/*');
  const more = await runOn61('mtrr/*', '--kernel-coverage-folder', out);

  expect(more.stderr).not.toContain('cannot');
  const [few, all] = branchesOf(little.stdout, 'vmx_get_mt_mask');
  const [many, asMany] = branchesOf(more.stdout, 'vmx_get_mt_mask');
  expect(all).toBeGreaterThan(3);
  expect(asMany).toBe(all);
  expect(many).toBeGreaterThan(few);
  const lcov = readFileSync(join(out, 'lcov.info'), 'utf8');
  expect(lcov).toMatch(/^FNDA:[1-9]\d*,vmx_get_mt_mask$/m);
  expect(existsSync(join(out, 'html/index.html'))).toBe(true);
});

test('a patch that a scenario executes is told as such, and one that none does is named to its lines', async () => {
  const used = await runOn61('mtrr/*', '--patch', USED);
  const unused = await runOn61('mtrr/*', '--patch', UNUSED);

  expect(used.stdout).toMatch(/^Of the patch 1 of 1 lines ran/m);
  expect(unused.stdout).toMatch(
    /^Of the patch 0 of 1 lines ran.*\n {2}arch\/x86\/kvm\/x86\.c:11888 {2}never ran: tr->writeable = 0;\nThe patch was never executed: no scenario came to a line of it\.\n$/m,
  );
});
