// The lab as an Intel host on which the whole command line runs. The network card has a driver, pci-stub, that must have it back.
// Prints what each stage gave and what the host is like then, one JSON object a line.
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const BIN = '/app/bin/kvm-memtype.js';
const PCI = '/sys/bus/pci';
const POLL_MS = 100;
const NOBODY = 65534;
const RESULTS = '/tmp/results.json';

const list = (dir) => (existsSync(dir) ? readdirSync(dir) : []);
const read = (path) => readFileSync(path, 'utf8').trim();
const isCard = (bdf) =>
  read(`${PCI}/devices/${bdf}/vendor`) === '0x8086' && read(`${PCI}/devices/${bdf}/device`) === '0x100e';
const card = list(`${PCI}/devices`).find(isCard);
const driver = () => {
  const link = `${PCI}/devices/${card}/driver`;
  return existsSync(link) ? basename(readlinkSync(link)) : null;
};

function host() {
  return {
    driver: driver(),
    override: read(`${PCI}/devices/${card}/driver_override`),
    unsafe: read('/sys/module/vfio/parameters/enable_unsafe_noiommu_mode'),
    journals: list('/run/kvm-memtype').length,
    mdevs: list('/sys/bus/mdev/devices').length,
    traces: list('/sys/kernel/tracing/instances').length,
    probes: read('/sys/kernel/tracing/kprobe_events'),
    processes: list('/proc').filter((pid) => /^\d+$/.test(pid) && isOurs(pid)).length,
  };
}

function isOurs(pid) {
  try {
    return /kvm-memtype\.js|agent\.cjs/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  } catch {
    return false; // It ended just now.
  }
}

const tell = (stage, more = {}) => console.log(JSON.stringify({ stage, host: host(), ...more }));

/** Run the command line; `during` is called with the child as it runs. */
async function run(args, { during, ...options } = {}) {
  const child = spawn(process.execPath, [BIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  const result = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'])
    child[stream].on('data', (chunk) => {
      result[stream] += chunk;
    });
  const end = new Promise((resolve) => child.once('close', (status, signal) => resolve({ status, signal })));
  await during?.(child);
  const { status, signal } = await end;
  return { ...result, status, signal };
}

async function until(condition) {
  while (!condition()) await sleep(POLL_MS);
}

const isTaken = () => driver() === 'vfio-pci' && list('/sys/kernel/tracing/instances').length > 0;

mkdirSync('/run', { recursive: true });
writeFileSync(`${PCI}/drivers/pci-stub/new_id`, '8086 100e');
tell('before', { card });

const everything = ['run', 'ram/default', 'dma/vfio-noiommu', '--vfio', card];
const results = ['--format', 'ktap', '--format', 'json', '--output', RESULTS];
let taken;
const watch = async (child) => {
  await until(() => isTaken() || child.exitCode !== null);
  taken = host();
};
const whole = await run([...everything, ...results], {
  during: watch,
});
tell('run', { ...whole, taken, json: existsSync(RESULTS) ? JSON.parse(read(RESULTS)) : null });

const kill = async (child) => {
  await until(() => isTaken() || child.exitCode !== null);
  child.kill('SIGKILL');
};
const killed = await run(['run', 'dma/*', '--vfio', card], { during: kill });
await until(() => host().processes === 0);
tell('killed', killed);

tell('next run', await run(['run', 'ram/default']));

const nobody = { uid: NOBODY, gid: NOBODY, env: { ...process.env, HOME: '/tmp' } };
tell('nobody', await run(['--quiet', 'run', 'ram/default'], nobody));
chmodSync('/dev/kvm', 0o666);
tell('nobody with kvm', await run(['--quiet', ...everything], nobody));
