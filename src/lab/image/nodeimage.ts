import { copyFile, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheRoot, contentKey, fillEntry } from '../cache.js';
import { exec } from '../exec.js';
import { cpioArchive, S_IFREG } from './cpio.js';
import { erofsImage } from './erofs.js';
import { alignForLargePages } from './large-pages.js';

/** Where the lab finds Node.js. */
export const NODE_TARGET = '/usr/bin/node';

/** The two ways to bring Node.js in: copied out of an initramfs, or mapped from a file system that lies in memory. */
export type NodeForm = 'cpio' | 'erofs';

interface RuntimeFile {
  source: string;
  /** Absolute path in the lab. */
  target: string;
}

/** Files of Node.js' own JavaScript that a distribution ships beside the binary, as Debian does from 13 on: without them it aborts. */
export function externalBuiltins(defines: readonly string[]): string[] {
  return defines.flatMap((define) => /^NODE_SHARED_BUILTIN_\w+_PATH=(\/.+)$/.exec(define)?.[1] ?? []);
}

/** This Node.js, the shared libraries it loads and the JavaScript it starts with, as files of this machine. */
export async function runtimeFiles(): Promise<RuntimeFile[]> {
  const node = process.execPath;
  const { defines = [] } = process.config.target_defaults;
  const builtins = await Promise.all(externalBuiltins(defines).map(asItIs));
  return [
    { source: await realpath(node), target: NODE_TARGET },
    ...(await sharedLibraries(node)),
    ...builtins,
  ];
}

/** A file that has the same path in the lab. */
async function asItIs(path: string): Promise<RuntimeFile> {
  return { source: await realpath(path), target: path };
}

/** Path of an archive or image with the files, made once for each state of them. */
export async function nodeImage(form: NodeForm, files: readonly RuntimeFile[]): Promise<string> {
  const identity = await Promise.all(files.map(({ source }) => identify(source)));
  const dir = join(cacheRoot(), 'node', `${form}-${contentKey(...identity)}`);
  await fillEntry(dir, ['image'], async (temporary) => {
    const contents = await Promise.all(files.map((file) => stripped(file, temporary)));
    await writeFile(join(temporary, 'image'), form === 'cpio' ? asArchive(contents) : asFileSystem(contents));
  });
  return join(dir, 'image');
}

type Content = { path: string; data: Buffer };

function asArchive(contents: readonly Content[]): Buffer {
  return cpioArchive(contents.map(({ path, data }) => ({ path, data, mode: S_IFREG | 0o755 })));
}

function asFileSystem(contents: readonly Content[]): Buffer {
  return erofsImage(
    contents.map(({ path, data }) => ({
      path,
      data: path === NODE_TARGET ? alignForLargePages(data) : data,
    })),
  );
}

async function identify(path: string): Promise<string> {
  const info = await stat(path);
  return `${path} ${info.size} ${info.mtimeMs}`;
}

/** Without symbols Node is a sixth smaller; without strip(1) it is taken as it is. */
async function stripped({ source, target }: RuntimeFile, scratch: string): Promise<Content> {
  const copy = join(scratch, target.replaceAll('/', '_'));
  await copyFile(source, copy);
  await exec('strip', ['--strip-unneeded', copy]).catch(() => undefined);
  const data = await readFile(copy);
  await rm(copy);
  return { path: target, data };
}

/** Ask the dynamic loader which libraries a program loads, and where from. */
export async function sharedLibraries(program: string): Promise<RuntimeFile[]> {
  const { stdout } = await exec('ldd', [program]);
  const paths = [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x[0-9a-f]+\)/g)].map((match) => match[1] as string);
  return Promise.all(paths.map(asItIs));
}
