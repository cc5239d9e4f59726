import { performance } from 'node:perf_hooks';
import { PAGE_SIZE } from '../arch/units.js';
import type { HostMemory } from '../kvm/index.js';
import type { Environment, RawRecording } from '../recording/recording.js';
import { packText } from '../recording/wire.js';
import { everyStep } from '../scenario/lanes.js';
import { RAM_SIZE, type Scenario } from '../scenario/types.js';
import type { Missing } from '../text/missing.js';
import { GuestTimeoutError } from '../vmm/index.js';
import type { Bench } from './bench.js';
import { agentErrorCode, messageOf } from './error-codes.js';
import { Execution, type RawStep } from './execution.js';
import { UnmetNeedError } from './memory/huge-ram.js';
import { ScenarioLog } from './scenario-log.js';

/** Populate the pages that a scenario touches, so that their leaves are writable from the first fault on. */
function populate(scenario: Scenario, ram: HostMemory): void {
  const bytes = new Uint8Array(ram.buffer);
  for (const step of everyStep(scenario)) {
    const touches = step.do === 'access' || step.do === 'nested-access';
    if (touches && step.gpa < BigInt(RAM_SIZE)) bytes[Number(step.gpa)] = 0xc3;
  }
}

/**
 * KVM takes no memslot beyond the addresses of the machine's own processor (kvm_arch_prepare_memory_region()), and to that processor
 * higher address bits in a guest's page table are reserved ones, whatever the guest's CPUID says (SDM, "Paging-Mode Modifiers").
 */
export function missingReach(
  { steps }: Scenario,
  { gpaBits = 52 }: Pick<Environment, 'gpaBits'>,
): Missing | undefined {
  const last = steps.flatMap((step) => {
    if (step.do === 'memslot') return [step.gpa + BigInt(step.pages * PAGE_SIZE) - 1n];
    return 'gpa' in step ? [step.gpa] : [];
  });
  const bits = Math.max(0, ...last.map((address) => address.toString(2).length));
  if (bits <= gpaBits) return undefined;
  return {
    reason: `guest memory can have addresses of ${gpaBits} bits here, and the scenario has some of ${bits}`,
    lift: `run on a processor with ${bits} bits of physical addresses`,
  };
}

/** The first need that is not met here, as a skip. */
function skipOf(scenario: Scenario, bench: Bench): RawRecording | undefined {
  for (const need of scenario.needs) {
    const missing = bench.environment.missing[need];
    if (missing !== undefined) return { scenario: scenario.name, durationMs: 0, outcome: 'skip', missing };
  }
  const missing = missingReach(scenario, bench.environment);
  return missing && { scenario: scenario.name, durationMs: 0, outcome: 'skip', missing };
}

/** A run of one scenario, and how far it came. */
class Run {
  readonly #started = performance.now();
  /** The step that is being taken, from 0; undefined before the first. */
  #at: number | undefined;
  readonly #log: ScenarioLog;
  #execution: Execution | undefined;

  constructor(
    readonly scenario: Scenario,
    readonly bench: Bench,
  ) {
    this.#log = new ScenarioLog(bench.log);
  }

  #base(): { scenario: string; durationMs: number } {
    return { scenario: this.scenario.name, durationMs: performance.now() - this.#started };
  }

  /** Take every step. */
  steps(): RawRecording {
    const { scenario, bench } = this;
    const execution = new Execution(scenario, bench);
    populate(scenario, execution.ram);
    this.#execution = execution;
    const observer = bench.environment.paging === 'shadow' ? undefined : bench.observer;
    observer?.take();
    observer?.mark(-1);
    execution.start();
    this.#log.take(-1);
    const steps: RawStep[] = [{ step: -1, ...execution.leaves() }];
    for (const [i, step] of scenario.steps.entries()) {
      this.#at = i;
      observer?.mark(i);
      steps.push({ step: i, ...execution.step(step), ...execution.leaves() });
      this.#log.take(i);
    }
    const trace = observer === undefined ? {} : { trace: packText(observer.take()) };
    return { ...this.#base(), outcome: 'ran', infra: execution.infra(), steps, ...trace };
  }

  failed(error: unknown): RawRecording {
    this.#log.take(this.#at ?? -1);
    if (error instanceof UnmetNeedError) return { ...this.#base(), outcome: 'skip', missing: error.missing };
    return {
      ...this.#base(),
      outcome: 'error',
      code: agentErrorCode(error),
      message: messageOf(error),
      ...(this.#at === undefined ? {} : { step: this.#at }),
      timedOut: error instanceof GuestTimeoutError,
    };
  }

  close(): void {
    this.#execution?.close();
  }

  /** What the kernel logged from the start to the end, the giving back included. */
  logged(): Pick<RawRecording, 'kernelLog'> {
    this.#log.take(this.scenario.steps.length);
    return this.#log.field();
  }
}

/**
 * Run one scenario and record what it gave; never throws.
 *
 * A failure inside the run (a kernel that refuses an ioctl, a guest that hangs) becomes an `error` recording; one that
 * comes when everything is given back is added to what was recorded.
 */
export function execute(scenario: Scenario, bench: Bench): RawRecording {
  const skip = skipOf(scenario, bench);
  if (skip !== undefined) return skip;
  const run = new Run(scenario, bench);
  let recording: RawRecording;
  try {
    recording = run.steps();
  } catch (error) {
    recording = run.failed(error);
  }
  try {
    run.close();
  } catch (error) {
    recording = { ...recording, notGivenBack: messageOf(error) };
  }
  return { ...recording, ...run.logged() };
}
