import { copyFile, cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LabError } from '../errors.js';
import { exec } from '../exec.js';

const ours = (name: string): string => fileURLToPath(new URL(`../../../kernels/${name}`, import.meta.url));

/** What makes a kernel count how often each piece of KVM's code runs. */
export const COUNTED = { patch: ours('gcov.patch'), config: ours('gcov.config') };

/** Where such a kernel's KVM lies, in its tree and in its build directory. */
const FOLDERS = ['arch/x86/kvm', 'virt/kvm'];

/**
 * What is kept beside such a kernel's image: the compiler's notes, without which counters say nothing (`notes/`), the source that was
 * compiled (`source/`), and what patches changed in it.
 */
export const COUNTED_FOLDER = 'gcov';
export const CHANGES = 'changes.diff';
/** One file of each sort, by which a kernel is known to be whole. */
export const COUNTED_FILES = ['notes/virt/kvm/kvm_main.gcno', 'source/virt/kvm/kvm_main.c'].map((file) =>
  join(COUNTED_FOLDER, file),
);

/** Where things are. */
interface Places {
  /** The source before patches. */
  source: string;
  /** The tree that was built. */
  tree: string;
  build: string;
  /** The kernel's entry in the cache. */
  entry: string;
}

/** Keep what the counters of a kernel are read with: its build directory does not stay as it is. */
export async function keepNotes({ source, tree, build, entry }: Places): Promise<void> {
  const target = join(entry, COUNTED_FOLDER);
  let changes = '';
  for (const folder of FOLDERS) {
    await copyNotes(join(build, folder), join(target, 'notes', folder));
    await cp(join(tree, folder), join(target, 'source', folder), { recursive: true });
    changes += await differences(source, tree, folder);
  }
  await writeFile(join(target, CHANGES), changes);
}

async function copyNotes(from: string, to: string): Promise<void> {
  const files = await readdir(from, { recursive: true, withFileTypes: true });
  for (const file of files) {
    if (!file.name.endsWith('.gcno')) continue;
    const path = join(file.parentPath, file.name);
    const copy = join(to, relative(from, path));
    await mkdir(dirname(copy), { recursive: true });
    await copyFile(path, copy);
  }
}

/** How a folder differs from what it was before patches: a unified diff without context, with paths as `git diff` writes them. */
async function differences(source: string, tree: string, folder: string): Promise<string> {
  const sides = [join(source, folder), join(tree, folder)];
  const { status, stdout, tail } = await exec('diff', ['-rNU0', ...sides]);
  if (status > 1) throw new LabError('LAB_BUILD', `cannot tell what changed in ${folder}`, tail);
  return stdout.replaceAll(`--- ${source}/`, '--- a/').replaceAll(`+++ ${tree}/`, '+++ b/');
}
