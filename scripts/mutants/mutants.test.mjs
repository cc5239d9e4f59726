import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { familiesOf, kernelNamed, readMutants } from './mutant.mjs';

// Holds what docs/kernel-mutants.md says of the files in test/mutants/.

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MUTANTS = readMutants(join(ROOT, 'test', 'mutants'));
const SOURCES = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'kvm-memtype', 'sources');

let folder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mutants-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The tree that Debian's sources of a series were unpacked to, if this machine has it. */
function treeOf(series) {
  const names = existsSync(SOURCES) ? readdirSync(SOURCES) : [];
  const whole = (name) => existsSync(join(SOURCES, name, '.complete'));
  const name = names.filter((name) => name.startsWith(`linux-source-${series}_`) && whole(name)).at(-1);
  return name && join(SOURCES, name, 'tree');
}

const filesOf = (patch) => [...patch.matchAll(/^--- a\/(\S+)/gm)].map(([, path]) => path);

/** What patch(1) says against patches on copies of the files that they change; undefined if all apply. */
function complaint(tree, paths) {
  for (const file of paths.flatMap((path) => filesOf(readFileSync(path, 'utf8')))) {
    const copy = join(folder, file);
    mkdirSync(dirname(copy), { recursive: true });
    const original = join(tree, file); // A patch below may make the file.
    if (!existsSync(copy) && existsSync(original)) copyFileSync(original, copy);
  }
  for (const path of paths) {
    const args = ['-p1', '--batch', '--forward', '--fuzz=0', '--reject-file=-', '-d', folder, '-i', path];
    const { status, stdout } = spawnSync('patch', args, { encoding: 'utf8' });
    if (status !== 0) return stdout;
  }
}

test('each mutant begins with a sentence of its own, and the diff is below an empty line', () => {
  for (const { id, sentence, hasGap, diff } of MUTANTS) {
    expect(sentence, id).toMatch(/^[A-Z].*[^.]\.$/);
    expect(hasGap, id).toBe(true);
    expect(diff, id).toMatch(/^--- a\/\S+\n\+\+\+ b\/\S+\n@@ /);
    expect(id).toMatch(/^\d+\.\d+(\+[a-z0-9-]+)*\/[a-z]+-[a-z0-9-]+$/);
  }
});

test('there are at least 60 mutants', () => {
  expect(MUTANTS.length).toBeGreaterThanOrEqual(60);
});

test('each mutant is of an area that the catalogue has families for', async () => {
  const { catalogue } = await import('../../src/catalogue/index.ts');
  const families = new Set(catalogue.map(({ name }) => name.split('/')[0]));

  expect(MUTANTS.filter((mutant) => familiesOf(mutant).length === 0).map(({ id }) => id)).toEqual([]);
  expect(MUTANTS.flatMap(familiesOf).filter((family) => !families.has(family))).toEqual([]);
});

test('no two mutants are the same', () => {
  const changes = MUTANTS.map(({ kernel, diff }) =>
    [kernel, ...diff.split('\n').filter((line) => /^[+-](?!--|\+\+)/.test(line))].join('\n'),
  );

  expect(new Set(changes).size).toBe(changes.length);
});

test.each([...new Set(MUTANTS.map(({ kernel }) => kernel))])('every mutant of %s applies', (kernel) => {
  const { series, patches } = kernelNamed(kernel);
  const tree = treeOf(series);
  if (tree === undefined) return; // The sources come with the first build.
  for (const { id, path } of MUTANTS.filter((mutant) => mutant.kernel === kernel)) {
    expect(complaint(tree, [...patches, path]), id).toBeUndefined();
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
  }
});

test('a kernel is a source, and the patches that its name adds', () => {
  expect(kernelNamed('6.12')).toMatchObject({ source: 'debian:6.12', patches: [] });
  expect(kernelNamed('7.2+p5-virtio').patches).toEqual([
    join(ROOT, 'kernels/patches/p5-virtio-device-7.2.patch'),
  ]);
  expect(() => kernelNamed('6.1+p9')).toThrow('6.1+p9: 0 patches of kernels/patches/ are p9');
});
