import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GuestFile } from '../../src/lab/image/initramfs.js';
import { runtimeFiles, sharedLibraries } from '../../src/lab/image/nodeimage.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Where the package lies in the lab. */
export const PACKAGE_AT = '/app';

/** The command line in the lab, a file for Node.js. */
export const LAB_BIN = `${PACKAGE_AT}/bin/kvm-memtype.js`;

const isProgram = (path: string): boolean => /\.(js|cjs|mjs|json|node|elf|cache)$/.test(path);

function filesBelow(dir: string): string[] {
  return readdirSync(join(ROOT, dir), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length))
    .filter(isProgram);
}

/** Folders of the npm packages that the program needs to run, dependencies of dependencies included. */
function runtimePackages(): string[] {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean }>;
  };
  return Object.entries(lock.packages)
    .filter(([path, { dev }]) => path !== '' && !dev && existsSync(join(ROOT, path)))
    .map(([path]) => path);
}

/** The package as npm installs it, built, with what it needs to run. */
function packageFiles(): GuestFile[] {
  const below = ['bin', 'dist', 'build/Release', ...runtimePackages()].flatMap(filesBelow);
  return ['package.json', ...new Set(below)].map((path) => ({
    source: join(ROOT, path),
    target: join(PACKAGE_AT, path),
  }));
}

/** A tool of this machine, such as `/usr/bin/setpriv`, and the libraries that Node.js has not brought with it. */
export async function toolFiles(tool: string): Promise<GuestFile[]> {
  const there = new Set((await runtimeFiles()).map(({ target }) => target));
  const libraries = await sharedLibraries(tool);
  return [
    { source: realpathSync(tool), target: tool },
    ...libraries.filter(({ target }) => !there.has(target)),
  ];
}

/** Everything that makes the lab a host on which the whole command line runs. */
export async function hostFiles(): Promise<GuestFile[]> {
  return [...packageFiles(), ...(await toolFiles('/usr/bin/setpriv'))];
}
