import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** How often files are looked at. Asking needs no handle, sees a file that another one replaces by its name, and works on every file system. */
const POLL_MS = 250;
/** A file that is still being written is left alone. */
const QUIET_MS = 500;
/** Files of a folder that are looked at. */
const MOST_FILES = 1000;

/** What tells one state of files from another: which file bears each name, how large it is, when it was written. */
export type FilesStamp = string;

async function stampOf(path: string, deep = true): Promise<string> {
  try {
    const info = await stat(path, { bigint: true });
    if (info.isDirectory()) return deep ? await folderStamp(path) : '';
    return `${info.dev}:${info.ino} ${info.size} ${info.mtimeNs}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable';
  }
}

/** Of a folder's own files; those below its folders are not looked at. */
async function folderStamp(path: string): Promise<string> {
  const names = (await readdir(path)).sort().slice(0, MOST_FILES);
  const stamps = await Promise.all(names.map((name) => stampOf(join(path, name), false)));
  return names.map((name, i) => `${name} ${stamps[i]}`).join('\n');
}

/** The state that files, and the files of folders, have now. One that is not there, or cannot be read, is a state as well. */
export const stampFiles = async (paths: readonly string[]): Promise<FilesStamp> =>
  (await Promise.all(paths.map((path) => stampOf(path)))).join('\0');

/**
 * Wait until files have another state than `before`, and have kept it for half a second.
 *
 * @throws AbortError once `signal` is aborted
 */
export async function filesChange(
  paths: readonly string[],
  before: FilesStamp,
  signal: AbortSignal,
): Promise<void> {
  let [last, since] = [before, 0];
  for (;;) {
    const now = await stampFiles(paths);
    if (now !== last) [last, since] = [now, performance.now()];
    else if (now !== before && performance.now() - since >= QUIET_MS) return;
    await sleep(POLL_MS, undefined, { signal });
  }
}
