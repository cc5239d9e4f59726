import { copyFile, cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { contentKey, fillEntry, isComplete, openCache } from '../cache.js';
import { type ExecOptions, exec, mustExec } from '../exec.js';
import { currentFile, emulatorsDir, PROGRAM } from './built.js';
import { emulatorSource } from './source.js';

export interface EmulatorRequest {
  /** A tree of Bochs' sources; if not given, Debian's package of the installed version. */
  source?: string;
  /** Parallel compilers; the number of processors if not given. */
  jobs?: number;
  onProgress?: (line: string) => void;
  signal?: AbortSignal;
}

export interface BuiltEmulator {
  program: string;
  label: string;
  /** True when it was there already. */
  cached: boolean;
  seconds: number;
}

/** As Debian configures it, as far as the lab's machine has it; without what looks at every instruction, with handlers that call the next. */
const CONFIGURE = [
  ...['plugins', 'docbook', 'debugger', 'x86-debugger', 'smp', 'instrumentation'].map(
    (feature) => `--disable-${feature}`,
  ),
  ...['all-optimizations', 'handlers-chaining', 'repeat-speedups'].map((feature) => `--enable-${feature}`),
  ...['3dnow', 'avx', 'cet', 'e1000', 'evex', 'fpu', 'memtype', 'pci', 'protection-keys', 'svm'].map(
    (feature) => `--enable-${feature}`,
  ),
  ...['usb', 'x86-64', 'cpu-level=6', 'vmx=2'].map((feature) => `--enable-${feature}`),
  '--with-nogui',
];

const FLAGS = { CFLAGS: '-O3 -w', CXXFLAGS: '-O3 -fno-strict-aliasing -w' };

/**
 * Build the emulator that restores machines, or find it in the cache; the lab uses it from then on.
 *
 * @throws LabError LAB_SOURCE, LAB_DOWNLOAD, LAB_BUILD, LAB_CACHE, LAB_DISK_FULL, LAB_TOOL_MISSING, LAB_ABORTED
 */
export async function buildEmulator(request: EmulatorRequest): Promise<BuiltEmulator> {
  const started = Date.now();
  openCache();
  const { onProgress } = request;
  const o = { signal: request.signal };
  const source = await emulatorSource(request.source, onProgress, o);
  const { stdout: compiler } = await exec('g++', ['--version'], o);
  const key = contentKey(source.key, CONFIGURE.join(' '), JSON.stringify(FLAGS), compiler);
  const dir = join(emulatorsDir(), key);
  const cached = isComplete(dir, [PROGRAM]);
  const fill = (temporary: string): Promise<void> => make(source.tree, temporary, request);
  const onWait = (): void => onProgress?.('waiting for another process that builds the emulator');
  await fillEntry(dir, [PROGRAM], fill, { ...o, onWait });
  await writeFile(currentFile(), `${key}\n`);
  const seconds = (Date.now() - started) / 1000;
  return { program: join(dir, PROGRAM), label: source.label, cached, seconds };
}

/** Compile a copy of the sources; the program alone is kept. */
async function make(source: string, entry: string, request: EmulatorRequest): Promise<void> {
  const tree = join(entry, 'tree');
  await mkdir(tree);
  await cp(source, tree, { recursive: true });
  const o: ExecOptions = { cwd: tree, signal: request.signal, nice: true };
  const code = 'LAB_BUILD';
  request.onProgress?.('configuring the emulator');
  const settings = Object.entries(FLAGS).map(([name, value]) => `${name}=${value}`);
  await mustExec(join(tree, 'configure'), [...CONFIGURE, ...settings], {
    ...o,
    code,
    what: 'cannot configure the emulator',
  });
  let files = 0;
  const onLine = (line: string): void => {
    if (/ -c /.test(line)) request.onProgress?.(`compiling the emulator: ${++files} files`);
  };
  const jobs = `-j${request.jobs ?? availableParallelism()}`;
  await mustExec('make', [jobs, PROGRAM], { ...o, onLine, code, what: 'cannot compile the emulator' });
  await copyFile(join(tree, PROGRAM), join(entry, PROGRAM));
  await rm(tree, { recursive: true });
}
