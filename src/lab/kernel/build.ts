import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { ReadLimit } from '../../process/read-file.js';
import { cacheRoot, contentKey, fillEntry, isComplete } from '../cache.js';
import { exhausted, LabError } from '../errors.js';
import { type ExecOptions, exec, mustExec, withLock } from '../exec.js';
import { readNamed } from '../files.js';
import { withModules } from '../modular-image.js';
import { temporaryDirectory } from '../scratch.js';
import type { BuildDir } from './builddir.js';
import { configure } from './configure.js';
import { COUNTED, COUNTED_FILES, keepNotes } from './counted.js';
import { fragmentLines, parseFragments, type WantedOption } from './kconfig.js';
import { labConfigs } from './lab-config.js';
import { buildVmlinux, builtModules, modulesIn, moduleTargets, wantsModules } from './modules.js';
import { checkoutOf, keepOrigin } from './origin.js';
import { kernelSource } from './sources.js';
import { WorkTree } from './worktree.js';

export interface KernelRequest {
  /** `debian:<series>`, a kernel tree or a tarball. */
  source: string;
  /** Unified diffs, applied in order with -p1. */
  patches?: readonly string[];
  /** Files with further options, see parseFragment. */
  configs?: readonly string[];
  /** Have the kernel count how often each piece of KVM's code runs; what its counters are read with is kept beside the image. */
  counted?: boolean;
  /** Ask Debian's mirror for a newer package although one is cached. */
  refresh?: boolean;
  /** Parallel compilers; the number of processors if not given. */
  jobs?: number;
  onProgress?: (line: string) => void;
  signal?: AbortSignal;
}

export interface BuiltKernel {
  /** The image; it carries KVM's modules where KVM is not built in. */
  bzImage: string;
  /** Names source, patches, configuration and compiler. */
  key: string;
  label: string;
  /** Whether KVM is not built in: a machine that was saved with another KVM may do for this one. */
  modular: boolean;
  /** True when it was there already. */
  cached: boolean;
  seconds: number;
}

/** What a build gives, and its place in the build directory. */
const PLACES = { bzImage: 'arch/x86/boot/bzImage', config: '.config', 'System.map': 'System.map' };
const RESULTS = Object.keys(PLACES);

/** Keep the image the same for the same input. */
const REPRODUCIBLE = {
  KBUILD_BUILD_TIMESTAMP: '2020-01-01',
  KBUILD_BUILD_USER: 'lab',
  KBUILD_BUILD_HOST: 'kvm-memtype',
  KBUILD_BUILD_VERSION: '1',
};

/**
 * Build the kernel under test, or find it in the cache.
 *
 * @throws LabError LAB_SOURCE, LAB_CACHE, LAB_TEMPORARY, LAB_RESOURCES, LAB_FILE, LAB_DOWNLOAD, LAB_CONFIG, LAB_PATCH, LAB_BUILD, LAB_DISK_FULL, LAB_TOOL_MISSING, LAB_ABORTED
 */
export async function buildKernel(request: KernelRequest): Promise<BuiltKernel> {
  const started = Date.now();
  const { onProgress, signal } = request;
  temporaryDirectory(); // Compilers and patch(1) need one.
  mustSuitMake(cacheRoot());
  const source = await kernelSource(request.source, {
    ...(onProgress && { onProgress }),
    signal,
    refresh: request.refresh ?? false,
  });
  const checkout = source.fingerprint === undefined ? undefined : await checkoutOf(source.tree, signal);
  const counted = request.counted ?? false;
  const patches = await readAll(
    [...(request.patches ?? []), ...(counted ? [COUNTED.patch] : [])],
    PATCH_LIMIT,
  );
  const kvmKconfig = await readFile(join(source.tree, 'arch/x86/kvm/Kconfig'), 'utf8');
  const fragments = await readAll(
    // What counts does so from the start: its KVM stays built in.
    [
      ...labConfigs(kvmKconfig, wantsModules() && !counted),
      ...(counted ? [COUNTED.config] : []),
      ...(request.configs ?? []),
    ],
    CONFIG_LIMIT,
  );
  const wanted = parseFragments(fragments.map(({ name, text }) => ({ name, text: text.toString() })));
  const compiler = await toolchain();
  const key = contentKey(source.key, fragmentLines(wanted), ...patches.map(({ text }) => text), compiler);
  const dir = join(cacheRoot(), 'kernels', key);
  const results = counted ? [...RESULTS, ...COUNTED_FILES] : RESULTS;
  const cached = isComplete(dir, results);
  const work = new WorkTree(source);
  const buildDir = work.buildDir(contentKey(fragmentLines(wanted), compiler));
  const onWait = (): void => onProgress?.(`waiting for another process that builds ${source.label}`);
  const exclusive = { onWait, signal };
  const build = (temporary: string): Promise<void> =>
    withLock(
      work.lockPath,
      async () => {
        await work.prepare(patches, { signal, ...(onProgress && { onProgress }) });
        await buildDir.open();
        const modules = await make(buildDir, work.tree, wanted, source.label, request);
        for (const [name, place] of Object.entries(PLACES))
          await copyFile(join(buildDir.path, place), join(temporary, name));
        await addModules(join(temporary, 'bzImage'), buildDir, modules);
        if (counted)
          await keepNotes({ source: source.tree, tree: work.tree, build: buildDir.path, entry: temporary });
      },
      exclusive,
    );
  await fillEntry(dir, results, build, exclusive);
  const bzImage = join(dir, 'bzImage');
  if (checkout !== undefined)
    await keepOrigin(
      bzImage,
      checkout,
      patches.map((patch) => patch.text),
    );
  return {
    bzImage,
    key,
    label: source.label,
    modular: modulesIn(await readFile(join(dir, 'config'), 'utf8')).length > 0,
    cached,
    seconds: (Date.now() - started) / 1000,
  };
}

