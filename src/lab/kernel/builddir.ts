import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ExecOptions, type ExecResult, exec } from '../exec.js';

/**
 * Run make and take the mark away when it ends by itself, or by SIGTERM: then it has removed what it was in the middle of. The
 * shell passes SIGTERM on, which it also gets when its parent dies, to make's whole process group: the compilers, which make does not
 * know, go at once as well. Nobody reads what it says then.
 */
const MAKE = `
  mark=$1; shift
  setsid make "$@" & pid=$!
  trap 'kill -- -$pid' TERM
  trap '' PIPE
  wait $pid; status=$?
  if [ $status -gt 128 ]; then wait $pid; fi
  rm -f "$mark"
  exit $status`;

const PREFIX = 'build-';
/** Renamed to this before it is removed: a removal that is killed leaves no half directory to build in. */
const GONE = 'gone-';
/** What the only build directory of a source was called, and its mark. */
const FORMER = ['build', 'building'];

/** Directories that one source may have, the one in use among them. */
const KEPT = 4;
const UNUSED_MS = 30 * 24 * 3600 * 1000;

/**
 * Where one tree is built with one configuration. Its place is fixed, as the tree's: kbuild writes absolute paths into its
 * dependency files. Hold the tree's lock while using it.
 *
 * Directories share the tree, whose files get the time of now whenever they change: later than all that any of them holds.
 */
export class BuildDir {
  readonly path: string;
  private readonly name: string;
  private readonly mark: string;

  /** @param key names the configuration and the compiler */
  constructor(
    private readonly root: string,
    private readonly tree: string,
    key: string,
  ) {
    this.name = `${PREFIX}${key}`;
    this.path = join(root, this.name);
    this.mark = join(this.path, '.building');
  }

  /** Make it ready for make, and remove directories that were not used for long. */
  async open(): Promise<void> {
    await removeStale(this.root, this.name);
    await mkdir(this.path, { recursive: true });
    await this.distrustKilledBuild();
    await writeFile(usedStamp(this.path), '');
  }

  /** It outlives neither an abort nor this process. */
  async make(args: readonly string[], o: ExecOptions): Promise<ExecResult> {
    await writeFile(this.mark, '');
    return exec('sh', ['-c', MAKE, 'sh', this.mark, '-C', this.tree, `O=${this.path}`, ...args], o);
  }

  /** A make that was killed may have left half an object behind: what is younger than its start goes. */
  private async distrustKilledBuild(): Promise<void> {
    if (!existsSync(this.mark)) return;
    await exec('find', [this.path, '-type', 'f', '-newer', this.mark, '-delete']);
    await rm(this.mark);
  }
}

/** Remove every build directory of a source: its tree is new, with times that say nothing. */
export async function removeBuildDirs(root: string): Promise<void> {
  for (const name of await readdir(root)) if (isBuildDir(name)) await remove(root, name);
}

async function removeStale(root: string, current: string): Promise<void> {
  const names = await readdir(root).catch(() => []);
  for (const name of names) if (name.startsWith(GONE) || FORMER.includes(name)) await remove(root, name);
  const others = names.filter((name) => isBuildDir(name) && name !== current);
  const times = new Map<string, number>();
  for (const name of others) times.set(name, await lastUse(join(root, name)));
  const byAge = others.sort((a, b) => (times.get(b) as number) - (times.get(a) as number));
  const oldest = Date.now() - UNUSED_MS;
  for (const [index, name] of byAge.entries())
    if (index >= KEPT - 1 || (times.get(name) as number) < oldest) await remove(root, name);
}

const isBuildDir = (name: string): boolean => name.startsWith(PREFIX);

const usedStamp = (path: string): string => join(path, '.used');

async function lastUse(path: string): Promise<number> {
  const stamp = await stat(usedStamp(path)).catch(() => undefined);
  return stamp?.mtimeMs ?? 0;
}

async function remove(root: string, name: string): Promise<void> {
  const gone = join(root, name.startsWith(GONE) ? name : `${GONE}${name}`);
  if (!name.startsWith(GONE)) {
    await rm(gone, { recursive: true, force: true });
    await rename(join(root, name), gone);
  }
  await rm(gone, { recursive: true, force: true });
}
