import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from '../errors.js';
import { type Kernel, mapsInPlace } from '../image/bzimage.js';
import { modulesPart, programPart } from '../image/initramfs.js';
import { nodeImage, runtimeFiles } from '../image/nodeimage.js';
import type { Boot } from './engine.js';
import { JOB_SIZE, type LabRun, NEXT_JOB, WITNESS_PLACE } from './run.js';

const MEMORY_MIB = 1024;
/** From 1 to 2 GiB is the page of 1 GiB; the kernel puts its own things at the end first. */
const MEMORY_WITH_GIB_MIB = 2304;
const KEEP_GIB = ['hugepagesz=1G', 'hugepages=1'];

const COMMAND_LINE = [
  'console=ttyS0,115200',
  'mitigations=off',
  'nokaslr',
  'tsc=reliable',
  // Stop on a panic: the host sees it on the console and ends the emulator. An oops is as final.
  'panic=0',
  'oops=panic',
  // QEMU's IOMMU is used without interrupt remapping: no device of the lab raises interrupts for us.
  'vfio_iommu_type1.allow_unsafe_interrupts=1',
];

/** Where the file system with Node.js lies: aligned for large pages, clear of kernel and initramfs. */
const IMAGE_ADDRESS = 0x1000_0000;
const LARGE_PAGE = 2 << 20;

/** Room for modules behind a job: init.c knows where they begin. */
const MODULES_SIZE = 12 << 20;

/** Whether the kernel can map files that lie in memory. */
export const isInPlace = ({ vmlinux }: Kernel): boolean => vmlinux !== undefined && mapsInPlace(vmlinux);

/** Whether a job, and the kernel's modules, have room in a machine that may be saved. */
export const fits = (job: string, { modules }: Kernel): boolean =>
  Buffer.byteLength(job) < NEXT_JOB.offset && (modules?.length ?? 0) < MODULES_SIZE;

/** What a boot of `kernel` takes. A job lies in memory, where that can be. */
export async function prepare(
  run: Pick<LabRun, 'program' | 'files' | 'args' | 'params' | 'gibPage' | 'witness'>,
  kernel: Kernel,
  scratch: string,
  job?: string,
): Promise<Boot> {
  const runtime = await runtimeFiles();
  const inPlace = isInPlace(kernel);
  const image = await nodeImage(inPlace ? 'erofs' : 'cpio', runtime);
  const program = join(scratch, 'program.cpio');
  const mounted = inPlace ? runtime.map(({ target }) => target) : [];
  await writeFile(
    program,
    await programPart({ agent: run.program, files: run.files, args: run.args, mounted }),
  );
  const modules = kernel.modules && join(scratch, 'modules.cpio');
  if (modules !== undefined) await writeFile(modules, modulesPart(kernel.modules as Buffer));
  const inMemory = inPlace
    ? await layOut(image, kernel.modules, job ?? (run.witness ? '' : undefined))
    : undefined;
  const place = inMemory?.places.job;
  return {
    kernel,
    initrds: [...(inPlace ? [] : [image]), program, ...(modules ? [modules] : [])],
    ...(modules && { modulesPart: modules }),
    ...inMemory?.places,
    ...(run.witness && place && { witness: place.address + WITNESS_PLACE.offset }),
    commandLine: commandLine([
      ...(inMemory?.params ?? []),
      ...(run.gibPage ? KEEP_GIB : []),
      ...(run.params ?? []),
    ]),
    memoryMiB: run.gibPage ? MEMORY_WITH_GIB_MIB : MEMORY_MIB,
    consoleFile: join(scratch, 'console'),
    resultsFile: join(scratch, 'results'),
    scratch,
  };
}

/** Pieces of RAM that are devices in the lab: the file system, and what lies behind it: the job, and what the emulator tells. */
async function layOut(
  image: string,
  modules: Buffer | undefined,
  job: string | undefined,
): Promise<{ places: Pick<Boot, 'memoryImage' | 'job'>; params: string[] }> {
  const region = Math.ceil((await stat(image)).size / LARGE_PAGE) * LARGE_PAGE;
  const param = (size: number, address: number): string => `memmap=${size}!0x${address.toString(16)}`;
  const places = { memoryImage: { file: image, address: IMAGE_ADDRESS } };
  const params = [param(region, IMAGE_ADDRESS)];
  if (job === undefined) return { places, params };
  const address = IMAGE_ADDRESS + region;
  const content = Buffer.alloc(JOB_SIZE + (modules ? MODULES_SIZE : 0));
  const written = content.write(job);
  modules?.copy(content, JOB_SIZE);
  const used = modules ? JOB_SIZE + modules.length : written + 1;
  return {
    places: { ...places, job: { address, content, used } },
    params: [...params, param(content.length, address)],
  };
}

function commandLine(params: readonly string[]): string {
  for (const param of params)
    if (!/^[\w.-]+=[^\s"]*$/.test(param)) throw new LabError('LAB_FILE', `${param} is not module.name=value`);
  return [...COMMAND_LINE, ...params].join(' ');
}
