import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CountedProgram } from '../../../test/support/counted-program.js';
import { COUNTED_FILES } from './counted.js';
import { countedKernel, readCounters } from './read-counters.js';

const root = mkdtempSync(join(tmpdir(), 'counters-'));
afterAll(() => rmSync(root, { recursive: true }));
let program: CountedProgram;
beforeAll(async () => {
  program = await CountedProgram.make(root);
});

test('what counters are read with is kept beside the image, with what patches changed', async () => {
  const kernel = await countedKernel(program.bzImage);

  expect(COUNTED_FILES.every((file) => readFileSync(program.at('entry', file)).length > 0)).toBe(true);
  expect(kernel.changes).toMatch(/^\+\+\+ b\/virt\/kvm\/kvm_main\.c\t.*\n@@ -4 \+4 @@$/m);
  expect(readFileSync(join(kernel.source, 'virt/kvm/kvm_main.c'), 'utf8')).toBe(program.source);
});

test('gcov reads what one machine counted, and nothing is left behind', async () => {
  const kernel = await countedKernel(program.bzImage);
  const before = readdirSync(tmpdir()).filter((name) => name.startsWith('kvm-memtype-'));

  const documents = await readCounters(kernel, [
    { name: 'virt/kvm/kvm_main.gcda', bytes: program.run('1', '2') },
  ]);

  expect(documents).toMatchObject([
    {
      current_working_directory: program.at('build'),
      files: [
        {
          file: '../tree/virt/kvm/kvm_main.c',
          lines: expect.arrayContaining([
            expect.objectContaining({
              line_number: 3,
              function_name: 'f',
              count: 1,
              branches: [expect.objectContaining({ count: 1 }), expect.objectContaining({ count: 0 })],
            }),
            expect.objectContaining({ line_number: 4, count: 1 }),
            expect.objectContaining({ line_number: 5, count: 0 }),
          ]),
        },
      ],
    },
  ]);
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith('kvm-memtype-'))).toEqual(before);
});

test('a kernel that does not count is told as such', async () => {
  await expect(countedKernel(process.execPath)).rejects.toMatchObject({
    code: 'LAB_KERNEL_INVALID',
    message: expect.stringContaining('does not count what runs'),
  });
});

test('counters of an object that the kernel does not have cannot be read', async () => {
  const kernel = await countedKernel(program.bzImage);
  const stray = [{ name: 'virt/kvm/none/x.gcda', bytes: program.run() }];
  await expect(readCounters(kernel, stray)).rejects.toMatchObject({
    code: 'LAB_BUILD',
    message: 'the kernel counted in virt/kvm/none/x.gcda, which was not built with it',
  });
});
