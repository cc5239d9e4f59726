// Watches QEMU, as Debian ships it, while it boots Linux in the lab. Prints what `watch` said and what the guest said, one JSON object a line.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const PCI = '/sys/bus/pci';
const LARGE_PAGES = '/sys/kernel/mm/transparent_hugepage/enabled';
const POLL_MS = 500;
const GUARD = 'kvm-memtype-guard';
const MOST_POLLS = 600;
const read = (path) => readFileSync(path, 'utf8').trim();

/** Give the lab's network card to VFIO, without an IOMMU. */
function takeCard() {
  writeFileSync('/sys/module/vfio/parameters/enable_unsafe_noiommu_mode', 'Y');
  const card = readdirSync(`${PCI}/devices`).find((bdf) => read(`${PCI}/devices/${bdf}/device`) === '0x100e');
  writeFileSync(`${PCI}/devices/${card}/driver_override`, 'vfio-pci');
  writeFileSync(`${PCI}/drivers_probe`, card);
}

const APPEND = 'console=ttyS0 mitigations=off nokaslr tsc=reliable panic=-1 random.trust_cpu=1';
/** Where the guest's console goes. */
const SERIAL = '/tmp/serial';
/** Memory of the guest. */
const MIB = '96';
const qemu = (vcpus) => [
  '/usr/bin/qemu-system-x86_64',
  ...['-accel', 'kvm', '-cpu', 'host', '-M', 'pc', '-m', MIB, '-smp', String(vcpus)],
  ...['-nodefaults', '-no-user-config', '-display', 'none', '-vga', 'none', '-net', 'none', '-no-reboot'],
  ...['-serial', `file:${SERIAL}`, '-kernel', '/guest/bzImage', '-initrd', '/guest/initrd'],
  ...['-append', APPEND],
];
const QEMU = qemu(2);

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
/** What a guest has said by now; QEMU makes the file as it starts. */
const said = () => (existsSync(SERIAL) ? read(SERIAL) : '');
const serial = () => said().split('\n').slice(-3);

const DEVICE = { LD_PRELOAD: '/guest/noncoherent.so' };

/** Wait for something; not for ever, so that what came instead can be told. */
async function until(condition) {
  for (let i = 0; i < MOST_POLLS && !condition(); i++) await sleep(POLL_MS);
}

/** Command lines of processes with this word in them. */
const processesWith = (word) =>
  readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      try {
        const line = read(`/proc/${pid}/cmdline`);
        return line.includes(word) ? [line] : [];
      } catch {
        return []; // It ended just now.
      }
    });

/** Kill a watcher once it has put its probes; what it leaves is to go. */
async function kill() {
  const { child, end } = start([...WATCH, '--', 'sleep', '3600']);
  await until(() => child.exitCode !== null || left().probes.includes('/zapped '));
  const before = left();
  child.kill('SIGKILL');
  const { signal, err } = await end;
  await until(() => left().probes === '' && processesWith(GUARD).length === 0);
  tell({ signal, err, before, left: left(), guards: processesWith(GUARD) });
}

/** Have a guest of QEMU run, which takes a bit more memory from time to time, while its process is watched. */
async function attach(device, watch) {
  const args = QEMU.map((arg) => (arg === APPEND ? `${arg} -- touch` : arg === MIB ? '256' : arg));
  rmSync(SERIAL, { force: true }); // an earlier guest's
  const { child, end } = start(args, { name: 'qemu', env: device });
  await until(() => child.exitCode !== null || said().includes('Run /init'));
  const seen = await watch(String(child.pid));
  child.kill();
  tell({ ...(await end), ...seen, left: left(), serial: serial() });
}

const ATTACHED = [...WATCH, '--time', '30'];

async function attachTwice(pid) {
  const opts = ['--interval', '5000', '--format', 'json'];
  const by = {
    pid: await run([...ATTACHED, ...opts, '--pid', pid]),
    name: await run([...ATTACHED, ...opts, '--name', 'qemu-system-x86_64']),
  };
  return { by };
}

const alone = async (vcpus) => tell(await run(qemu(vcpus), { env: DEVICE }));
const cost = async (vcpus) => tell(await run([...WATCH, '--', ...qemu(vcpus)], { env: DEVICE }));

const STAGES = {
  /** From its first moment. */
  watched: async () => {
    const opts = ['--format', 'json', '--interval', '20000', '--record', '/tmp/trace'];
    const told = await run([...WATCH, ...opts, '--', ...QEMU], { env: DEVICE });
    tell({ ...told, serial: serial(), left: left(), trace: read('/tmp/trace') });
  },
  killed: kill,
  attached: () => attach({}, attachTwice),
  'attached with device': () => attach(DEVICE, attachTwice),
  /** A buffer that is too small for what happens between two looks: each small page of the guest is told of. */
  lost: async () => {
    const usual = /\[(\w+)\]/.exec(read(LARGE_PAGES))[1];
    writeFileSync(LARGE_PAGES, 'never');
    await attach({}, (pid) => run([...ATTACHED, '--buffer', '4', '--interval', '10000', '--pid', pid]));
    writeFileSync(LARGE_PAGES, usual);
  },
  /** This program's own machine, by its own agent, which tells on its stdout what it observes itself. */
  own: async () => {
    const agent = [process.execPath, '/app/dist/lab/agent.cjs', '/guest/spec'];
    // Our machine's guests have addresses of 36 bits.
    const opts = ['--maxphyaddr', '36', '--format', 'json', '--record', '/tmp/trace'];
    const told = await run([...WATCH, ...opts, '--', ...agent]);
    tell({ ...told, trace: read('/tmp/trace') });
  },
  /** What it costs: QEMU with one vCPU or two, without a watcher, and with one. */
  'alone 1': () => alone(1),
  'alone 2': () => alone(2),
  'cost 1': () => cost(1),
  'cost 2': () => cost(2),
};

let stage;
const tell = (data) => console.log(JSON.stringify({ stage, ...data }));

mkdirSync('/run', { recursive: true });
takeCard();
for (stage of process.argv.slice(2)) await STAGES[stage]();
