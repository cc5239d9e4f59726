import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { LabError } from '../errors.js';
import { exec, mustExec } from '../exec.js';
import type { KernelModule } from '../modular-image.js';

const FOLDER = 'arch/x86/kvm';
/** KVM's modules in the order in which they are loaded, and the option that each comes with. */
const MODULES = [
  ['kvm', 'KVM'],
  ['kvm-intel', 'KVM_INTEL'],
  ['kvm-amd', 'KVM_AMD'],
] as const;

/** Whether KVM is built as modules unless a configuration says otherwise: KVM_MEMTYPE_MODULES=1 in the environment. */
export const wantsModules = (env: NodeJS.ProcessEnv = process.env): boolean =>
  env.KVM_MEMTYPE_MODULES === '1';

/** Those of KVM's modules that a configuration has: their names, in the order in which they are loaded. */
export function modulesIn(config: string): string[] {
  const lines = new Set(config.split('\n'));
  return MODULES.filter(([, option]) => lines.has(`CONFIG_${option}=m`)).map(([name]) => name);
}

/** What make is to be told. All at once: each alone lacks the symbols of the others, and `modules` compiles KVM anew. */
export const moduleTargets = (names: readonly string[]): string[] =>
  names.map((name) => `${FOLDER}/${name}.ko`);

/** Sources that KVM's modules alone are made of. */
const SOURCES = [FOLDER, 'virt/kvm'];

/** In a build directory: make was told to build the kernel, and it did. Their times are when it was told. */
const TOLD = '.kernel-told';
const BUILT = '.kernel-built';

/**
 * Have the kernel without its modules built, unless it would come out as it is: since it was built, nothing has changed but sources of
 * modules. make itself takes several seconds to find that out. Hold the tree's lock, and change nothing in the tree meanwhile.
 *
 * @param make builds it
 */
export async function buildVmlinux(build: string, tree: string, make: () => Promise<void>): Promise<void> {
  const built = join(build, BUILT);
  if (existsSync(built) && existsSync(join(build, IMAGE)) && !(await isChanged(build, tree))) return;
  await rm(built, { force: true });
  await writeFile(join(build, TOLD), '');
  await make();
  if (await isOfModulesAlone(build)) await rename(join(build, TOLD), built);
}

const IMAGE = 'arch/x86/boot/bzImage';

/** Whether the configuration, or any file or folder of the tree besides the sources of modules, was changed since the kernel was built. */
async function isChanged(build: string, tree: string): Promise<boolean> {
  const left = SOURCES.flatMap((folder) => ['-path', join(tree, folder), '-prune', '-o']);
  const args = [tree, join(build, '.config'), ...left, '-cnewer', join(build, BUILT), '-print', '-quit'];
  const what = 'cannot tell what changed in the kernel tree';
  return (await mustExec('find', args, { code: 'LAB_BUILD', what })).stdout !== '';
}

/** Whether nothing but modules was made of those sources: kbuild notes for each file what it was made of. */
async function isOfModulesAlone(build: string): Promise<boolean> {
  // A folder's own objects go into the kernel by its built-in.a, which the folder above names from its own place.
  const args = ['-rlE', '--include=.*.cmd', `${SOURCES.join('/|')}/|[ /]kvm/built-in\\.a`, build];
  const { status, stdout } = await exec('grep', args);
  const users = stdout.split('\n').filter((file) => file !== '' && !isBelowSources(relative(build, file)));
  return status <= 1 && users.length === 0;
}

const isBelowSources = (path: string): boolean => SOURCES.some((folder) => path.startsWith(`${folder}/`));

/** Modules that others must be there for: modpost writes their names into a module. */
function needs(content: Buffer): string[] {
  const text = /(?:^|\0)depends=([^\0]*)\0/.exec(content.toString('latin1'))?.[1] ?? '';
  return text.split(',').filter((name) => name !== '');
}

/**
 * Modules that were built, without what only a debugger reads.
 * @throws LabError LAB_CONFIG if one needs a module that is not among them
 */
export async function builtModules(build: string, names: readonly string[]): Promise<KernelModule[]> {
  const scratch = await mkdtemp(join(build, '.stripped-'));
  const stripped = async (name: string): Promise<KernelModule> => {
    const copy = join(scratch, name);
    await copyFile(join(build, FOLDER, `${name}.ko`), copy);
    await exec('strip', ['--strip-debug', copy]);
    const content = await readFile(copy);
    const missing = needs(content).filter((other) => !names.includes(other.replaceAll('_', '-')));
    if (missing.length > 0)
      throw new LabError('LAB_CONFIG', `${name}.ko needs ${missing.join(', ')}, which is not built in`);
    return { name, content };
  };
  try {
    return await Promise.all(names.map(stripped));
  } finally {
    await rm(scratch, { recursive: true });
  }
}
