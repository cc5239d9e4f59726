import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kernelSource } from '../../src/lab/kernel/sources.js';

const KVM = 'arch/x86/kvm';
const FAULT = fileURLToPath(new URL('../mutants/6.1/zap-variable-ends-a-page-early.patch', import.meta.url));

/** What the commits of a repository are like, by their numbers from 1. */
export interface Commits {
  count: number;
  /** This one has a fault, and so has what follows. */
  faulty: number;
  /** This one alone does not compile. */
  broken?: number;
}

/** Make a git repository of the KVM of Debian's 6.1, tagged `base`, with commits upon it. */
export async function makeRepository(tree: string, commits: Commits): Promise<void> {
  const source = await kernelSource('debian:6.1');
  cpSync(join(source.tree, KVM), join(tree, KVM), { recursive: true });
  git(tree, 'init', '--quiet', '--initial-branch=main');
  save(tree, 'base');
  git(tree, 'tag', 'base');
  for (let n = 1; n <= commits.count; n++) commit(tree, n, commits);
}

/** Each commit changes a comment; that of the broken one does not compile. */
function commit(tree: string, n: number, { faulty, broken }: Commits): void {
  const file = join(tree, KVM, 'mtrr.c');
  const text = readFileSync(file, 'utf8').replace(/^#error .*\n/m, '');
  writeFileSync(file, `${text}${n === broken ? '#error does not compile' : `/* Commit ${n}. */`}\n`);
  if (n === faulty) git(tree, 'apply', FAULT);
  save(tree, `commit ${n}`);
}

function save(tree: string, message: string): void {
  git(tree, 'add', '--force', KVM);
  git(tree, 'commit', '--quiet', '--message', message);
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
