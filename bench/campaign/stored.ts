import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parseCampaign } from '../../src/campaign/file/read.js';
import type { Job } from '../../src/campaign/jobs/job.js';
import type { Plan } from '../../src/campaign/jobs/plan.js';
import { countsOf, digestOf, type JobResult, verdictOf } from '../../src/campaign/jobs/result.js';
import { Table } from '../../src/campaign/jobs/table.js';
import { CampaignFolder } from '../../src/campaign/store/folder.js';
import { type CampaignRecord, firstRecord } from '../../src/campaign/store/records.js';
import { catalogue } from '../../src/catalogue/index.js';
import type { ResultSet, ScenarioResult } from '../../src/report/types.js';

// Stored results of the shape and size that real ones have, made without any kernel.

/** How much is stored. */
export interface Size {
  runs: number;
  /** Jobs of random scenarios in each run, beside those of the catalogue. */
  seeds: number;
}

const KERNELS = ['6.1', '6.12', '7.2', '7.3'];
const SHARDS = 4;
/** One seed of so many finds something; one result of so many is another than in the run before. */
const FIND_EVERY = 500;
const FLAKY_EVERY = 5000;
const KINDS = ['leaf', 'zap', 'msr', 'fault'];

const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Seconds of virtual time: what is made is the same whenever it is made. */
const BEGIN = Date.UTC(2026, 0, 1);

function planOf({ seeds }: Size): Plan {
  const cells = KERNELS.length * 2;
  const {
    kernels: _,
    fuzz,
    ...campaign
  } = parseCampaign(
    `campaign: stored\nkernels: [host]\nparameters: {default: [], legacy: [kvm.tdp_mmu=N]}\nshards: ${SHARDS}\n` +
      `fuzz: {seeds: {from: 1, count: ${Math.max(1, Math.round(seeds / cells))}}, count: 100}`,
  );
  const kernels = KERNELS.map((name) => ({
    name,
    from: { kind: 'image' as const, path: `/images/${name}`, sha256: sha256(name) },
  }));
  return { campaign: { ...campaign, ...(fuzz && { fuzz }) }, kernels, tool: '0.1.0 0000000' };
}

const FINGERPRINT: ResultSet['fingerprint'] = {
  cpu: 'Intel(R) Core(TM) i7-4770 CPU @ 3.40GHz',
  microcode: '0x28',
  version: '#1 SMP PREEMPT_DYNAMIC Thu Jan 1 00:00:00 UTC 2026',
  ept: true,
  params: { 'kvm_intel.ept': 'Y', 'kvm.tdp_mmu': 'Y' },
  capabilities: { KVM_CAP_DISABLE_QUIRKS2: 0x5ff, KVM_CAP_PRE_FAULT_MEMORY: 1 },
};

const RERUN = 'npx kvm-memtype run --kernel debian:6.1 --param kvm.tdp_mmu=N --policy auto ';

function failed(family: string, name: string, durationMs: number, kind: string): ScenarioResult {
  const failure = {
    step: 3,
    stepText: 'read gpa 0xc00000 through PAT 0',
    vcpu: 1,
    gfn: 0xc00,
    what: kind,
    expected: 'UC, IPAT=0',
    seen: 'WB, IPAT=1',
    sources: ['vmx_get_mt_mask(), 4.2 to 6.10'],
    rerun: `${RERUN}${family}/${name}`,
  };
  const common = { family, name, durationMs, checks: { leaves: 12 }, errata: [] };
  return { ...common, status: 'fail', failures: [failure] };
}

const header = (at: number, durationMs: number) => ({
  tool: { name: 'kvm-memtype' as const, version: '0.1.0', revision: '0000000' },
  host: { cpu: 'AMD EPYC', release: '6.12.5', version: '#2 SMP' },
  startedAt: new Date(at).toISOString(),
  durationMs,
});

const kernelOf = (name: string): Omit<ResultSet, 'scenarios' | 'durationMs'> => ({
  name,
  release: `${name}.1`,
  engine: 'bochs',
  policy: { name: 'A', how: 'probed', explainedBy: [] },
  fingerprint: FINGERPRINT,
  kernel: { image: name, sha256: sha256(name), params: [] },
});

