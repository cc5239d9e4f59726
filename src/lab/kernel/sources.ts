import { readdir, realpath, rm, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { cacheRoot, contentKey, fileHash, fillEntry, isComplete, openCache } from '../cache.js';
import { LabError } from '../errors.js';
import { mustExec, withLock } from '../exec.js';
import { PrivateApt, suitesFor } from './apt.js';
import { treeFingerprint } from './fingerprint.js';

export interface SourceOptions {
  /** One line a step, for the user. */
  onProgress?: (line: string) => void;
  signal?: AbortSignal | undefined;
  /** Ask Debian's mirror for a newer package although one is cached. */
  refresh?: boolean;
}

export interface KernelSource {
  /** Root of the kernel tree. Read only: it may be the user's own. */
  tree: string;
  /** Names the content. */
  key: string;
  /** Names the place that build directories of this source may share, whatever its content is today. */
  lineage: string;
  /** For people: `linux-source-6.1 6.1.192-2`, or the path given. */
  label: string;
  /** Of a tree of the user's own, which may change at any time: its state when it was named. */
  fingerprint?: string;
}

/**
 * Find or fetch kernel sources.
 *
 * @param spec `debian:<series>` (6.1, 6.12, 7.2, …), a kernel tree or a tarball of one
 * @throws LabError LAB_SOURCE, LAB_CACHE, LAB_DOWNLOAD, LAB_DISK_FULL, LAB_TOOL_MISSING, LAB_ABORTED
 */
export async function kernelSource(spec: string, o: SourceOptions = {}): Promise<KernelSource> {
  openCache();
  const debian = /^debian:(.*)$/.exec(spec);
  if (debian) return debianSource(debian[1] as string, o);
  const path = resolve(spec);
  const info = await stat(path).catch(() => undefined);
  if (!info)
    throw new LabError('LAB_SOURCE', `${spec} is neither debian:<version> nor a kernel tree or tarball`);
  if (info.isDirectory()) return treeSource(path);
  if (info.isFile()) return tarballSource(path, o);
  throw new LabError('LAB_SOURCE', `${spec} is a device or a pipe, neither a kernel tree nor a tarball`);
}

/** What makes a tree a kernel's. */
const TREE_FILES = ['Makefile', 'Kconfig', 'arch/x86/kvm/Kconfig'];
const IN_CACHE = TREE_FILES.map((file) => `tree/${file}`);

const sourcesDir = (): string => join(cacheRoot(), 'sources');

async function debianSource(series: string, o: SourceOptions): Promise<KernelSource> {
  if (!/^\d+\.\d+$/.test(series))
    throw new LabError('LAB_SOURCE', `debian:${series}: expected debian:<major>.<minor>, as in debian:6.1`);
  const name = `linux-source-${series}`;
  const cached = o.refresh ? undefined : await newestCached(name);
  const dir = cached ?? (await downloadDebian(name, series, o));
  const version = basename(dir).slice(name.length + 1);
  const key = basename(dir);
  return { tree: join(dir, 'tree'), key, lineage: key, label: `${name} ${version}` };
}

async function newestCached(name: string): Promise<string | undefined> {
  const entries = await readdir(sourcesDir()).catch(() => []);
  const whole = entries.filter(
    (entry) => entry.startsWith(`${name}_`) && isComplete(join(sourcesDir(), entry), IN_CACHE),
  );
  whole.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const newest = whole.at(-1);
  return newest && join(sourcesDir(), newest);
}

/** One process asks and downloads; others wait, then find what it left in the cache. */
async function downloadDebian(name: string, series: string, o: SourceOptions): Promise<string> {
  const aptDir = join(cacheRoot(), 'apt', series);
  const download = async (): Promise<string> => {
    const cached = o.refresh ? undefined : await newestCached(name);
    if (cached) return cached;
    try {
      return await downloadNewest(name, series, aptDir, o);
    } finally {
      await rm(aptDir, { recursive: true, force: true });
    }
  };
  const onWait = (): void => o.onProgress?.(`waiting for another process that gets ${name}`);
  return withLock(`${aptDir}.lock`, download, { signal: o.signal, onWait });
}

async function downloadNewest(
  name: string,
  series: string,
  aptDir: string,
  o: SourceOptions,
): Promise<string> {
  const quiet = { signal: o.signal };
  const suites = suitesFor(series);
  o.onProgress?.(`asking Debian's mirror for ${name}`);
  const apt = await PrivateApt.create(aptDir, suites);
  const complaints = await apt.update(quiet);
  const version = await apt.candidate(name, quiet);
  if (!version && complaints.length > 0)
    throw new LabError('LAB_DOWNLOAD', `cannot read the package lists of ${suites.join(', ')}`, complaints);
  if (!version) throw new LabError('LAB_SOURCE', `Debian's mirror has no ${name} in ${suites.join(', ')}`);
  const fill = async (temporary: string): Promise<void> => {
    o.onProgress?.(`downloading ${name} ${version}`);
    await apt.download(name, version, temporary, quiet);
    o.onProgress?.(`unpacking ${name} ${version}`);
    await unpackDeb(temporary, quiet);
  };
  return fillEntry(join(sourcesDir(), `${name}_${version}`), IN_CACHE, fill, quiet);
}

async function unpackDeb(dir: string, o: { signal?: AbortSignal | undefined }): Promise<void> {
  const deb = (await readdir(dir)).find((entry) => entry.endsWith('.deb')) as string;
  const unpacked = join(dir, 'deb');
  await mustExec('dpkg-deb', ['-x', join(dir, deb), unpacked], {
    ...o,
    code: 'LAB_SOURCE',
    what: `cannot unpack ${deb}`,
  });
  const usrSrc = join(unpacked, 'usr/src');
  const tarball = (await readdir(usrSrc)).find((entry) => /^linux-source.*\.tar/.test(entry));
  if (!tarball) throw new LabError('LAB_SOURCE', `${deb} holds no kernel tarball`);
  await unpackTarball(join(usrSrc, tarball), join(dir, 'tree'), o);
  await rm(unpacked, { recursive: true });
  await rm(join(dir, deb));
}

async function unpackTarball(
  tarball: string,
  target: string,
  o: { signal?: AbortSignal | undefined },
): Promise<void> {
  const what = `cannot unpack ${basename(tarball)}`;
  await mustExec('mkdir', ['-p', target], { ...o, code: 'LAB_SOURCE', what });
  const args = ['-xf', tarball, '-C', target, '--strip-components=1', '--no-same-owner'];
  await mustExec('tar', args, { ...o, code: 'LAB_SOURCE', what });
}

async function tarballSource(path: string, o: SourceOptions): Promise<KernelSource> {
  const key = `tarball_${(await fileHash(path)).slice(0, 16)}`;
  const dir = await fillEntry(
    join(sourcesDir(), key),
    IN_CACHE,
    async (temporary) => {
      o.onProgress?.(`unpacking ${basename(path)}`);
      await unpackTarball(path, join(temporary, 'tree'), { signal: o.signal });
      await assertKernelTree(join(temporary, 'tree'), path);
    },
    { signal: o.signal },
  );
  return { tree: join(dir, 'tree'), key, lineage: key, label: path };
}

async function treeSource(path: string): Promise<KernelSource> {
  await assertKernelTree(path, path);
  if (`${cacheRoot()}/`.startsWith(`${await realpath(path)}/`))
    throw new LabError('LAB_SOURCE', `the cache ${cacheRoot()} lies in the kernel tree: set XDG_CACHE_HOME`);
  const fingerprint = await treeFingerprint(path);
  const lineage = `tree_${contentKey(path)}`;
  return { tree: path, key: `tree_${fingerprint}`, lineage, label: path, fingerprint };
}

async function assertKernelTree(tree: string, name: string): Promise<void> {
  for (const file of TREE_FILES)
    if (!(await stat(join(tree, file)).catch(() => undefined)))
      throw new LabError('LAB_SOURCE', `${name} is not a kernel tree: it has no ${file}`);
}
