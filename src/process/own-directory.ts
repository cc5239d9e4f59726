import { closeSync, constants, fstatSync, openSync, readdirSync } from 'node:fs';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
const WRITABLE_BY_OTHERS = 0o022;

/** Open a directory that is ours and that nobody else can write to; undefined if it is anything else, a link to one included. */
function openOwn(path: string): number | undefined {
  let fd: number;
  try {
    fd = openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch {
    return undefined;
  }
  const { uid, mode } = fstatSync(fd);
  if (uid === process.geteuid?.() && (mode & WRITABLE_BY_OTHERS) === 0) return fd;
  closeSync(fd);
  return undefined;
}

/** Whether a path is a directory of ours, no link to one, that nobody else can write to. */
export function isOwnDirectory(path: string): boolean {
  const fd = openOwn(path);
  if (fd !== undefined) closeSync(fd);
  return fd !== undefined;
}

/**
 * Call `visit` for each name in a directory, if it is ours alone, with a path that leads there whatever happens to the directory's
 * own name meanwhile. Only we can change what is inside.
 */
export function visitOwnDirectory(path: string, visit: (name: string, safePath: string) => void): void {
  const fd = openOwn(path);
  if (fd === undefined) return;
  try {
    for (const name of readdirSync(`/proc/self/fd/${fd}`)) visit(name, `/proc/self/fd/${fd}/${name}`);
  } finally {
    closeSync(fd);
  }
}
