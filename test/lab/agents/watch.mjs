// Watches QEMU, as Debian ships it, while it boots Linux in the lab. Prints what `watch` said and what the guest said, one JSON object a line.
import { spawn } from 'node:child_process';
import { mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';

const PCI = '/sys/bus/pci';
const read = (path) => readFileSync(path, 'utf8').trim();

/** Give the lab's network card to VFIO, without an IOMMU. */
function takeCard() {
  writeFileSync('/sys/module/vfio/parameters/enable_unsafe_noiommu_mode', 'Y');
  const card = readdirSync(`${PCI}/devices`).find((bdf) => read(`${PCI}/devices/${bdf}/device`) === '0x100e');
  writeFileSync(`${PCI}/devices/${card}/driver_override`, 'vfio-pci');
  writeFileSync(`${PCI}/drivers_probe`, card);
}

const QEMU = [
  '/usr/bin/qemu-system-x86_64',
  ...['-accel', 'kvm', '-cpu', 'host', '-M', 'pc', '-m', '96', '-smp', '2'],
  ...['-nodefaults', '-no-user-config', '-display', 'none', '-vga', 'none', '-net', 'none', '-no-reboot'],
  ...['-serial', 'file:/tmp/serial', '-kernel', '/guest/bzImage', '-initrd', '/guest/initrd'],
  ...['-append', 'console=ttyS0 mitigations=off nokaslr tsc=reliable panic=-1 random.trust_cpu=1'],
];

const WATCH = [process.execPath, '/app/bin/kvm-memtype.js', 'watch'];
const now = () => Number(process.hrtime.bigint()) / 1e9;

/** Start a command with its output in files; `end` tells how it ended, and how many seconds of the machine's clock it took. */
function start([tool, ...args], { name = 'out', env = {} } = {}) {
  const files = ['out', 'err'].map((suffix) => `/tmp/${name}.${suffix}`);
  const stdio = ['ignore', ...files.map((file) => openSync(file, 'w'))];
  const begin = now();
  const child = spawn(tool, args, { stdio, env: { ...process.env, ...env } });
  const end = new Promise((resolve) => {
    child.once('error', (error) => resolve({ status: -1, err: String(error) }));
    child.once('exit', (status, signal) => {
      const [out, err] = files.map(read);
      resolve({ status, signal, seconds: now() - begin, out, err });
    });
  });
  return { child, end };
}

const run = (...args) => start(...args).end;

const instances = () => readdirSync('/sys/kernel/tracing/instances');
const left = () => ({ instances: instances(), probes: read('/sys/kernel/tracing/kprobe_events') });
const serial = () => read('/tmp/serial').split('\n').slice(-3);

const DEVICE = { LD_PRELOAD: '/guest/noncoherent.so' };

const STAGES = {
  /** From its first moment. */
  watched: async () => {
    const command = [
      ...WATCH,
      '--format',
      'json',
      '--interval',
      '20000',
      '--record',
      '/tmp/trace',
      '--',
      ...QEMU,
    ];
    const told = await run(command, { env: DEVICE });
    tell({ ...told, serial: serial(), left: left(), trace: read('/tmp/trace') });
  },
};

let stage;
const tell = (data) => console.log(JSON.stringify({ stage, ...data }));

mkdirSync('/run', { recursive: true });
takeCard();
for (stage of process.argv.slice(2)) await STAGES[stage]();
