import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheRoot } from '../../src/lab/cache.js';
import { kernelSource } from '../../src/lab/kernel/sources.js';

/** What is under version control in the tree: all that the commits touch. */
const TRACKED = 'arch/x86/kvm';
const FAULT = fileURLToPath(new URL('../mutants/6.1/zap-variable-ends-a-page-early.patch', import.meta.url));

/** Which of the eight commits has the fault, and which does not compile. */
export const FAULTY = 6;
export const BROKEN = 4;
const COMMITS = 8;

/**
 * A git repository of Debian's 6.1 with eight commits. Its place is fixed, beside the lab's cache: what was built of a tree is found again
 * by the tree's path. The files that no commit touches are links to those of the cache.
 */
export async function makeRepository(): Promise<string> {
  const { tree: source } = await kernelSource('debian:6.1');
  const tree = join(cacheRoot(), 'bisect-test', 'linux-6.1');
  if (!existsSync(join(tree, 'Makefile'))) {
    mkdirSync(join(tree, '..'), { recursive: true });
    execFileSync('cp', ['-al', source, tree]);
  }
  rmSync(join(tree, '.git'), { recursive: true, force: true });
  rmSync(join(tree, TRACKED), { recursive: true, force: true });
  cpSync(join(source, TRACKED), join(tree, TRACKED), { recursive: true, preserveTimestamps: true });
  git(tree, 'init', '--quiet', '--initial-branch=main');
  for (let n = 1; n <= COMMITS; n++) commit(tree, n);
  return tree;
}

/** Each commit ends a file in a line of its own; that of the broken one does not compile. */
function commit(tree: string, n: number): void {
  const file = join(tree, TRACKED, 'mtrr.c');
  const text = readFileSync(file, 'utf8').replace(/^#error .*\n/m, '');
  writeFileSync(file, `${text}${n === BROKEN ? '#error does not compile' : `/* Commit ${n}. */`}\n`);
  if (n === FAULTY) git(tree, 'apply', FAULT);
  git(tree, 'add', '--force', TRACKED);
  git(tree, 'commit', '--quiet', '--message', `commit ${n}`);
}

/** git(1) with no configuration of the user's. */
export function git(tree: string, ...args: string[]): string {
  return execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@localhost', ...args], {
    cwd: tree,
    encoding: 'utf8',
    env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}
