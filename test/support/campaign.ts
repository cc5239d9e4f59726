import { rmSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { parseCampaign } from '../../src/campaign/file/read.js';
import type { Plan, PlannedKernel } from '../../src/campaign/jobs/plan.js';
import type { FuzzOutcome, JobResult, Order } from '../../src/campaign/jobs/result.js';
import type { Execute } from '../../src/campaign/run/child.js';
import type { Conduct } from '../../src/campaign/run/conduct.js';
import { CampaignFolder } from '../../src/campaign/store/folder.js';
import type { ScenarioResult } from '../../src/report/types.js';
import { scratchDir } from './fake-host.js';
import { runOf, setOf } from './results.js';

/** Of whom nothing is to be told. */
export const never = (why: string): never => {
  throw new Error(why);
};

/** A hash of one digit. */
export const hashOf = (digit: string): string => digit.repeat(64);

export const IMAGE = (name: string, digit: string): PlannedKernel => ({
  name,
  from: { kind: 'image', path: `/images/${name}`, sha256: hashOf(digit) },
});
export const BUILD = (name: string): PlannedKernel => ({
  name,
  from: { kind: 'build', source: name, patches: [], configs: [] },
});

/** A plan of these kernels; `yaml` is the rest of its file. */
export function planOfKernels(kernels: readonly PlannedKernel[], yaml = ''): Plan {
  const {
    kernels: _,
    fuzz,
    ...campaign
  } = parseCampaign(`campaign: test\nkernels: [host]\nlimits: {backoff: 0, jobs: 2}\n${yaml}`);
  return { campaign: { ...campaign, ...(fuzz && { fuzz }) }, kernels: [...kernels], tool: '0.1.0 abc' };
}

/** A folder for a campaign that goes with the test. */
export function campaignFolder(): CampaignFolder {
  const path = scratchDir();
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return new CampaignFolder(path);
}

export const runResultOf = (...results: ScenarioResult[]): JobResult => ({
  kind: 'run',
  run: runOf(setOf(...results)),
});

const { scenarios: _, durationMs: __, ...KERNEL } = setOf();

const FUZZ: FuzzOutcome = {
  tool: { name: 'kvm-memtype', version: '0.1.0' },
  host: undefined,
  startedAt: '2026-01-01T00:00:00.000Z',
  durationMs: 10,
  policy: 'A',
  kernel: KERNEL,
  tried: 10,
  passed: 10,
  skipped: 0,
  skip: undefined,
  finds: [],
};

export const fuzzResultOf = (finds: FuzzOutcome['finds'] = []): JobResult => ({
  kind: 'fuzz',
  fuzz: { ...FUZZ, passed: 10 - finds.length, finds },
});

/** What jobs come to, without any kernel. */
export const simulated =
  (resultOf: (order: Order) => JobResult | Promise<JobResult>): Execute =>
  async (order) => ({ kind: 'result', result: await resultOf(order) });

/** How a campaign is run in a test. */
export const conductOf = (execute: Execute, signal = new AbortController().signal): Conduct => ({
  executor: async () => ({ execute }),
  signal,
  listener: { begun: () => {}, progress: () => {}, done: () => {}, lost: () => {} },
});

/** A job that ends its process's work: `stop` is aborted, and it comes to nothing. */
export const stoppedBy =
  (stop: AbortController): Execute =>
  async (_, { signal }) => {
    stop.abort(new Error('stop'));
    signal.throwIfAborted();
    throw new Error('not stopped');
  };
