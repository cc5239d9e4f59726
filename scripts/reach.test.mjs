import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { expect, test } from 'vitest';

// The import rules see one import at a time. Hold here what a program reaches in the end, types aside.

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Folders of src/ whose code a bundle of `entry` has, and `node:` modules that it asks for. */
function reachedBy(entry) {
  const { metafile } = buildSync({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    platform: 'node',
    packages: 'external',
    format: 'esm',
    metafile: true,
    write: false,
    outdir: 'none',
  });
  const [output] = Object.values(metafile.outputs);
  const taken = Object.entries(output.inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  const folders = taken.map(([path]) => /^src\/(\w+)\//.exec(path)?.[1]);
  const builtins = output.imports.map(({ path }) => path).filter((path) => path.startsWith('node:'));
  return [...new Set([...folders, ...builtins])].filter((name) => name !== undefined);
}

test.each([
  [
    'the agent judges nothing',
    'src/cli/agent.ts',
    ['memtype', 'check', 'report', 'catalogue', 'session', 'lab'],
  ],
  [
    'judging does nothing',
    'src/check/judge.ts',
    ['kvm', 'vmm', 'dma', 'lab', 'probe', 'agent', 'process', 'node:fs'],
  ],
  ['the model does nothing', 'src/memtype/index.ts', ['kvm', 'scenario', 'observe', 'process', 'node:fs']],
])('%s', (_, entry, never) => {
  const reached = reachedBy(entry);

  expect(reached.filter((name) => never.includes(name))).toEqual([]);
  expect(reached).toContain(/^src\/(\w+)\//.exec(entry)?.[1]);
});

test('what is reached by way of others is seen', () => {
  expect(reachedBy('src/cli/agent.ts')).toEqual(expect.arrayContaining(['kvm', 'arch', 'node:fs']));
});
