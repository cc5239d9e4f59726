import { KVM_MEM_READONLY } from '../../../arch/kvm-flags.js';
import {
  findPolicy,
  type Policy,
  policyWithPaging,
  type Slot,
  supportedQuirks,
  VmModel,
} from '../../../memtype/index.js';
import { decodeMessage } from '../../../recording/message-schema.js';
import type { Environment } from '../../../recording/recording.js';
import { Replay, type Taken } from '../../../scenario/replay.js';
import type { Scenario } from '../../../scenario/types.js';
import { type RecordedKernel, readRecordingFile } from '../../../session/recorded/read.js';
import { safeLine } from '../../../text/safe.js';
import { UsageError } from '../../errors.js';
import { kindOf } from '../../program/judged.js';
import type { GuestFacts } from '../state.js';
import type { FromFiles } from './from.js';
import { registersOf } from './vcpu.js';
import { readWatched } from './watched.js';

/** Which scenario of a recording, and after how many of its steps. */
export interface RecordingOptions {
  readonly recording?: string;
  readonly scenario?: string;
  readonly step?: number;
}

function scenarioOf(kernel: RecordedKernel, file: string, name: string | undefined): Scenario {
  const { scenarios } = kernel.request;
  const found = name === undefined ? scenarios : scenarios.filter((scenario) => scenario.name === name);
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  const names = scenarios.map((scenario) => scenario.name);
  const some = names.slice(0, 5).join(', ');
  throw new UsageError(
    `${file} has ${names.length} scenarios: --scenario names one of ${some}${names.length > 5 ? ', …' : ''}`,
  );
}

/** What the machine said of itself; undefined if it never came to speak. */
function environmentOf({ lines }: RecordedKernel): Environment | undefined {
  for (const { line } of lines) {
    if (line === null) continue;
    const message = decodeMessage(line);
    if (message.type === 'environment') return message.environment;
  }
  return undefined;
}

const policyOf = (release: string, paging: Policy['paging']): Policy => {
  const policy = findPolicy(release);
  return paging === 'ept' ? policy : policyWithPaging(policy, paging);
};

function takeAll(model: VmModel, { event, dropped, parts = [] }: Taken): void {
  if (event !== undefined && !dropped) model.apply(event);
  for (const part of parts) takeAll(model, part);
}

function slotsOf({ slots }: Replay, memslotFlag: number): Slot[] {
  return [...slots.values()].map(({ slot, gfn, npages, backing, flags }) => ({
    name: `slot${slot}`,
    start: gfn,
    end: gfn + npages,
    backing: { kind: backing === 'mmio' ? 'pci-bar' : 'ram' },
    readOnly: (flags & KVM_MEM_READONLY) !== 0,
    flagged: (flags & memslotFlag) !== 0,
  }));
}

/** The VM of a scenario after some of its steps, as the model has it under the kernel that it ran on. */
function factsAfter(scenario: Scenario, env: Environment, count: number): GuestFacts {
  const policy = policyOf(env.release, env.paging);
  const { vcpus, maxphyaddr, guestMtrr: mtrrCpuid } = scenario;
  const { quirks: quirksSupported, selfSnoop = true, memslotFlag } = env;
  const replay = new Replay(scenario, policy);
  const model = new VmModel(policy, {
    ...{ vcpus, maxphyaddr, mtrr: mtrrCpuid, quirksSupported, selfSnoop, memslotFlag },
  });
  for (const event of replay.start) model.apply(event);
  for (const step of scenario.steps.slice(0, count)) takeAll(model, replay.next(step));
  const { noncoherent, askedQuirks } = model.state;
  return {
    policy: policy.paging === 'ept' ? env.release : policy.name,
    ...{ maxphyaddr, mtrrCpuid, selfSnoop, vcpuCount: vcpus },
    vcpus: new Map(model.state.vcpus.map((vcpu) => [vcpu.id, registersOf(vcpu)])),
    slots: slotsOf(replay, memslotFlag),
    noncoherent: noncoherent > 0,
    disabledQuirks: askedQuirks & supportedQuirks(policy, selfSnoop),
  };
}

/**
 * The guest of a scenario that `run --record` kept, after its steps, or some of them; or one that `watch --record` did.
 *
 * @throws InputFileError or RecordingFileError if it cannot be read, UsageError if it has no such scenario or step
 */
export async function readRecorded({
  recording,
  scenario: name,
  step,
}: RecordingOptions): Promise<FromFiles> {
  if (recording === undefined)
    throw new UsageError('--scenario and --step are of a recording: they need --recording <file>');
  if ((await kindOf(recording)) === 'watch') return readWatched(recording, name, step);
  const { kernels } = await readRecordingFile(recording);
  const kernel = kernels.find(({ request }) =>
    request.scenarios.some((one) => name === undefined || one.name === name),
  );
  if (kernel === undefined) throw new UsageError(`${recording} has no scenario ${name ?? 'at all'}`);
  const scenario = scenarioOf(kernel, recording, name);
  const env = environmentOf(kernel);
  if (env === undefined) throw new UsageError(`${recording}: ${kernel.request.name} said nothing of itself`);
  const { length } = scenario.steps;
  const count = step ?? length;
  if (count > length) throw new UsageError(`--step ${count}: ${scenario.name} has ${length} steps`);
  const told = `${scenario.name} on ${env.release} (${kernel.request.name}), after ${count} of ${length} steps`;
  return {
    facts: factsAfter(scenario, env, count),
    text: () => `read\n  ${safeLine(`${recording}  recording: ${told}`)}\n\n`,
    json: () => ({
      recording: { file: recording, scenario: scenario.name, kernel: env.release, steps: count },
    }),
  };
}
