import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { cacheRoot, contentKey, fillEntry, isComplete, openCache, sweepCache } from './cache.js';
import { withLock } from './exec.js';

const root = mkdtempSync(join(tmpdir(), 'cache-test-'));
afterAll(() => rmSync(root, { recursive: true }));

test('an entry is filled once however many ask for it at a time', async () => {
  const dir = join(root, 'once');
  let calls = 0;
  const fill = async (temporary: string): Promise<void> => {
    calls++;
    writeFileSync(join(temporary, 'content'), 'x');
  };
  await Promise.all([
    fillEntry(dir, ['content'], fill),
    fillEntry(dir, ['content'], fill),
    fillEntry(dir, ['content'], fill),
  ]);
  expect(calls).toBe(1);
  expect(readFileSync(join(dir, 'content'), 'utf8')).toBe('x');
});

test('an entry that could not be filled leaves nothing, and the next attempt fills it', async () => {
  const dir = join(root, 'failing');
  const failing = fillEntry(dir, [], () => Promise.reject(new Error('no luck')));
  await expect(failing).rejects.toThrow('no luck');
  expect(isComplete(dir, [])).toBe(false);
  expect(readdirSync(root).filter((name) => name.startsWith('.tmp-'))).toEqual([]);
  await fillEntry(dir, [], async () => {});
  expect(isComplete(dir, [])).toBe(true);
});

test('what a killed run left half-filled is removed', async () => {
  const left = mkdtempSync(join(root, '.tmp-half-'));
  await fillEntry(join(root, 'other'), [], async () => {});
  expect(readdirSync(root)).not.toContain(left.split('/').at(-1));
});

test.each([
  ['taken away', (file: string) => rmSync(file)],
  ['emptied', (file: string) => writeFileSync(file, '')],
  [
    'made a folder',
    (file: string) => {
      rmSync(file);
      mkdirSync(file);
    },
  ],
])('an entry whose file was %s is filled again', async (_, spoil) => {
  const dir = join(root, 'spoiled');
  const fill = async (temporary: string): Promise<void> => writeFileSync(join(temporary, 'bzImage'), 'x');
  await fillEntry(dir, ['bzImage'], fill);

  spoil(join(dir, 'bzImage'));

  expect(isComplete(dir, ['bzImage'])).toBe(false);
  await fillEntry(dir, ['bzImage'], fill);
  expect(readFileSync(join(dir, 'bzImage'), 'utf8')).toBe('x');
});

test('a full disk is told, whoever fills', async () => {
  const full = async (): Promise<void> => writeFileSync('/dev/full', 'x');

  await expect(fillEntry(join(root, 'full'), [], full)).rejects.toMatchObject({
    code: 'LAB_DISK_FULL',
    message: `cannot write to ${root}: the disk is full`,
  });
});

test.each([
  ['/absolute', '/absolute/kvm-memtype'],
  ['relative/path', join(homedir(), '.cache/kvm-memtype')],
  ['', join(homedir(), '.cache/kvm-memtype')],
  [undefined, join(homedir(), '.cache/kvm-memtype')],
])('with XDG_CACHE_HOME=%s the cache is %s', (value, path) => {
  expect(cacheRoot({ XDG_CACHE_HOME: value })).toBe(path);
});

test('without any home directory the cache has no place', () => {
  vi.stubEnv('HOME', 'nowhere');

  expect(() => cacheRoot({})).toThrow('there is no home directory: set XDG_CACHE_HOME to an absolute path');
  vi.unstubAllEnvs();
});

describe('a cache that cannot be used is refused in one sentence', () => {
  const open = (home: string): void => {
    vi.stubEnv('XDG_CACHE_HOME', home);
    try {
      openCache();
    } finally {
      vi.unstubAllEnvs();
    }
  };

  test('a file in its place, or in its path', () => {
    const home = join(root, 'xdg-file');
    mkdirSync(home);
    writeFileSync(join(home, 'kvm-memtype'), '');
    const end = ': set XDG_CACHE_HOME to a folder of your own';

    expect(() => open(home)).toThrow(`cannot use the cache ${home}/kvm-memtype (it is not a folder)${end}`);
    expect(() => open(join(home, 'kvm-memtype/x'))).toThrow(`(a part of its path is not a folder)${end}`);
    expect(() => open('/proc')).toThrow(
      /^cannot use the cache \/proc\/kvm-memtype \(.+\): set XDG_CACHE_HOME/,
    );
  });

  test('one that everybody can write to', () => {
    const home = join(root, 'xdg-open');
    mkdirSync(join(home, 'kvm-memtype'), { recursive: true });
    chmodSync(join(home, 'kvm-memtype'), 0o777);

    expect(() => open(home)).toThrow(
      `everybody can write to the cache ${home}/kvm-memtype: set XDG_CACHE_HOME`,
    );
  });

  test.runIf(process.geteuid?.() === 0)('another user’s, which is not swept either', async () => {
    const home = join(root, 'xdg-theirs');
    const theirs = join(home, 'kvm-memtype/kernels/.tmp-half-x');
    mkdirSync(theirs, { recursive: true });
    chownSync(join(home, 'kvm-memtype'), 65534, 65534);

    expect(() => open(home)).toThrow(
      `the cache ${home}/kvm-memtype belongs to user 65534: set XDG_CACHE_HOME`,
    );
    vi.stubEnv('XDG_CACHE_HOME', home);
    await sweepCache();
    vi.unstubAllEnvs();
    expect(existsSync(theirs)).toBe(true);
  });
});

test('what cannot be locked says why', async () => {
  mkdirSync(join(root, 'a-folder'));

  await expect(withLock(join(root, 'a-folder'), async () => {})).resolves.toBeUndefined();
  vi.stubEnv('PATH', '');
  const unlocked = withLock(join(root, 'lock'), async () => {});
  await expect(unlocked).rejects.toThrow('flock cannot be found: PATH is empty');
  vi.unstubAllEnvs();
});

test('a sweep removes what is half-filled anywhere in the cache, and nothing that is being filled', async () => {
  vi.stubEnv('XDG_CACHE_HOME', root);
  const kind = join(root, 'kvm-memtype', 'kernels');
  mkdirSync(kind, { recursive: true });
  mkdtempSync(join(kind, '.tmp-half-'));
  await fillEntry(join(kind, 'whole'), [], async (temporary) => {
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
