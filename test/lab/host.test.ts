import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { buildKernel, runInLab } from '../../src/lab/index.js';
import type { RunResult } from '../../src/report/types.js';
import { parseKtap } from '../support/ktap.js';
import { hostFiles } from '../support/lab-host.js';

const CONFIG = fileURLToPath(new URL('./host.config', import.meta.url));
const AGENT = fileURLToPath(new URL('./agents/host.mjs', import.meta.url));

/** The host before anything ran on it: its card belongs to pci-stub. */
const UNTOUCHED = {
  driver: 'pci-stub',
  override: '(null)',
  unsafe: 'N',
  journals: 0,
  mdevs: 0,
  traces: 0,
  probes: '',
  processes: 0,
};
const TAKEN = { driver: 'vfio-pci', override: 'vfio-pci', unsafe: 'Y', traces: 1 };

/** What the agent tells of a stage. */
interface Stage {
  stage: string;
  host: object;
  status: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
  taken?: object;
  json?: RunResult | null;
}

const stages = new Map<string, Stage>();
const stage = (name: string): Stage => {
  const found = stages.get(name);
  if (found === undefined) throw new Error(`the lab did not come to the stage ${name}`);
  return found;
};

let kernel: string;

// Building may take minutes of its own, so it has a hook of its own.
beforeAll(async () => {
  kernel = (await buildKernel({ source: 'debian:6.1', configs: [CONFIG] })).bzImage;
});

beforeAll(async () => {
  const console: string[] = [];
  const outcome = await runInLab({
    kernel,
    engine: 'bochs',
    program: AGENT,
    files: await hostFiles(),
    args: [],
    timeoutMs: 1_200_000,
    onLine: (line) => {
      const told = JSON.parse(line) as Stage;
      stages.set(told.stage, told);
    },
    onConsole: (line) => console.push(line),
  });
  expect(outcome, console.slice(-30).join('\n')).toEqual({ kind: 'done', status: 0, kernelWarnings: [] });
});

test('run finds EPT, the policy and the device that was named, and passes', () => {
  const { status, json } = stage('run');

  const [set] = json?.sets ?? [];
  expect(status).toBe(0);
  expect(set).toMatchObject({
    engine: 'host',
    policy: { name: 'A', how: 'probed' },
    fingerprint: { ept: true },
  });
  const statuses = set?.scenarios.map(({ family, name, status }) => [`${family}/${name}`, status]) ?? [];
  expect(Object.fromEntries(statuses)).toEqual({ 'ram/default': 'pass', 'dma/vfio-noiommu': 'pass' });
});

test('KTAP comes out of it', () => {
  const [host, ...more] = parseKtap(stage('run').stdout);

  const families = host?.subtests.map(({ name, ok, subtests }) => [name, ok, subtests.map((t) => t.name)]);
  expect(host).toMatchObject({ name: 'this host', ok: true });
  expect(more).toEqual([]);
  // What a probe has run already comes first.
  expect(families).toEqual([
    ['dma', true, ['dma/vfio-noiommu']],
    ['ram', true, ['ram/default']],
  ]);
});

test('the device is taken for the run, and given back to its driver', () => {
  expect(stage('before').host).toEqual(UNTOUCHED);
  expect(stage('run').taken).toMatchObject({ ...TAKEN, journals: 1 });
  expect(stage('run').host).toEqual(UNTOUCHED);
});

test('SIGKILL leaves no process, and nothing that the next run does not sweep', () => {
  expect(stage('killed')).toMatchObject({ signal: 'SIGKILL', host: { ...TAKEN, journals: 1, processes: 0 } });
  expect(stage('next run')).toMatchObject({ status: 0, host: UNTOUCHED });
});

test('who may not open /dev/kvm gets one sentence on it', () => {
  expect(stage('nobody')).toMatchObject({
    status: 2,
    stdout: '',
    stderr:
      'kvm-memtype: opening /dev/kvm failed: EACCES, no permission: join the group that owns the device (usually kvm) or run as root\n',
  });
});

test('who may open /dev/kvm and nothing else is told once that it takes root', () => {
  const { status, stdout, stderr, host } = stage('nobody with kvm');

  expect(stdout).toContain(`
  skip 2: only root may read the kernel’s trace
        dma/vfio-noiommu, ram/default
        to run them: run as root
`);
  expect(stderr).toBe('');
  expect(status).toBe(4);
  expect(host).toEqual(UNTOUCHED);
});
