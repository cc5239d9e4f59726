import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { treeFingerprint } from './fingerprint.js';
import type { KernelSource } from './sources.js';
import { type Patch, WorkTree } from './worktree.js';

let dir: string;
let source: KernelSource;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'worktree-test-'));
  put('source/kernel/a.c', 'one\ntwo\nthree\n');
  put('source/kernel/b.c', 'b\n');
  put('source/kernel/a.o', 'object\n');
  put('source/.config', 'A=y\n');
  await describeSource();
});

afterEach(() => rmSync(dir, { recursive: true }));

function put(name: string, text: string): string {
  mkdirSync(dirname(join(dir, name)), { recursive: true });
  writeFileSync(join(dir, name), text);
  return join(dir, name);
}

/** Name the source as it is now: one of the user's own, unless its fingerprint is taken away. */
async function describeSource(): Promise<void> {
  const fingerprint = await treeFingerprint(join(dir, 'source'));
  source = { tree: join(dir, 'source'), key: fingerprint, lineage: 'test', label: 'a test', fingerprint };
}

const patchOf = (text: string | Buffer, name = 'a.patch'): Patch => ({ name, text: Buffer.from(text) });

const work = (): WorkTree => new WorkTree(source, join(dir, 'work'));
const inTree = (name: string): string => readFileSync(join(dir, 'work/tree', name), 'utf8');
const time = (name: string): number => statSync(join(dir, 'work/tree', name)).mtimeMs;

/** The time of an object that is built now; leave the clock of the file system time to go on. */
function now(name: string): number {
  const { mtimeMs } = statSync(put(name, 'object'));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  return mtimeMs;
}

const CHANGE = '--- a/kernel/a.c\n+++ b/kernel/a.c\n@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n';
const ADD = '--- /dev/null\n+++ b/kernel/new.c\n@@ -0,0 +1 @@\n+new\n';

describe('WorkTree', () => {
  it('copies a source without what was built in it, and never writes to it', async () => {
    const before = await treeFingerprint(source.tree);
    await work().prepare([patchOf(CHANGE)], {});
    expect(inTree('kernel/a.c')).toBe('one\nTWO\nthree\n');
    expect(existsSync(join(dir, 'work/tree/kernel/a.o'))).toBe(false);
    expect(existsSync(join(dir, 'work/tree/.config'))).toBe(false);
    expect(await treeFingerprint(source.tree)).toBe(before);
  });

  it('takes patches back before the next ones', async () => {
    await work().prepare([patchOf(CHANGE), patchOf(ADD)], {});
    await work().prepare([], {});
    expect(inTree('kernel/a.c')).toBe('one\ntwo\nthree\n');
    expect(existsSync(join(dir, 'work/tree/kernel/new.c'))).toBe(false);
  });

  it('takes a patch back that applied in part only', async () => {
    const half = patchOf(`${CHANGE}--- a/kernel/b.c\n+++ b/kernel/b.c\n@@ -1 +1 @@\n-c\n+d\n`);
    await expect(work().prepare([half], {})).rejects.toMatchObject({ code: 'LAB_PATCH' });
    await work().prepare([], {});
    expect(inTree('kernel/a.c')).toBe('one\ntwo\nthree\n');
  });

  it('follows a source that changed, and touches nothing else', async () => {
    await work().prepare([], {});
    const [a, b] = [time('kernel/a.c'), time('kernel/b.c')];
    put('source/kernel/a.c', 'four\n');
    put('source/kernel/b.c', 'b\n'); // the same content at a later time, as after a checkout to and fro
    rmSync(join(dir, 'source/.config'));
    await describeSource();
    await work().prepare([], {});
    expect(inTree('kernel/a.c')).toBe('four\n');
    expect(time('kernel/a.c')).not.toBe(a);
    expect(time('kernel/b.c')).toBe(b);
  });

  it('gives a file that a patch changed, and one taken back, a time later than all that was built', async () => {
    await work().prepare([], {});
    const builtUnpatched = now('x.o');
    await work().prepare([patchOf(CHANGE)], {});
    expect(time('kernel/a.c')).toBeGreaterThan(builtUnpatched);
    const builtPatched = now('y.o');
    await work().prepare([], {});
    expect(time('kernel/a.c')).toBeGreaterThan(builtPatched);
  });

  it('trusts no build directory once its tree is gone', async () => {
    await work().prepare([], {});
    const build = work().buildDir('x');
    await build.open();
    rmSync(join(dir, 'work/tree'), { recursive: true });
    await work().prepare([], {});
    expect(existsSync(build.path)).toBe(false);
  });

  it('refuses a patch that fits only by guess', async () => {
    const guess = patchOf(CHANGE.replace(' three', ' thirteen'));
    await expect(work().prepare([guess], {})).rejects.toMatchObject({ code: 'LAB_PATCH' });
  });

  it('reaches no file outside the tree', async () => {
    const outside = patchOf('--- a/../escaped\n+++ b/../escaped\n@@ -0,0 +1 @@\n+x\n');
    await expect(work().prepare([outside], {})).rejects.toMatchObject({ code: 'LAB_PATCH' });
    expect(existsSync(join(dir, 'work/escaped'))).toBe(false);
  });
});

describe('treeFingerprint', () => {
  it('sees a change of content, time or name, and no change of nothing', async () => {
    const first = await treeFingerprint(source.tree);
    expect(await treeFingerprint(source.tree)).toBe(first);
    put('source/kernel/b.c', 'bb\n');
    expect(await treeFingerprint(source.tree)).not.toBe(first);
  });
});
