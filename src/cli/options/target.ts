import type { Command } from 'commander';
import { identifyImage, originOf } from '../../lab/index.js';
import type { Target } from '../../session/target.js';
import { UsageError } from '../errors.js';
import { build } from '../program/build.js';
import { addRepeatable, kernel, moduleParameter } from './values.js';

/** The options that say where to run. */
export interface TargetOptions {
  engine: 'auto' | Target['engine'];
  /** Kernels for the lab; without any it is this machine's own. */
  kernel: readonly string[];
  vfio?: string;
  param?: readonly string[];
  /** Whether the lab's machine is saved, and a saved one used; not if the kernel is hardly run again. */
  snapshot?: boolean;
  /** Patches for kernels that are built. */
  patch?: readonly string[];
  kernelCoverage?: boolean;
  /** Whether the emulated processor's own walks are held against the trace. */
  witness?: boolean;
}

/**
 * What belongs to this machine or to a kernel in the lab cannot stand beside the other.
 * @throws UsageError
 */
export function checkTarget({
  engine,
  kernel,
  vfio,
  param = [],
  patch = [],
  kernelCoverage,
  witness,
}: TargetOptions): void {
  const inLab = kernel.length > 0;
  if (inLab && engine === 'host')
    throw new UsageError('--engine host runs this machine’s own kernel: leave --kernel out');
  if (inLab && vfio !== undefined)
    throw new UsageError('--vfio names a device of this machine: leave --kernel out');
  if (!inLab && engine !== 'auto' && engine !== 'host')
    throw new UsageError(`--engine ${engine} needs a --kernel to boot`);
  if (!inLab && param.length > 0)
    throw new UsageError("--param needs a --kernel: this machine's modules are loaded already");
  const image = kernel.find((text) => !isBuilt(text));
  if (patch.length > 0 && (!inLab || image !== undefined))
    throw new UsageError(
      `--patch needs a kernel that is built, --kernel debian:<version>${image === undefined ? '' : `: ${image} is an image`}`,
    );
  if (witness && (!inLab || engine.startsWith('qemu')))
    throw new UsageError(
      `--witness asks the emulated processor: ${inLab ? `leave --engine ${engine} out, it takes Bochs` : 'it needs a --kernel, which Bochs runs'}`,
    );
  if (kernelCoverage && !inLab)
    throw new UsageError('--kernel-coverage needs a --kernel that is built to count: this machine’s was not');
}

/** `debian:6.1` and the like are built first, or found in the cache; all else is the path of an image. */
async function imageOf(
  kernel: string,
  { patch = [], kernelCoverage = false }: TargetOptions,
): Promise<string> {
  if (!isBuilt(kernel)) return kernel;
  return (await build({ source: kernel, patches: patch, counted: kernelCoverage })).bzImage;
}

const isBuilt = (kernel: string): boolean => kernel.startsWith('debian:');

/** Where to run on a kernel as it stood on the command line, an undefined one being this machine's; it may be built first. */
export async function targetOf(options: TargetOptions, kernel: string | undefined): Promise<Target> {
  const { engine, vfio, param = [], snapshot = false, witness } = options;
  if (kernel === undefined) return { engine: 'host', device: vfio ?? null };
  const image = await imageOf(kernel, options);
  const identity = await identifyImage(image);
  const git = await originOf(identity.sha256);
  return {
    engine: engine === 'auto' || engine === 'host' ? 'bochs' : engine,
    kernel: image,
    params: param,
    snapshot,
    ...(witness && { witness }),
    identity: { image: kernel, ...identity, ...(git && { git }) },
  };
}

/** Give a command the options that say on which kernels of the lab it runs, and with which module parameters. */
export function addKernels(command: Command): Command {
  addRepeatable(
    command,
    '--kernel <image>',
    'run on this bzImage, or on debian:<version>, in the lab',
    kernel,
  );
  return addParameters(command, 'the lab’s kernel');
}

/** Give a command the option that has it boot every kernel. */
export const addSnapshot = (command: Command): Command =>
  command.option('--no-snapshot', 'boot the lab’s machine: begin from no saved one, and save none');

/** Give a command the option that has the emulator look on. */
export const addWitness = (command: Command): Command =>
  command.option(
    '--witness',
    'hold how the emulated processor itself walks the page tables against the trace',
  );

/** Give a command the option of module parameters, for what is told. */
export const addParameters = (command: Command, of: string): Command =>
  addRepeatable(command, '--param <module.name=value>', `module parameter for ${of}`, moduleParameter);
