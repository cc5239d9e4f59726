import { copyFile, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheRoot, contentKey, fillEntry } from './cache.js';
import { type CpioEntry, cpioArchive, S_IFCHR, S_IFREG } from './cpio.js';
import { LabError } from './errors.js';
import { exec, mustExec } from './exec.js';

export interface GuestFile {
  /** Path on this machine. */
  source: string;
  /** Absolute path in the lab. */
  target: string;
}

const NODE_TARGET = '/usr/bin/node';
const INIT_SOURCE = fileURLToPath(new URL('../../src/lab/init.c', import.meta.url));

/** The part that changes with each program: init, the agent, its files and arguments. A cpio archive. */
export async function programPart(
  program: string,
  files: readonly GuestFile[],
  args: readonly string[],
): Promise<Buffer> {
  const agent = '/app/dist/lab/agent.mjs';
  const argv = [NODE_TARGET, agent, ...args];
  const copies = await Promise.all([{ source: program, target: agent }, ...files].map(fileEntry));
  return cpioArchive([
    { path: '/dev/console', mode: S_IFCHR | 0o600, device: [5, 1] },
    { path: '/init', mode: S_IFREG | 0o755, data: await readFile(await initBinary()) },
    { path: '/lab/argv', mode: S_IFREG | 0o644, data: Buffer.from(argv.map((arg) => `${arg}\0`).join('')) },
    ...copies,
  ]);
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
  const key = contentKey(await readFile(INIT_SOURCE));
  const dir = await fillEntry(join(cacheRoot(), 'init', key), async (temporary) => {
    const args = ['-static', '-Os', '-s', '-Wall', '-o', join(temporary, 'init'), INIT_SOURCE];
    await mustExec('gcc', args, { code: 'LAB_BUILD', what: 'cannot compile the lab’s init' });
  });
  return join(dir, 'init');
}

/** Path of the part that hardly ever changes: Node.js and its shared libraries. A cpio archive. */
export async function nodePart(node: string = process.execPath): Promise<string> {
  const libraries = await sharedLibraries(node);
  const files = [{ source: await realpath(node), target: NODE_TARGET }, ...libraries];
  const identity = await Promise.all(files.map(async ({ source }) => identify(source)));
  const dir = await fillEntry(join(cacheRoot(), 'initramfs', contentKey(...identity)), async (temporary) => {
    const entries = await Promise.all(files.map((file) => strippedEntry(file, temporary)));
    await writeFile(join(temporary, 'node.cpio'), cpioArchive(entries));
  });
  return join(dir, 'node.cpio');
}

async function identify(path: string): Promise<string> {
  const info = await stat(path);
  return `${path} ${info.size} ${info.mtimeMs}`;
}

/** Without symbols Node is a sixth smaller; without strip(1) it is taken as it is. */
async function strippedEntry(file: GuestFile, scratch: string): Promise<CpioEntry> {
  const copy = join(scratch, file.target.replaceAll('/', '_'));
  await copyFile(file.source, copy);
  await exec('strip', ['--strip-unneeded', copy]).catch(() => undefined);
  const data = await readFile(copy);
  await rm(copy);
  return { path: file.target, mode: S_IFREG | 0o755, data };
}

/** Ask the dynamic loader which libraries a program loads, and where from. */
async function sharedLibraries(program: string): Promise<GuestFile[]> {
  const { stdout } = await exec('ldd', [program]);
  const paths = [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x[0-9a-f]+\)/g)].map((match) => match[1] as string);
  return Promise.all(paths.map(async (path) => ({ source: await realpath(path), target: path })));
}