function runResult(job: Extract<Job, { kind: 'run' }>, n: number, at: number): JobResult {
  const own = catalogue.filter((_, i) => i % SHARDS === job.shard[0] - 1);
  const scenarios = own.map((scenario, i): ScenarioResult => {
    const [family = '', name = ''] = scenario.name.split('/');
    const durationMs = 40 + ((n + i) % 60);
    if ((n + i) % 331 === 0) return failed(family, name, durationMs, 'leaf');
    const checks = { leaves: 12, zaps: 1, msrs: 3, effective: 8 };
    return { family, name, status: 'pass', durationMs, checks, failures: [], errata: [] };
  });
  const durationMs = 40_000 + (n % 1000);
  return {
    kind: 'run',
    run: { ...header(at, durationMs), sets: [{ ...kernelOf(job.kernel), durationMs, scenarios }] },
  };
}

/** A random scenario as a file, cut down to few steps: seeds find the same few again and again. */
const SCENARIO = (found: string, sort: number): string =>
  `{\n  "name": "${found}",\n  "title": "random",\n  "steps": [\n${Array.from(
    { length: 1 + (sort % 4) },
    (_, i) => `    { "do": "access", "gpa": "0x${((sort + i) * 4096).toString(16)}" }`,
  ).join(',\n')}\n  ]\n}\n`;

function fuzzResult(job: Extract<Job, { kind: 'fuzz' }>, n: number, at: number): JobResult {
  const { kernel, seed, count } = job;
  const found = `fuzz/s${seed}-${n % count}`;
  const sort = (n / FIND_EVERY) % 25;
  const kind = KINDS[sort % KINDS.length] as string;
  const result = failed('fuzz', `n${n % count}`, 40, kind);
  const finds =
    n % FIND_EVERY === 0 ? [{ kind, times: 1, found, scenario: SCENARIO(found, sort), result }] : [];
  const passed = count - finds.length - (n % 7);
  const counts = { policy: 'A', tried: count, passed, skipped: n % 7, finds };
  return {
    kind: 'fuzz',
    fuzz: {
      ...header(at, 20_000 + (n % 997)),
      kernel: kernelOf(kernel),
      skip: undefined,
      host: undefined,
      ...counts,
    },
  };
}

/** What makes an object of a result; not flushed to the disk one by one, as what is made here can be made again. */
function put(folder: CampaignFolder, result: JobResult): string {
  const bytes = gzipSync(JSON.stringify(result), { level: 1 });
  const hash = sha256(bytes);
  const path = folder.objects.path(hash);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  return hash;
}

function recordsOf(folder: CampaignFolder, id: string, job: Job, n: number, at: number): CampaignRecord[] {
  const result =
    job.kind === 'run' ? runResult(job, n, at) : fuzzResult(job as Extract<Job, { kind: 'fuzz' }>, n, at);
  const seconds = job.kind === 'run' ? 45 : 21;
  const summary = { verdict: verdictOf(result), counts: countsOf(result), digest: digestOf(result) };
  return [
    { type: 'begin', job: id, at },
    { type: 'done', job: id, object: put(folder, result), seconds, ...summary, at: at + seconds * 1000 },
  ];
}

/**
 * Make a campaign's folder with so many results.
 * @returns how many
 */
export function storeResults(path: string, size: Size): number {
  const folder = new CampaignFolder(path);
  mkdirSync(join(path, 'runs'), { recursive: true });
  const plan = planOf(size);
  const first = firstRecord(plan);
  const jobs = [...new Table([first]).jobs.values()];
  for (let run = 1; run <= size.runs; run++) {
    const at = BEGIN + run * 86_400_000;
    const records: CampaignRecord[] = [
      { ...first, at } as CampaignRecord,
      { type: 'session', owner: '1-1', boot: 'b', at },
    ];
    jobs.forEach(({ id, job }, i) => {
      const n = i + (i % FLAKY_EVERY === 0 ? run : 0);
      records.push(...recordsOf(folder, id, job, n, at + i));
    });
    records.push({ type: 'end', at: at + 1e7 });
    writeFileSync(folder.journal(run), records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  }
  return jobs.length * size.runs;
}
