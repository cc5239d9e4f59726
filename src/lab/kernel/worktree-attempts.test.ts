import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { treeFingerprint } from './fingerprint.js';
import type { KernelSource } from './sources.js';
import { pathIn, walkTree } from './tree.js';
import { WorkTree } from './worktree.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'attempts-test-'));
  put('source/Kconfig', '\n');
  put('source/src.c', 'one\ntwo\nthree\n');
  put('source/sub/b.c', 'b\n');
  symlinkSync('sub/b.c', join(dir, 'source/link'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function put(name: string, text: string): string {
  mkdirSync(dirname(join(dir, name)), { recursive: true });
  writeFileSync(join(dir, name), text);
  return join(dir, name);
}

const HEAD = 'diff --git';
const CHANGE = '--- a/src.c\n+++ b/src.c\n@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n';
const KCONFIG = `${HEAD} a/Kconfig b/Kconfig\n--- a/Kconfig\n+++ b/Kconfig\n@@ -1 +1,2 @@\n \n+# k\n`;
const FAILS = '--- a/sub/b.c\n+++ b/sub/b.c\n@@ -1 +1 @@\n-no such line\n+x\n';

/** Every way of a diff to change a tree; the first three were left behind by earlier builds. */
const PATCHES: Record<string, string> = {
  copy: `${HEAD} a/src.c b/extra1.c\nsimilarity index 100%\ncopy from src.c\ncopy to extra1.c\n${KCONFIG}`,
  quoted: `${HEAD} "a/extra\\303\\244.c" "b/extra\\303\\244.c"\nnew file mode 100644\n--- /dev/null\n+++ "b/extra\\303\\244.c"\n@@ -0,0 +1 @@\n+int quoted;\n`,
  'empty new': `${HEAD} a/extra2.c b/extra2.c\nnew file mode 100644\nindex 0000000..e69de29\n${KCONFIG}`,
  'no UTF-8': `${HEAD} "a/x\\377y" "b/x\\377y"\nnew file mode 100644\n--- /dev/null\n+++ "b/x\\377y"\n@@ -0,0 +1 @@\n+x\n`,
  change: CHANGE,
  add: '--- /dev/null\n+++ b/new/deep/file.c\n@@ -0,0 +1 @@\n+new\n',
  remove: '--- a/sub/b.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\n',
  rename: `${HEAD} a/src.c b/moved.c\nsimilarity index 100%\nrename from src.c\nrename to moved.c\n`,
  mode: `${HEAD} a/src.c b/src.c\nold mode 100644\nnew mode 100755\n`,
  link: `${HEAD} a/lnk b/lnk\nnew file mode 120000\n--- /dev/null\n+++ b/lnk\n@@ -0,0 +1 @@\n+src.c\n\\ No newline at end of file\n`,
  'half of it': `${CHANGE}${FAILS}`,
  garbage: 'no diff\n',
  empty: '',
};

/** What a tree holds, whatever its names. */
function contents(root: string): Record<string, string> {
  const all: Record<string, string> = {};
  for (const [path, { kind, stamp }] of walkTree(root)) {
    if (kind === 'folder') continue;
    const mode = kind === 'file' ? `${statSync(pathIn(root, path)).mode.toString(8)} ` : 'link ';
    all[path] = mode + (kind === 'file' ? readFileSync(pathIn(root, path), 'latin1') : stamp);
  }
  return all;
}

function work(source: Partial<KernelSource>): WorkTree {
  const full = { tree: join(dir, 'source'), key: 'k', lineage: 'test', label: 'a test', ...source };
  return new WorkTree(full, join(dir, 'work'));
}

const ours = (): WorkTree => work({});
const theirs = async (): Promise<WorkTree> =>
  work({ fingerprint: await treeFingerprint(join(dir, 'source')) });

const named = (names: readonly string[]) =>
  names.map((name) => ({ name, text: Buffer.from(PATCHES[name] as string) }));

/** What a copy with these patches is to hold; undefined if they do not apply. */
function reference(names: readonly string[]): Record<string, string> | undefined {
  const root = join(dir, 'reference');
  rmSync(root, { recursive: true, force: true });
  spawnSync('cp', ['-a', join(dir, 'source'), root]);
  const good = names.every((name) => {
    if (PATCHES[name] === '') return false;
    const args = ['-p1', '--batch', '--forward', '--fuzz=0', '--no-backup-if-mismatch', '--reject-file=-'];
    return spawnSync('patch', [...args, '-d', root], { input: PATCHES[name] }).status === 0;
  });
  return good ? contents(root) : undefined;
}

describe.each(['ours', 'theirs'] as const)('a source of %s', (whose) => {
  const of = async (): Promise<WorkTree> => (whose === 'ours' ? ours() : theirs());

  it.each(Object.keys(PATCHES))('is whole again after the patch: %s', async (name) => {
    const before = contents(join(dir, 'source'));

    await (await of()).prepare(named([name]), {}).catch(() => {});
    await (await of()).prepare([], {});

    expect(contents(join(dir, 'work/tree'))).toEqual(before);
    expect(contents(join(dir, 'source'))).toEqual(before);
  });

  it('is what its key says after any attempts', async () => {
    const attempt = fc.record({
      patches: fc.uniqueArray(fc.constantFrom(...Object.keys(PATCHES)), { maxLength: 3 }),
      spoil: fc.constantFrom(...SPOILS),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(attempt, { minLength: 1, maxLength: 4 }), async (attempts) => {
        rmSync(join(dir, 'work'), { recursive: true, force: true });
        for (const { patches, spoil } of attempts) {
          if (existsSync(join(dir, 'work/tree'))) spoil();
          const expected = reference(patches);
          const prepared = (await of()).prepare(named(patches), {});
          if (expected === undefined) await expect(prepared).rejects.toMatchObject({ code: 'LAB_PATCH' });
          else {
            await prepared;
            expect(contents(join(dir, 'work/tree'))).toEqual(expected);
          }
        }
      }),
      { numRuns: 12 },
    );
  });
});

const inWork = (name: string): string => join(dir, 'work', name);

/** Replace a file, as editors and patch(1) do: its hard link is another file then. */
function replace(path: string, text: string): void {
  rmSync(path, { force: true, recursive: true });
  writeFileSync(path, text);
}

/** What may happen to a cache between two builds. */
const SPOILS: readonly (() => void)[] = [
  () => {},
  () => writeFileSync(inWork('state.json'), ''),
  () => writeFileSync(inWork('state.json'), '{"files":'),
  () => writeFileSync(inWork('state.json'), '{"sourceKey":"k","touched":["../../source/src.c"]}'),
  () => rmSync(inWork('state.json'), { force: true }),
  () => replace(inWork('tree/src.c'), 'one\ntwo\nTHREE'),
  () => rmSync(inWork('tree/sub'), { recursive: true, force: true }),
  () => replace(inWork('tree/sub'), 'a file in the place of a folder'),
  () => mkdirSync(inWork('tree/more/and/more'), { recursive: true }),
  () => {
    rmSync(inWork('tree/link'), { force: true });
    symlinkSync('/etc', inWork('tree/link'));
  },
];

describe('links', () => {
  it.each(['absolute', 'relative'])(
    'an %s link out of the tree is followed once, and never written through',
    async (kind) => {
      const outside = put('elsewhere/x.c', 'x\n');
      put('elsewhere/Kconfig', 'k\n');
      symlinkSync('../elsewhere/Kconfig', join(dir, 'elsewhere/again'));
      symlinkSync(kind === 'absolute' ? join(dir, 'elsewhere') : '../elsewhere', join(dir, 'source/drv'));
      const fails = Buffer.from('--- a/drv/x.c\n+++ b/drv/x.c\n@@ -1 +1 @@\n-y\n+z\n');
      const applies = Buffer.from('--- a/drv/x.c\n+++ b/drv/x.c\n@@ -1 +1 @@\n-x\n+z\n');

      await expect((await theirs()).prepare([{ name: 'p', text: fails }], {})).rejects.toMatchObject({
        code: 'LAB_PATCH',
      });
      await (await theirs()).prepare([{ name: 'p', text: applies }], {});
      const patched = readFileSync(inWork('tree/drv/x.c'), 'utf8');
      await (await theirs()).prepare([], {});

      expect(patched).toBe('z\n');
      expect(readFileSync(inWork('tree/drv/x.c'), 'utf8')).toBe('x\n');
      expect(readFileSync(inWork('tree/drv/again'), 'utf8')).toBe('k\n');
      expect(readFileSync(outside, 'utf8')).toBe('x\n');
      expect(readdirSync(join(dir, 'elsewhere')).sort()).toEqual(['Kconfig', 'again', 'x.c']);
    },
  );

  it('a link that leads nowhere, or to no file, is left out; one inside stays a link', async () => {
    symlinkSync('/nowhere/at/all', join(dir, 'source/gone'));
    symlinkSync('/dev/zero', join(dir, 'source/device'));

    await (await theirs()).prepare([], {});

    expect(readdirSync(inWork('tree')).sort()).toEqual(['Kconfig', 'link', 'src.c', 'sub']);
    expect(readlinkSync(inWork('tree/link'))).toBe('sub/b.c');
  });

  it('a link to a folder that the tree lies in is refused', async () => {
    symlinkSync('..', join(dir, 'source/up'));

    await expect(theirs()).rejects.toMatchObject({
      code: 'LAB_SOURCE',
      message: expect.stringContaining('source/up leads to'),
    });
  });

  it('a link that changes has everything built again', async () => {
    const tree = await theirs();
    await tree.prepare([], {});
    await tree.buildDir('x').open();
    rmSync(join(dir, 'source/link'));
    symlinkSync('src.c', join(dir, 'source/link'));

    await (await theirs()).prepare([], {});

    expect(readlinkSync(inWork('tree/link'))).toBe('src.c');
    expect(existsSync(tree.buildDir('x').path)).toBe(false);
  });
});

describe('the fingerprint', () => {
  const print = (): Promise<string> => treeFingerprint(join(dir, 'source'));

  it.each<[string, () => void]>([
    [
      'a link’s target',
      () => {
        rmSync(join(dir, 'source/link'));
        symlinkSync('src.c', join(dir, 'source/link'));
      },
    ],
    ['a mode', () => chmodSync(join(dir, 'source/src.c'), 0o755)],
    ['the content of a file that a link leads out to', () => appendFileSync(join(dir, 'outside.h'), 'more')],
    ['a file in a folder that a link leads out to', () => void put('elsewhere/new.c', 'x')],
    ['Documentation, which has a Kconfig', () => void put('source/Documentation/Kconfig', 'x')],
  ])('sees %s', async (_, change) => {
    put('outside.h', 'x');
    put('elsewhere/old.c', 'x');
    symlinkSync('../outside.h', join(dir, 'source/outside.h'));
    symlinkSync(join(dir, 'elsewhere'), join(dir, 'source/drv'));
    const before = await print();

    change();

    expect(await print()).not.toBe(before);
  });

  it('does not see what a build leaves', async () => {
    put('source/include/x.h', 'x');
    const before = await print();

    for (const name of ['a.o', '.config', 'sub/.b.o.cmd', 'include/generated/x.h', '.git/HEAD'])
      put(`source/${name}`, 'x');

    expect(await print()).toBe(before);
  });
});

it('a tree that changes while it is copied is not taken for what it was', async () => {
  const tree = await theirs();
  put('source/src.c', 'changed\n');

  await expect(tree.prepare([], {})).rejects.toMatchObject({
    code: 'LAB_SOURCE',
    message: 'a test changed while it was read: start again',
  });
});

it('a source of ours is linked, not copied, and never written to', async () => {
  await ours().prepare(named(['change', 'mode'].slice(0, 1)), {});

  expect(statSync(inWork('tree/sub/b.c')).ino).toBe(statSync(join(dir, 'source/sub/b.c')).ino);
  expect(readFileSync(join(dir, 'source/src.c'), 'utf8')).toBe('one\ntwo\nthree\n');
  linkSync(inWork('tree/src.c'), join(dir, 'kept'));
  await ours().prepare([], {});
  expect(readFileSync(join(dir, 'kept'), 'utf8')).toBe('one\nTWO\nthree\n');
});

it('tells a full disk from a patch that does not apply', async () => {
  await ours().prepare([], {});
  const tool = put(
    'bin/patch',
    '#!/bin/sh\necho "patch: **** write error : No space left on device"\nexit 2\n',
  );
  chmodSync(tool, 0o755);
  const { PATH } = process.env;
  process.env.PATH = `${dirname(tool)}:${PATH}`;
  try {
    await expect(ours().prepare(named(['change']), {})).rejects.toMatchObject({ code: 'LAB_DISK_FULL' });
  } finally {
    process.env.PATH = PATH;
  }
});