/** Have an image carry the modules that were built with it. */
async function addModules(image: string, { path }: BuildDir, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await writeFile(image, withModules(await readFile(image), await builtModules(path, names)));
}

/** make(1) splits paths at these, or takes them for something else, and cannot be told not to. */
function mustSuitMake(path: string): void {
  const bad = /[\s:%#$*?[\]\\'"`;&|<>(){}!]/.exec(path)?.[0];
  if (bad === undefined) return;
  const sign = bad === ' ' ? 'a blank' : JSON.stringify(bad);
  throw new LabError(
    'LAB_CACHE',
    `no kernel can be built in ${path}: make takes no path with ${sign}, set XDG_CACHE_HOME`,
  );
}

/** linux-6.1 to 6.2 is one patch of 100 MB. */
const PATCH_LIMIT = { limit: 256 << 20, why: 'the most for a patch' };
const CONFIG_LIMIT = { limit: 16 << 20, why: 'the most for a configuration' };

async function readAll(
  files: readonly string[],
  limit: ReadLimit,
): Promise<{ name: string; text: Buffer }[]> {
  return Promise.all(files.map(async (file) => ({ name: file, text: await readNamed(file, limit) })));
}

async function toolchain(): Promise<string> {
  const what = 'cannot ask for the version';
  const gcc = await mustExec('gcc', ['--version'], { code: 'LAB_BUILD', what });
  const ld = await mustExec('ld', ['--version'], { code: 'LAB_BUILD', what });
  return `${gcc.stdout.split('\n')[0]} ${ld.stdout.split('\n')[0]}`;
}

/** Tools that the kernel's makefiles call, and that fail there with no clear word. */
const NEEDED = ['make', 'flex', 'bison', 'bc', 'lz4', 'perl', 'rsync', 'patch'];

/** Build what a kernel is made of; gives the names of KVM's modules. */
async function make(
  build: BuildDir,
  tree: string,
  wanted: readonly WantedOption[],
  label: string,
  request: KernelRequest,
): Promise<string[]> {
  for (const tool of NEEDED) await exec(tool, ['--version']);
  const options: ExecOptions = {
    signal: request.signal,
    nice: true,
    env: { ...process.env, ...REPRODUCIBLE },
  };
  const { modular, remarks } = await configure(build, { tree, label, wanted }, options);
  for (const remark of remarks) request.onProgress?.(remark);
  // Nothing loads modules in the lab: a value on make's command line wins over the configuration's.
  const builtIn = modular.map((name) => `CONFIG_${name}=y`);
  const jobs = request.jobs ?? availableParallelism();
  const modules = modulesIn(await readFile(join(build.path, '.config'), 'utf8'));
  const onLine = progressLines(`building ${label}`, request.onProgress);
  const run = async (targets: readonly string[]): Promise<void> => {
    const args = [`-j${jobs}`, ...builtIn, ...targets];
    const result = await build.make(args, { ...options, onLine: onLine.line });
    if (result.status !== 0) throw buildError(label, onLine.errors(), result.tail);
  };
  if (modules.length === 0) await run(['bzImage']);
  else {
    await buildVmlinux(build.path, tree, () => run(['bzImage']));
    await run(moduleTargets(modules));
  }
  return modules;
}

/** Count what make compiles; say so at most once a second, and keep the compiler's errors. */
function progressLines(what: string, onProgress?: (line: string) => void) {
  const errors: string[] = [];
  let steps = 0;
  let last = 0;
  const line = (text: string): void => {
    if (/\berror\b|No space left|cannot fork|Cannot allocate/i.test(text) && errors.length < 20)
      errors.push(text);
    const step = /^\s+(?:CC|AS|LD|AR|HOSTCC|OBJCOPY|LZ4)\s+(\S+)/.exec(text);
    if (!step) return;
    steps++;
    const now = Date.now();
    if (now - last < 1000) return;
    last = now;
    onProgress?.(`${what}: ${steps} steps, ${step[1]}`);
  };
  return { line, errors: () => errors };
}

function buildError(label: string, errors: string[], tail: string[]): LabError {
  const exhaustion = exhausted(`building ${label}`, [...errors, ...tail]);
  if (exhaustion) return exhaustion;
  const first = errors[0];
  return new LabError('LAB_BUILD', `building ${label} failed${first ? `: ${first.trim()}` : ''}`, [
    ...errors,
    ...tail,
  ]);
}
