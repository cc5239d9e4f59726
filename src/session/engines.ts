import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sweepLeftovers } from '../agent/leftovers.js';
import { catalogue } from '../catalogue/index.js';
import { PROBE_SCENARIOS } from '../check/policy-choice.js';
import { builtFile } from '../kvm/built-files.js';
import {
  areKept,
  canRestore,
  type GuestFile,
  JOB_DEVICE,
  type LabRun,
  labError,
  makeScratch,
  NEXT_JOB,
  removeScratch,
  runInLab,
  type SnapshotUse,
  sweepLab,
  WITNESS_PLACE,
} from '../lab/index.js';
import { type ChildEnd, runChild } from '../process/child.js';
import { type AgentSpec, encodeSpec } from '../recording/spec.js';
import type { HostOutcome, Outcome } from './outcome.js';
import type { LabTarget, Target } from './target.js';

/** One run of an agent. */
export interface AgentRun {
  target: Target;
  spec: AgentSpec;
  timeoutMs: number;
  /** Have a machine with a page of 1 GiB, also where no scenario needs it. */
  gibPage?: boolean;
  /** A line that the agent printed. Untrusted. */
  onLine: (line: string) => void;
  onConsole?: (line: string) => void;
  signal?: AbortSignal;
  /** Told of what went wrong and was done otherwise. */
  onProblem?: (text: string) => void;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const AGENT = join(ROOT, 'dist/lab/agent.cjs');

/** Files that the agent needs inside the lab. */
const LAB_FILES: readonly GuestFile[] = [
  ...['kvm_memtype.node', 'probe.elf'].map((name) => ({
    source: builtFile(name),
    target: `/app/build/Release/${name}`,
  })),
  ...['dist/lab/agent.program.js', 'dist/lab/agent.program.cache'].map((path) => ({
    source: join(ROOT, path),
    target: `/app/${path}`,
  })),
];

/** Run the agent as a child process, so that a kernel that never lets it go cannot take us along. */
async function runOnHost(run: AgentRun): Promise<HostOutcome> {
  let leftovers: string[] = [];
  const end = await runChild(process.execPath, [AGENT, '-'], {
    what: 'the run',
    input: encodeSpec(run.spec),
    detached: true,
    endBy: 'SIGKILL',
    timeoutMs: run.timeoutMs,
    signal: run.signal,
    onStdout: run.onLine,
    resultsOnStdout: true,
  })
    .catch((error: unknown) => {
      throw labError(error);
    })
    .finally(() => {
      // An agent that was killed could not give back what it took of this host.
      leftovers = sweepLeftovers();
    });
  return outcomeOnHost(end, run.timeoutMs, leftovers);
}

function outcomeOnHost(end: ChildEnd, timeoutMs: number, leftovers: readonly string[]): HostOutcome {
  const { status, killedBy } = end;
  const consoleTail = [...end.tail, ...leftovers];
  if (end.timedOut) return { kind: 'timeout', reason: `no end after ${timeoutMs / 1000} s`, consoleTail };
  if (status === null) return { kind: 'agent-died', reason: `it was ended by ${killedBy}`, consoleTail };
  if (status === 0 || status === 2) return { kind: 'done', status, kernelWarnings: [] };
  return { kind: 'agent-died', reason: `it ended with status ${status}`, consoleTail };
}

/** Where the lab has what the agent is to do, and what it does before a machine is saved. */
const SPEC = '/app/spec.json';
const WARM_UP = '/app/warm-up.json';

/**
 * What a machine takes that may be saved before it is told what to do. It warms up by the scenarios that nearly every run begins with: the
 * first of a boot takes five times as long as later, and what it takes so is in the saved machine.
 */
async function snapshotUse(run: AgentRun, dir: string): Promise<SnapshotUse> {
  const source = join(dir, 'warm-up.json');
  const { zaps: _, witness: __, ...spec } = run.spec;
  const scenarios = catalogue.filter(({ name }) => PROBE_SCENARIOS.includes(name));
  await writeFile(source, encodeSpec({ ...spec, scenarios }));
  return {
    job: encodeSpec(areKept() ? { ...run.spec, next: NEXT_JOB } : run.spec),
    files: [...LAB_FILES, { source, target: WARM_UP }],
    args: [JOB_DEVICE, WARM_UP],
    onProblem: (text) => run.onProblem?.(text),
  };
}

/** A run in the lab, with its files in `dir`. */
async function labRunOf(run: AgentRun, target: LabTarget, dir: string): Promise<LabRun> {
  const { engine, kernel, params, snapshot, witness } = target;
  const gibPage = run.gibPage || run.spec.scenarios.some(({ needs }) => needs.includes('gib-pages'));
  // What a kernel counts is to be of this run alone, not of a warm-up.
  const isSaved = snapshot === true && run.spec.counters !== true;
  const spec = join(dir, 'spec.json');
  await writeFile(spec, encodeSpec(run.spec));
  return {
    kernel,
    engine,
    gibPage,
    ...(witness && { witness }),
    program: AGENT,
    files: [...LAB_FILES, { source: spec, target: SPEC }],
    args: [SPEC],
    params,
    timeoutMs: run.timeoutMs,
    onLine: run.onLine,
    ...(isSaved && { snapshot: await snapshotUse(run, dir) }),
    ...(run.onConsole === undefined ? {} : { onConsole: run.onConsole }),
    ...(run.signal === undefined ? {} : { signal: run.signal }),
  };
}

async function runLab(run: AgentRun, target: LabTarget): Promise<Outcome> {
  const dir = makeScratch();
  try {
    return await runInLab(await labRunOf(run, target, dir));
  } finally {
    removeScratch(dir);
  }
}

/** What an agent in the lab is told beside what it is asked to do. */
const inLab = (run: AgentRun, { witness }: LabTarget): AgentRun =>
  witness ? { ...run, spec: { ...run.spec, witness: WITNESS_PLACE } } : run;

/** Whether machines are restored for such a run, and come back for more. */
export async function canWait(run: AgentRun): Promise<boolean> {
  const { target } = run;
  if (target.engine === 'host') return false;
  const dir = makeScratch();
  try {
    const { snapshot, ...others } = await labRunOf(inLab(run, target), target, dir);
    return snapshot !== undefined && (await canRestore({ ...others, snapshot }));
  } finally {
    removeScratch(dir);
  }
}

/** Run the agent to its end and hand out what it prints, line by line. */
export async function runAgent(run: AgentRun): Promise<Outcome> {
  await sweepLab();
  const { target } = run;
  return target.engine === 'host' ? runOnHost(run) : runLab(inLab(run, target), target);
}
