import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/**
 * podman's arguments for a store of our own in `folder`: nobody's images are touched, and ours go with the cache.
 * runc is named as Debian 12's crun refuses the older two sorts of cgroups side by side.
 */
export const storeArguments = (folder) => [
  ...['--root', join(folder, 'store'), '--runroot', join(folder, 'run')],
  ...['--storage-driver', 'overlay', '--runtime', 'runc'],
];

/** podman would raise limits, which not every root may. */
export const LIMITS = ['--ulimit', 'nofile=1024:4096', '--ulimit', 'nproc=4096:4096'];

/**
 * Run kvm-memtype in a container that is thrown away, without a network.
 * @param {{ folder: string, name: string }} image as containerImage() made it
 * @param {string[]} options of `podman run`
 * @param {string[]} args of kvm-memtype
 * @returns {{ status: number | null, stdout: string, stderr: string }}
 */
export function runContainer({ folder, name }, options, args) {
  const words = [
    ...storeArguments(folder),
    ...['run', '--rm', '--network', 'none', ...LIMITS, ...options],
    name,
    ...args,
  ];
  const { status, stdout, stderr } = spawnSync('podman', words, { encoding: 'utf8' });
  return { status, stdout, stderr };
}
