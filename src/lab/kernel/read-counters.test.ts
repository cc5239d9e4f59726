import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { COUNTED_FILES, keepNotes } from './counted.js';
import { countedKernel, readCounters } from './read-counters.js';

const SOURCE = `static int f(int a)
{
	if (a > 1)
		return a;
	return 0;
}
int main(int argc, char **argv) { return f(argc - 1) + argv[0][0] * 0; }
`;

const root = mkdtempSync(join(tmpdir(), 'counters-'));
afterAll(() => rmSync(root, { recursive: true }));
const at = (...parts: string[]): string => join(root, ...parts);
const bzImage = at('entry', 'bzImage');

/** A "kernel" whose KVM is one program, of which a patch changed the fourth line; the build lies beside its tree. */
beforeAll(async () => {
  for (const side of ['source', 'tree', 'build'])
    for (const folder of ['virt/kvm', 'arch/x86/kvm/mmu']) mkdirSync(at(side, folder), { recursive: true });
  mkdirSync(at('entry'));
  writeFileSync(bzImage, 'image');
  writeFileSync(at('source', 'virt/kvm/kvm_main.c'), SOURCE.replace('return a;', 'return 2;'));
  writeFileSync(at('tree', 'virt/kvm/kvm_main.c'), SOURCE);
  const object = at('build', 'virt/kvm/kvm_main.o');
  const gcc = (...args: string[]) => spawnSync('gcc', ['--coverage', ...args], { cwd: at('build') });
  gcc('-c', '../tree/virt/kvm/kvm_main.c', '-o', object);
  gcc(object, '-o', at('build', 'program'));
  await keepNotes({
    source: at('source'),
    tree: at('tree'),
    build: at('build'),
    entry: at('entry'),
  });
});

/** The counters of one run. */
function counted(...args: string[]): Uint8Array {
  const file = at('build', 'virt/kvm/kvm_main.gcda');
  rmSync(file, { force: true });
  spawnSync(at('build', 'program'), args);
  return readFileSync(file);
}

test('what counters are read with is kept beside the image, with what patches changed', async () => {
  const kernel = await countedKernel(bzImage);

  expect(COUNTED_FILES.every((file) => readFileSync(at('entry', file)).length > 0)).toBe(true);
  expect(kernel.changes).toMatch(/^\+\+\+ b\/virt\/kvm\/kvm_main\.c\t.*\n@@ -4 \+4 @@$/m);
  expect(readFileSync(join(kernel.source, 'virt/kvm/kvm_main.c'), 'utf8')).toBe(SOURCE);
});

test('gcov reads what one machine counted, and nothing is left behind', async () => {
  const kernel = await countedKernel(bzImage);
  const before = readdirSync(tmpdir()).filter((name) => name.startsWith('kvm-memtype-'));

  const documents = await readCounters(kernel, [
    { name: 'virt/kvm/kvm_main.gcda', bytes: counted('1', '2') },
  ]);

  expect(documents).toMatchObject([
    {
      current_working_directory: at('build'),
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
  const kernel = await countedKernel(bzImage);
  const stray = [{ name: 'virt/kvm/none/x.gcda', bytes: counted() }];
  await expect(readCounters(kernel, stray)).rejects.toMatchObject({
    code: 'LAB_BUILD',
    message: 'the kernel counted in virt/kvm/none/x.gcda, which was not built with it',
  });
});
