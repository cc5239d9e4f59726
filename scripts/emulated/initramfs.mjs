// What the emulated machine boots with: a shell, the kernel's modules in the order in which they go in, and what is to be run.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SetupError } from '../lib/failure.mjs';

/** What the machine needs, each with its parameters. What a kernel has built in, it has no module of. */
const MODULES = [
  ...['netfs', '9pnet', '9pnet_virtio', '9p', 'overlay'],
  ...['irqbypass', 'rng-core', 'ccp', 'kvm'],
  // Shadow paging, as on a host whose processor has no nested paging: QEMU's own has the dirty log tell of pages that were only read.
  'kvm-amd npt=0',
];
const INIT = fileURLToPath(new URL('init.sh', import.meta.url));
const MODULE_FILE = /^(.*)\.ko(\.xz|\.zst)?$/;
const UNPACK = { '.xz': 'xz', '.zst': 'zstd' };
const MOST_BYTES = 1 << 28;
const [S_IFREG, EXECUTABLE] = [0o100000, 0o755];

/** @returns {Map<string, string>} the path of each module by its name */
function modulesIn(folder) {
  const files = readdirSync(folder, { recursive: true }).filter((name) => MODULE_FILE.test(name));
  return new Map(files.map((file) => [MODULE_FILE.exec(basename(file))[1], join(folder, file)]));
}

function moduleBytes(path) {
  const unpack = UNPACK[MODULE_FILE.exec(path)[2]];
  return unpack ? execFileSync(unpack, ['-dc', path], { maxBuffer: MOST_BYTES }) : readFileSync(path);
}

/**
 * @param {string} kernel the folder of a Debian kernel's files
 * @param {{ command: string, places: Record<string, string> }} run a shell script; the folders that init.sh names
 * @returns {Promise<Buffer>} an archive for the kernel
 */
export async function initramfs(kernel, { command, places }) {
  const { cpioArchive } = await import('../../dist/lab/image/cpio.js');
  const found = modulesIn(join(kernel, 'lib/modules'));
  const order = MODULES.filter((line) => found.has(line.split(' ')[0]));
  if (!order.some((line) => line.startsWith('kvm-amd')))
    throw new SetupError('the kernel of Debian has no module kvm-amd', { code: 'EMULATED_KERNEL' });
  const file = (path, data) => ({ path, mode: S_IFREG | EXECUTABLE, data: Buffer.from(data) });
  const names = order.map((line) => line.split(' ')[0]);
  return cpioArchive([
    file('/init', readFileSync(INIT)),
    file('/bin/busybox', readFileSync('/bin/busybox')),
    file('/command', command),
    file(
      '/environment',
      Object.entries(places)
        .map(([name, path]) => `${name}='${path}'\n`)
        .join(''),
    ),
    file('/modules/order', `${order.join('\n')}\n`),
    ...names.map((name) => file(`/modules/${name}.ko`, moduleBytes(found.get(name)))),
    ...['proc', 'sys', 'dev'].map((name) => file(`/${name}/.keep`, '')),
  ]);
}
