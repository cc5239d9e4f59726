import { readdir, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { cacheRoot, fillEntry } from '../cache.js';
import { LabError } from '../errors.js';
import { type ExecOptions, exec, mustExec } from '../exec.js';
import { PrivateApt } from '../kernel/apt.js';
import { treeFingerprint } from '../kernel/fingerprint.js';

/** The sources of an emulator. */
export interface EmulatorSource {
  /** Their root. Read only: it may be the user's own. */
  tree: string;
  /** Names the content. */
  key: string;
  label: string;
}

/** The Debian release whose Bochs saves machines. */
const SUITES = ['bookworm', 'bookworm-updates', 'bookworm-security'];
const IN_CACHE = ['tree/configure'];

/**
 * Find or fetch Bochs' sources.
 *
 * @param folder an unpacked tree; if not given, Debian's source package of the installed version
 * @throws LabError LAB_SOURCE, LAB_DOWNLOAD, LAB_TOOL_MISSING, LAB_CACHE, LAB_ABORTED
 */
export async function emulatorSource(
  folder: string | undefined,
  onProgress: ((line: string) => void) | undefined,
  o: Pick<ExecOptions, 'signal'>,
): Promise<EmulatorSource> {
  return folder === undefined ? debianSource(onProgress, o) : folderSource(resolve(folder));
}

async function folderSource(tree: string): Promise<EmulatorSource> {
  for (const file of ['configure', 'cpu/cpu.cc'])
    if (!(await stat(join(tree, file)).catch(() => undefined)))
      throw new LabError('LAB_SOURCE', `${tree} is not a tree of Bochs’ sources: it has no ${file}`);
  return { tree, key: `tree_${await treeFingerprint(tree)}`, label: tree };
}

async function installedVersion(o: ExecOptions): Promise<string> {
  const { status, stdout } = await exec('dpkg-query', ['-W', 'bochs'], o);
  const version = /^bochs\S*\t([\w.+~:-]+)$/m.exec(stdout)?.[1];
  if (status === 0 && version !== undefined) return version;
  throw new LabError('LAB_TOOL_MISSING', 'bochs-bin is not installed: apt-get install bochs');
}

async function debianSource(
  onProgress: ((line: string) => void) | undefined,
  o: ExecOptions,
): Promise<EmulatorSource> {
  const version = await installedVersion(o);
  const key = `bochs_${version}`;
  const fill = async (temporary: string): Promise<void> => {
    onProgress?.(`downloading the sources of bochs ${version}`);
    const apt = await PrivateApt.create(join(temporary, 'apt'), SUITES, 'deb-src');
    await apt.update(o);
    await apt.downloadSource('bochs', version, temporary, o);
    const [dsc] = (await readdir(temporary)).filter((name) => name.endsWith('.dsc'));
    const unpack = ['--no-check', '-x', String(dsc), 'tree'];
    const what = 'cannot unpack the sources of bochs';
    await mustExec('dpkg-source', unpack, { ...o, cwd: temporary, code: 'LAB_SOURCE', what });
    await rm(join(temporary, 'apt'), { recursive: true });
  };
  const dir = await fillEntry(join(cacheRoot(), 'sources', key), IN_CACHE, fill, o);
  return { tree: join(dir, 'tree'), key, label: `bochs ${version}` };
}
