import type { Probe, ProbeCommand, ProbeResult } from '../probe/index.js';
import type { StepPart } from '../recording/recording.js';
import { cr0With } from '../scenario/bits.js';
import { type Lane, lanesOf, randomNumbers } from '../scenario/lanes.js';
import type { LaneStep, TogetherStep } from '../scenario/types.js';

/**
 * The longest wait before a step: of a guest in PAUSE instructions, of the VMM in milliseconds. A device takes tens of milliseconds to come
 * or go, which are to fall between the steps of the vCPUs: in an emulator 100,000 PAUSEs are some 15 ms.
 */
const MOST_PAUSES = 100_000;
const MOST_MS = 5;

/** What a step of the VMM's does. */
export type HostSteps = (step: HostStep) => StepPart;

type HostStep = Extract<LaneStep, { do: 'noncoherent' | 'discard' }>;
type GuestStep = Exclude<LaneStep, HostStep>;

const CLOCK = new Int32Array(new SharedArrayBuffer(4));
const wait = (ms: number): void => void Atomics.wait(CLOCK, 0, 0, ms);

function commandOf(step: GuestStep): ProbeCommand {
  if (step.do === 'wrmsr') return { op: 'wrmsr', msr: step.msr, value: step.value };
  if (step.do === 'cd') return { op: 'write-cr', cr: 0, value: cr0With(step.on) };
  return { op: 'read', gpa: step.gpa, pat: step.pat, width: 4 };
}

function partOf(step: GuestStep, result: ProbeResult): StepPart {
  if (!result.ok) return { ok: false, vector: result.fault.vector };
  return step.do === 'access' ? { ok: true, value: result.value } : { ok: true };
}

/** Wait, act, wait, act: what one vCPU runs. */
const batchOf = ({ steps }: Lane, waits: readonly number[]): ProbeCommand[] =>
  steps.flatMap(({ step, at }): ProbeCommand[] => [
    { op: 'pause', times: Math.floor((waits[at] ?? 0) * MOST_PAUSES) },
    commandOf(step as GuestStep),
  ]);

/**
 * Take the steps of vCPUs on threads of their own, and the VMM's beside them. The seed sets how long each waits before each of its
 * steps; who comes first where that leaves it open is up to the machine.
 * @returns for each step what it gave
 */
export function takeTogether(together: TogetherStep, probe: Probe, host: HostSteps): StepPart[] {
  const random = randomNumbers(together.seed);
  const waits = together.steps.map(() => random());
  const parts: StepPart[] = together.steps.map(() => ({}));
  const lanes = lanesOf(together);
  const batches = new Map(
    lanes.flatMap((lane) => (lane.owner === 'vmm' ? [] : [[lane.owner, batchOf(lane, waits)] as const])),
  );
  const vmm = lanes.find(({ owner }) => owner === 'vmm');
  const results = probe.execTogether(batches, () => {
    for (const { step, at } of vmm?.steps ?? []) {
      wait((waits[at] ?? 0) * MOST_MS);
      parts[at] = host(step as HostStep);
    }
  });
  for (const { owner, steps } of lanes) {
    if (owner === 'vmm') continue;
    // Each result comes after that of its wait.
    for (const [i, { step, at }] of steps.entries())
      parts[at] = partOf(step as GuestStep, results.get(owner)?.[2 * i + 1] as ProbeResult);
  }
  return parts;
}
