import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { CountedProgram } from '../../../test/support/counted-program.js';
import { packText } from '../../recording/wire.js';
import type { SessionRequest } from '../../session/request.js';
import { KernelCoverage } from './kernel-coverage.js';

const root = mkdtempSync(join(tmpdir(), 'kernel-coverage-'));
afterAll(() => rmSync(root, { recursive: true }));
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});
let program: CountedProgram;
beforeAll(async () => {
  program = await CountedProgram.make(root);
});

/** Run machines that count, each with as many arguments, and give what is told. */
async function told(machines: readonly string[][], options: object): Promise<string> {
  const coverage = (await KernelCoverage.of({
    kernel: [program.bzImage],
    kernelCoverage: true,
    ...options,
  })) as KernelCoverage;
  const target = { engine: 'bochs', kernel: program.bzImage };
  const { counters } = await coverage.begin({ name: 'mine', target } as unknown as SessionRequest);
  for (const [lane, args] of machines.entries())
    counters?.(lane, { name: 'virt/kvm/kvm_main.gcda', data: packText(program.run(...args)) });
  await coverage.end();
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  coverage.tell([{ format: 'pretty' }] as never);
  return write.mock.calls.join('');
}

test('what several machines counted is added up', async () => {
  const text = await told([[], ['1', '2']], {});
  expect(text).toContain('KVM’s code that ran on mine:');
  expect(text).toMatch(/^virt\/kvm\/kvm_main\.c +5\/5 +100 % +2\/2 +100 %$/m);
});

test('machines that died before they told are no coverage', async () => {
  expect(await told([], { patch: ['a.patch'] })).toBe('\nNo machine of mine told what its kernel counted.\n');
});

test('a patch that no machine executed is told so in the last line', async () => {
  const patch = ['a.patch'];
  expect(await told([['1', '2']], { patch })).toMatch(/\nOf the patch 1 of 1 lines ran/);
  expect(await told([[], []], { patch })).toMatch(
    /virt\/kvm\/kvm_main\.c:4 {2}never ran: return a;\nThe patch was never executed: .*\n$/,
  );
});

test('the folder gets LCOV, and genhtml makes pages of it', async () => {
  mkdirSync(join(root, 'bin'));
  writeFileSync(join(root, 'bin/genhtml'), `#!/bin/sh\necho "$@" >> ${join(root, 'asked')}\n`);
  chmodSync(join(root, 'bin/genhtml'), 0o755);
  vi.stubEnv('PATH', `${join(root, 'bin')}:${process.env.PATH}`);
  const folder = join(root, 'out');

  await told([['1', '2']], { kernelCoverageFolder: folder });

  const source = program.at('entry', 'gcov/source');
  const lcov = readFileSync(join(folder, 'lcov.info'), 'utf8');
  expect(lcov).toContain(`SF:${source}/virt/kvm/kvm_main.c\n`);
  expect(lcov).toContain('DA:4,1\n');
  expect(readFileSync(join(root, 'asked'), 'utf8').split('\n').at(-2)).toBe(
    `--branch-coverage --quiet --title mine --prefix ${source} --output-directory ${join(folder, 'html')} ${join(folder, 'lcov.info')}`,
  );
});

test('counters that cannot be unpacked are told as such', async () => {
  const coverage = await KernelCoverage.of({ kernel: [program.bzImage], kernelCoverage: true });
  const target = { engine: 'bochs', kernel: program.bzImage };
  const listener = await coverage?.begin({ name: 'mine', target } as unknown as SessionRequest);
  expect(() => listener?.counters?.(0, { name: 'virt/kvm/kvm_main.gcda', data: 'AAAA' })).toThrow(
    'what the kernel counted of virt/kvm/kvm_main.gcda cannot be read',
  );
});
