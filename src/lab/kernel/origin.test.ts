import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { checkoutOf, keepOrigin, originOf } from './origin.js';

let dir: string;
let tree: string;
const git = (...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=t@localhost', '-C', tree, ...args], {
    encoding: 'utf8',
  }).trim();

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'origin-test-'));
  vi.stubEnv('XDG_CACHE_HOME', join(dir, 'cache'));
  tree = join(dir, 'tree');
  mkdirSync(join(tree, 'below'), { recursive: true });
  writeFileSync(join(tree, 'Makefile'), 'all:\n');
  writeFileSync(join(tree, 'below/a.c'), '\n');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true });
});

function makeRepository(): string {
  git('init', '--quiet', '--initial-branch=next');
  git('add', '.');
  git('commit', '--quiet', '-m', 'All');
  return git('rev-parse', 'HEAD');
}

it('tells commit, branch, name and address of a clean checkout, and no password', async () => {
  const commit = makeRepository();
  git('tag', '-a', 'v1', '-m', 'one');
  git('remote', 'add', 'origin', 'https://me:secret@git.example.org/pub/kvm/kvm.git');

  expect(await checkoutOf(tree)).toEqual({
    commit,
    branch: 'next',
    describe: 'v1',
    url: 'https://git.example.org/pub/kvm/kvm.git',
  });
});

it('tells the commit alone where there is no more, as on no branch', async () => {
  const commit = makeRepository();
  git('checkout', '--quiet', '--detach');
  git('remote', 'add', 'origin', 'git@example.org:kvm.git');

  expect(await checkoutOf(tree)).toEqual({ commit });
});

it('knows nothing of what is no commit: changes, a folder below, no repository, no commit yet', async () => {
  expect(await checkoutOf(tree)).toBeUndefined();
  git('init', '--quiet');
  expect(await checkoutOf(tree)).toBeUndefined();
  makeRepository();
  expect(await checkoutOf(join(tree, 'below'))).toBeUndefined();
  writeFileSync(join(tree, 'Makefile'), 'none:\n');
  expect(await checkoutOf(tree)).toBeUndefined();
});

it('is not led elsewhere by the environment, and goes on without git', async () => {
  const commit = makeRepository();
  vi.stubEnv('GIT_DIR', '/nowhere');
  expect(await checkoutOf(tree)).toMatchObject({ commit });
  vi.stubEnv('PATH', '/nowhere');
  expect(await checkoutOf(tree)).toBeUndefined();
});

const sha256 = (content: string): string => createHash('sha256').update(content).digest('hex');
const CHECKOUT = { commit: '1'.repeat(40), branch: 'next' };

async function keep(content: string): Promise<string> {
  const image = join(dir, 'bzImage');
  writeFileSync(image, content);
  await keepOrigin(image, CHECKOUT, [Buffer.from('a patch')]);
  return sha256(content);
}

it('finds what an image was built from by its content, and nothing for another or a damaged note', async () => {
  const hash = await keep('image');

  expect(await originOf(hash)).toEqual({ ...CHECKOUT, patches: [sha256('a patch')] });
  expect(await originOf(sha256('another'))).toBeUndefined();
  for (const damaged of [
    '{',
    '{"commit":"x","patches":[]}',
    `{"commit":"${'1'.repeat(40)}","patches":[],"x":1}`,
  ]) {
    writeFileSync(join(dir, 'cache/kvm-memtype/origins', `${hash}.json`), damaged);
    expect(await originOf(hash)).toBeUndefined();
  }
});

it('forgets the oldest', async () => {
  const first = await keep('first');
  const folder = join(dir, 'cache/kvm-memtype/origins');
  for (let i = 0; i < 300; i++) writeFileSync(join(folder, `${i}.json`), '');
  utimesSync(join(folder, `${first}.json`), 0, 0);

  const last = await keep('last');

  expect(readdirSync(folder)).toHaveLength(256);
  expect([await originOf(first), (await originOf(last))?.branch]).toEqual([undefined, 'next']);
});
