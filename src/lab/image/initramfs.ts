import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheRoot, contentKey, fillEntry } from '../cache.js';
import { LabError } from '../errors.js';
import { mustExec } from '../exec.js';
import { type CpioEntry, cpioArchive, S_IFCHR, S_IFLNK, S_IFREG } from './cpio.js';
import { NODE_TARGET } from './nodeimage.js';

export interface GuestFile {
  /** Path on this machine. */
  source: string;
  /** Absolute path in the lab. */
  target: string;
}

export interface Program {
  /** Path of the agent, a script for Node.js. */
  agent: string;
  files: readonly GuestFile[];
  args: readonly string[];
  /** Paths that are to be found below MOUNTED_AT. */
  mounted: readonly string[];
}

/** Where init mounts the file system with Node.js. */
const MOUNTED_AT = '/node';
// Lay /app out as the package is: the agent finds the addon and the guest two levels above itself.
const AGENT_FOLDER = '/app/dist/lab';
/** The first one is compiled, the others are what it includes. */
const INIT_SOURCES = ['init.c', 'modules.h'].map((name) =>
  fileURLToPath(new URL(`../../../guests/lab/${name}`, import.meta.url)),
);

/** The part of the initramfs that changes with each program: init, the agent, its files and arguments. A cpio archive. */
export async function programPart(program: Program): Promise<Buffer> {
  const agent = `${AGENT_FOLDER}/${basename(program.agent)}`;
  const argv = [NODE_TARGET, agent, ...program.args];
  const files = [{ source: program.agent, target: agent }, ...program.files];
  return cpioArchive([
    { path: '/dev/console', mode: S_IFCHR | 0o600, device: [5, 1] },
    { path: '/init', mode: S_IFREG | 0o755, data: await readFile(await initBinary()) },
    { path: '/lab/argv', mode: S_IFREG | 0o644, data: Buffer.from(argv.map((arg) => `${arg}\0`).join('')) },
    ...(await Promise.all(files.map(fileEntry))),
    ...program.mounted.map(linkEntry),
  ]);
}

/** The part of the initramfs that has a kernel's modules; init loads them before it runs the agent. A cpio archive. */
export const modulesPart = (modules: Buffer): Buffer =>
  cpioArchive([{ path: '/lab/modules', mode: S_IFREG | 0o600, data: modules }]);

function linkEntry(path: string): CpioEntry {
  return { path, mode: S_IFLNK | 0o777, data: Buffer.from(MOUNTED_AT + path) };
}

async function fileEntry({ source, target }: GuestFile): Promise<CpioEntry> {
  if (!/^\/[^\0]+$/.test(target) || target.split('/').includes('..'))
    throw new LabError('LAB_FILE', `${target} is not an absolute path in the lab`);
  const data = await readFile(source).catch(() => {
    throw new LabError('LAB_FILE', `cannot read ${source}`);
  });
  return { path: target, mode: S_IFREG | 0o755, data };
}

/** Path of the static init, compiled once for each version of its source. */
async function initBinary(): Promise<string> {
  const key = contentKey(...(await Promise.all(INIT_SOURCES.map((source) => readFile(source)))));
  const dir = await fillEntry(join(cacheRoot(), 'init', key), ['init'], async (temporary) => {
    const args = ['-static', '-Os', '-s', '-Wall', '-o', join(temporary, 'init'), INIT_SOURCES[0] as string];
    await mustExec('gcc', args, { code: 'LAB_BUILD', what: 'cannot compile the lab’s init' });
  });
  return join(dir, 'init');
}
