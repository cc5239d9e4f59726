import { catalogue } from '../../catalogue/index.js';
import { ALL_POLICIES } from '../../memtype/index.js';
import { FORMATS } from '../../report/outputs.js';

/** What an option or an argument may be: some words, and paths. */
export interface Value {
  words: readonly string[];
  paths?: 'file' | 'folder';
}

const NOTHING: Value = { words: [] };
const FILE: Value = { words: [], paths: 'file' };
const FOLDER: Value = { words: [], paths: 'folder' };

/** Kernels that every Debian release known here has; others have their place in docs/lab.md. */
const KERNELS = ['debian:6.1', 'debian:6.12', 'debian:7.2', 'debian:7.3'];
const families = [...new Set(catalogue.map(({ name }) => name.split('/')[0] as string))];

const SCENARIO: Value = { words: [...families, ...catalogue.map(({ name }) => name)], paths: 'file' };
const KERNEL: Value = { words: KERNELS, paths: 'file' };

/** By the name that a value has in the help: `<file>`. */
const BY_NAME: Readonly<Record<string, Value>> = {
  ...{ file: FILE, bzImage: FILE, patch: FILE, image: KERNEL, base: KERNEL, source: KERNEL },
  ...{ folder: FOLDER, tree: FOLDER, repository: FOLDER, scenario: SCENARIO, pattern: SCENARIO },
};

/** By the option, where its value's name says too little. */
const BY_OPTION: Readonly<Record<string, Value>> = {
  '--policy': { words: ['auto', ...ALL_POLICIES.map(({ name }) => name)] },
  '--format': { words: FORMATS },
  '--scenario': SCENARIO,
  '--param': { words: ['kvm.tdp_mmu=N'] },
};

/** What a value may be, by its choices, its option and its name; `kernel` is a kernel as an argument alone. */
export function valueFor(name: string, option: string, choices: readonly string[] | undefined): Value {
  if (choices !== undefined) return { words: choices };
  return BY_OPTION[option] ?? BY_NAME[name] ?? (name === 'kernel' && option === '' ? KERNEL : NOTHING);
}
