import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROPOSALS = fileURLToPath(new URL('../../kernels/patches/', import.meta.url));

/** What the mutants of one folder are faults of: a Debian source, and our own patches below the fault. */
export function kernelNamed(name, patches = readdirSync(PROPOSALS)) {
  const [series, ...proposals] = name.split('+');
  const patchOf = (proposal) => {
    const found = patches.filter(
      (file) => file.startsWith(`${proposal}-`) && file.endsWith(`-${series}.patch`),
    );
    if (found.length !== 1)
      throw new Error(`${name}: ${found.length} patches of kernels/patches/ are ${proposal}`);
    return join(PROPOSALS, found[0]);
  };
  return { name, series, source: `debian:${series}`, patches: proposals.map(patchOf) };
}

/** The sentence that a patch begins with, and the diff below it. */
function splitPatch(text) {
  const [sentence, empty, ...diff] = text.split('\n');
  return { sentence, hasGap: empty === '', diff: diff.join('\n') };
}

/** Every `<kernel>/<name>.patch` below `folder`, sorted. */
export function readMutants(folder) {
  const kernels = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const paths = kernels.flatMap(({ name: kernel }) =>
    readdirSync(join(folder, kernel))
      .filter((file) => file.endsWith('.patch'))
      .map((file) => [kernel, file.slice(0, -'.patch'.length)]),
  );
  return paths
    .map(([kernel, name]) => {
      const path = join(folder, kernel, `${name}.patch`);
      const text = readFileSync(path, 'utf8');
      return { id: `${kernel}/${name}`, kernel, name, path, text, ...splitPatch(text) };
    })
    .sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }));
}

const fileOf = ({ diff }) => /^--- a\/(\S+)/m.exec(diff)?.[1] ?? '';

/** Mutants of one kernel that change the same file one after the other: the next build compiles that one alone. */
export const byFile = (mutants) =>
  mutants
    .map((mutant) => ({ mutant, file: fileOf(mutant) }))
    .sort((a, b) => a.mutant.kernel.localeCompare(b.mutant.kernel) || a.file.localeCompare(b.file))
    .map(({ mutant }) => mutant);

/** Families that notice faults of an area most likely: they run first, where no killer of a mutant is known. */
const FAMILIES = {
  answers: ['kernel', 'quirk', 'pat', 'dma'],
  cd: ['cd', 'vcpus'],
  count: ['dma', 'virtio'],
  dirty: ['dirty'],
  disabled: ['mtrr'],
  fixed: ['mtrr'],
  flag: ['memslot'],
  group: ['virtio'],
  level: ['size', 'space'],
  msrs: ['msr', 'filter', 'mtrr', 'pat', 'kernel'],
  nested: ['nested'],
  notifier: ['notifier'],
  precedence: ['mtrr'],
  prefault: ['prefault'],
  quirk: ['quirk', 'cd'],
  race: ['race'],
  slot: ['slot', 'size'],
  space: ['space', 'size'],
  types: ['ram', 'dma', 'mmio', 'quirk', 'vcpus'],
  valid: ['msr', 'mtrr', 'space'],
  variable: ['mtrr'],
  vcpu: ['vcpus', 'msr', 'mtrr'],
  vfio: ['dma'],
  zap: ['mtrr', 'dma', 'pat', 'quirk'],
};

/** The families of the area that a mutant's name begins with. */
export const familiesOf = ({ name }) => FAMILIES[name.split('-')[0]] ?? [];
