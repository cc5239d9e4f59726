import { closeSync, existsSync, openSync, readdirSync, readSync, statfsSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import type { Missing } from '../text/missing.js';
import { cacheRoot, isComplete } from './cache.js';
import { LabError } from './errors.js';
import { releaseOf } from './image/identity.js';
import { BOCHS_FILES } from './machine/bochs.js';
import { savingProgram } from './machine/snapshot/emulator.js';
import { savedMachines, snapshotLimit } from './machine/snapshot/store.js';
import { makeScratch, removeScratch, temporaryDirectory } from './scratch.js';

/** What a part of the lab is made of: programs, or files by their whole path, each with its Debian package. */
type Needed = readonly (readonly [file: string, debianPackage: string])[];

const ENGINES = {
  bochs: [
    ['bochs-bin', 'bochs'],
    ['/usr/share/bochs/BIOS-bochs-latest', 'bochsbios'],
    ['/usr/share/bochs/VGABIOS-lgpl-latest', 'bochs'],
    ['/usr/lib/x86_64-linux-gnu/bochs/plugins/libbx_sdl2_gui.so', 'bochs-sdl'],
  ],
  'qemu-tcg': [['qemu-system-x86_64', 'qemu-system-x86']],
} as const satisfies Record<string, Needed>;

/** What building a kernel takes. */
const BUILD: Needed = [
  ...['gcc', 'make', 'flex', 'bison', 'bc', 'lz4', 'perl', 'rsync', 'patch'].map(
    (tool) => [tool, tool] as const,
  ),
  ['ld', 'binutils'],
  ['xz', 'xz-utils'],
  ['/usr/include/libelf.h', 'libelf-dev'],
  ['/usr/include/openssl/opensslv.h', 'libssl-dev'],
];

const isThere = (file: string, path: string): boolean =>
  isAbsolute(file) ? existsSync(file) : path.split(delimiter).some((dir) => existsSync(join(dir, file)));

/** What of these is not there; undefined if all is. */
export function missingOf(needed: Needed, path = process.env.PATH ?? ''): Missing | undefined {
  const lacking = needed.filter(([file]) => !isThere(file, path));
  if (lacking.length === 0) return undefined;
  const packages = [...new Set(lacking.map(([, name]) => name))];
  const verb = lacking.length === 1 ? 'is' : 'are';
  return {
    reason: `${lacking.map(([file]) => file).join(', ')} ${verb} not installed`,
    lift: `apt-get install ${packages.join(' ')}`,
  };
}

const HEAD = 1 << 16;

/** `uname -r` of an image, from its first bytes. */
function releaseAt(image: string): string {
  const bytes = Buffer.alloc(HEAD);
  const fd = openSync(image, 'r');
  try {
    readSync(fd, bytes, 0, HEAD, 0);
  } finally {
    closeSync(fd);
  }
  return releaseOf(bytes) ?? 'unknown';
}

/** How many kernels of each release the cache has. */
function cachedKernels(root: string): Record<string, number> {
  const folder = join(root, 'kernels');
  const kernels = existsSync(folder) ? readdirSync(folder) : [];
  const counts: Record<string, number> = {};
  for (const name of kernels) {
    const dir = join(folder, name);
    if (!isComplete(dir, ['bzImage'])) continue;
    const release = releaseAt(join(dir, 'bzImage'));
    counts[release] = (counts[release] ?? 0) + 1;
  }
  return counts;
}

/** A folder that the lab writes into: how much room is there, or why it cannot be used. */
type Room = { path: string; freeBytes: number } | Missing;

function roomIn(use: () => string): Room {
  try {
    const path = use();
    const { bavail, bsize } = statfsSync(path);
    return { path, freeBytes: bavail * bsize };
  } catch (error) {
    const { message } = error as Error;
    return {
      reason: message.replace(/: set [^:]*$/, ''),
      lift: error instanceof LabError ? (/: (set [^:]*)$/.exec(message)?.[1] ?? 'mend it') : 'mend it',
    };
  }
}

/** The nearest folder above that is there: the cache is made with its first kernel. */
function existing(path: string): string {
  return existsSync(path) ? path : existing(join(path, '..'));
}

function triedScratch(): string {
  removeScratch(makeScratch());
  return temporaryDirectory();
}

/** Machines that are saved, or why none can be. */
type Snapshots = { count: number; bytes: number; limit: number } | Missing;

function snapshotsOf(): Snapshots {
  const missing = missingOf([...ENGINES.bochs, ['gcc', 'gcc']]);
  if (missing !== undefined) return missing;
  try {
    savingProgram(BOCHS_FILES.tool);
  } catch (error) {
    return {
      reason: (error as Error).message,
      lift: 'run on Debian 12, whose bochs package is of that version',
    };
  }
  const saved = savedMachines();
  return {
    count: saved.length,
    bytes: saved.reduce((sum, { size }) => sum + size, 0),
    limit: snapshotLimit(),
  };
}

/** What of the lab is there. */
export interface LabInventory {
  /** What each engine lacks. */
  engines: Record<keyof typeof ENGINES, Missing | undefined>;
  /** What building a kernel lacks. */
  build: Missing | undefined;
  /** Number of kernels in the cache, by release. */
  kernels: Record<string, number>;
  snapshots: Snapshots;
  cache: Room;
  temporary: Room;
}

/** See what of the lab is there. Starts nothing. */
export function labInventory(): LabInventory {
  const cache = roomIn(() => existing(cacheRoot()));
  return {
    engines: { bochs: missingOf(ENGINES.bochs), 'qemu-tcg': missingOf(ENGINES['qemu-tcg']) },
    build: missingOf(BUILD),
    kernels: 'path' in cache ? cachedKernels(cacheRoot()) : {},
    snapshots: 'path' in cache ? snapshotsOf() : cache,
    cache,
    temporary: roomIn(triedScratch),
  };
}
