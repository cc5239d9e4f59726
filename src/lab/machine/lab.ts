import { readFileSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ChildEnd, startChild } from '../../process/child.js';
import { openCache } from '../cache.js';
import { LabError, orExhausted } from '../errors.js';
import { labError } from '../exec.js';
import { type Kernel, mapsInPlace, readKernel } from '../image/bzimage.js';
import { type GuestFile, programPart } from '../image/initramfs.js';
import { nodeImage, runtimeFiles } from '../image/nodeimage.js';
import { makeScratch, removeScratch, sweepScratch } from '../scratch.js';
import { bochs } from './bochs.js';
import { ConsoleWatch } from './console.js';
import type { Boot, Command, Engine } from './engine.js';
import { type LabOutcome, RunWatch } from './outcome.js';
import { type QemuEngine, qemu } from './qemu.js';
import { LineTail } from './tail.js';

export type LabEngine = 'bochs' | QemuEngine;

export interface LabRun {
  /** Path of a bzImage. */
  kernel: string;
  engine: LabEngine;
  /** Path of the bundled agent: a script or ES module that Node runs inside, by its name. */
  program: string;
  /** Further files for the inside. */
  files: readonly GuestFile[];
  /** The agent's arguments. */
  args: readonly string[];
  /** Module parameters, `module.name=value`, for the kernel's command line. */
  params?: readonly string[];
  /** Milliseconds from the emulator's start to its end. */
  timeoutMs: number;
  /** Called for each line the agent prints, as it comes. Untrusted input. */
  onLine: (line: string) => void;
  /** Called for each line on the kernel's console. */
  onConsole?: (line: string) => void;
  signal?: AbortSignal;
}

const ENGINES: Record<LabEngine, Engine> = {
  bochs,
  'qemu-tcg': qemu('qemu-tcg'),
  'qemu-kvm': qemu('qemu-kvm'),
};

const MEMORY_MIB = 1024;

/** Bytes that each serial port may carry; an agent that prints more has run away. */
const CONSOLE_LIMIT = 16 << 20;
const RESULTS_LIMIT = 256 << 20;

/** How long to wait for the rest of a panic's console output, milliseconds. */
const PANIC_GRACE_MS = 3000;

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

/**
 * Boot a kernel in an emulated machine, run a Node program inside, and hand out its output line by line.
 *
 * How the run ended is the outcome; a LabError is thrown only if it could not be started, or was aborted.
 *
 * @throws LabError LAB_KERNEL_INVALID, LAB_FILE, LAB_TOOL_MISSING, LAB_BUILD, LAB_CACHE, LAB_TEMPORARY, LAB_DISK_FULL, LAB_ABORTED
 */
export async function runInLab(run: LabRun): Promise<LabOutcome> {
  if (run.signal?.aborted) throw new LabError('LAB_ABORTED', 'the lab run was stopped');
  const kernel = await readKernel(run.kernel);
  openCache();
  sweepScratch();
  const scratch = makeScratch();
  const cleanUp = (): void => removeScratch(scratch);
  process.once('exit', cleanUp);
  try {
    const boot = await prepare(run, kernel, scratch);
    return await watchRun(run, boot, await ENGINES[run.engine](boot));
  } catch (error) {
    throw orExhausted(`cannot write to ${scratch}`, error);
  } finally {
    process.off('exit', cleanUp);
    cleanUp();
  }
}

/** Where the file system with Node.js lies: aligned for large pages, clear of kernel and initramfs. */
const IMAGE_ADDRESS = 0x1000_0000;
const LARGE_PAGE = 2 << 20;

async function prepare(run: LabRun, kernel: Kernel, scratch: string): Promise<Boot> {
  const runtime = await runtimeFiles();
  const inPlace = kernel.vmlinux !== undefined && mapsInPlace(kernel.vmlinux);
  const image = await nodeImage(inPlace ? 'erofs' : 'cpio', runtime);
  const program = join(scratch, 'program.cpio');
  const mounted = inPlace ? runtime.map(({ target }) => target) : [];
  await writeFile(
    program,
    await programPart({ agent: run.program, files: run.files, args: run.args, mounted }),
  );
  const { size } = await stat(image);
  const region = Math.ceil(size / LARGE_PAGE) * LARGE_PAGE;
  const memoryMap = inPlace ? [`memmap=${region}!0x${IMAGE_ADDRESS.toString(16)}`] : [];
  return {
    kernel,
    initrds: inPlace ? [program] : [image, program],
    ...(inPlace && { memoryImage: { file: image, address: IMAGE_ADDRESS } }),
    commandLine: commandLine([...memoryMap, ...(run.params ?? [])]),
    memoryMiB: MEMORY_MIB,
    consoleFile: join(scratch, 'console'),
    resultsFile: join(scratch, 'results'),
    scratch,
  };
}

function commandLine(params: readonly string[]): string {
  for (const param of params)
    if (!/^[\w.-]+=[^\s"]*$/.test(param)) throw new LabError('LAB_FILE', `${param} is not module.name=value`);
  return [...COMMAND_LINE, ...params].join(' ');
}

async function watchRun(run: LabRun, boot: Boot, command: Command): Promise<LabOutcome> {
  const watch = new RunWatch(new ConsoleWatch(), run);
  watch.panicGraceMs = PANIC_GRACE_MS;
  const tails = [
    new LineTail(
      boot.consoleFile,
      (line) => watch.console(line),
      CONSOLE_LIMIT,
      () => watch.stopFor('timeout', 'the console never ends'),
    ),
    new LineTail(
      boot.resultsFile,
      (line) => watch.result(line),
      RESULTS_LIMIT,
      () => watch.stopFor('timeout', 'the results never end'),
    ),
  ];
  try {
    const end = await emulate(run, boot, command, watch).finally(() => {
      for (const tail of tails) tail.close();
    });
    if (end.timedOut) watch.stopFor('timeout', `no end after ${run.timeoutMs / 1000} s`);
    return watch.outcome(end, emulatorLog(command, end.tail));
  } catch (error) {
    throw labError(error, watch.consoleTail());
  } finally {
    watch.dispose();
  }
}

async function emulate(run: LabRun, boot: Boot, command: Command, watch: RunWatch): Promise<ChildEnd> {
  const emulator = startChild(command.tool, command.args, {
    what: 'the lab run',
    cwd: boot.scratch,
    env: { ...process.env, ...command.env, LC_ALL: 'C' },
    detached: true,
    endBy: 'SIGKILL',
    timeoutMs: run.timeoutMs,
    signal: run.signal,
  });
  watch.onStop = emulator.stop;
  return emulator.ended;
}

function emulatorLog(command: Command, output: readonly string[]): string {
  let log = output.map((line) => `${line}\n`).join('');
  try {
    if (command.logFile) log += readFileSync(command.logFile, 'latin1');
  } catch {
    // It died before it opened its log.
  }
  return log;
}
