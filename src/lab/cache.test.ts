import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { contentKey, fillEntry, isComplete, sweepCache } from './cache.js';
import { withLock } from './lock.js';
import { patchedFiles } from './worktree.js';

const root = mkdtempSync(join(tmpdir(), 'cache-test-'));
afterAll(() => rmSync(root, { recursive: true }));

test('an entry is filled once however many ask for it at a time', async () => {
  const dir = join(root, 'once');
  let calls = 0;
  const fill = async (temporary: string): Promise<void> => {
    calls++;
    writeFileSync(join(temporary, 'content'), 'x');
  };
  await Promise.all([fillEntry(dir, fill), fillEntry(dir, fill), fillEntry(dir, fill)]);
  expect(calls).toBe(1);
  expect(readFileSync(join(dir, 'content'), 'utf8')).toBe('x');
});

test('an entry that could not be filled leaves nothing, and the next attempt fills it', async () => {
  const dir = join(root, 'failing');
  const failing = fillEntry(dir, () => Promise.reject(new Error('no luck')));
  await expect(failing).rejects.toThrow('no luck');
  expect(isComplete(dir)).toBe(false);
  expect(readdirSync(root).filter((name) => name.startsWith('.tmp-'))).toEqual([]);
  await fillEntry(dir, async () => {});
  expect(isComplete(dir)).toBe(true);
});

test('what a killed run left half-filled is removed', async () => {
  const left = mkdtempSync(join(root, '.tmp-half-'));
  await fillEntry(join(root, 'other'), async () => {});
  expect(readdirSync(root)).not.toContain(left.split('/').at(-1));
});

test('a sweep removes what is half-filled anywhere in the cache, and nothing that is being filled', async () => {
  vi.stubEnv('XDG_CACHE_HOME', root);
  const kind = join(root, 'kvm-memtype', 'kernels');
  mkdirSync(kind, { recursive: true });
  mkdtempSync(join(kind, '.tmp-half-'));
  await fillEntry(join(kind, 'whole'), async (temporary) => {
    await sweepCache();
    expect(readdirSync(kind)).toContain(basename(temporary));
  });

  await sweepCache();

  expect(readdirSync(kind).filter((name) => !name.endsWith('.lock'))).toEqual(['whole']);
  vi.unstubAllEnvs();
});

test('who waits for a lock is told, and stops waiting when aborted', async () => {
  const path = join(root, 'lock');
  const stop = new AbortController();
  await withLock(path, async () => {
    const waiting = withLock(path, async () => 'never', { onWait: () => stop.abort(), signal: stop.signal });
    await expect(waiting).rejects.toMatchObject({ code: 'LAB_ABORTED' });
  });
});

test('a key tells parts apart that only look alike when joined', () => {
  expect(contentKey('a', 'b')).not.toBe(contentKey('ab'));
  expect(contentKey('a', 'b')).toBe(contentKey('a', 'b'));
});

test('the files of a patch are found, new, removed and renamed ones too, and none outside the tree', () => {
  const diff = `--- a/arch/x86/kvm/mtrr.c\t2023
+++ b/arch/x86/kvm/mtrr.c
--- /dev/null
+++ b/virt/kvm/new.c
--- a/old.c
+++ /dev/null
rename from x/one.c
rename to x/two.c
--- a/../../etc/passwd
+++ b/../../etc/passwd
`;
  expect(patchedFiles(diff)).toEqual([
    'arch/x86/kvm/mtrr.c',
    'virt/kvm/new.c',
    'old.c',
    'x/one.c',
    'x/two.c',
  ]);
});
