import { findPolicy, supportedQuirks } from '../../../memtype/index.js';
import { safeLine } from '../../../text/safe.js';
import { readWatchFile, type WatchRecording } from '../../../watch/record.js';
import type { Registers } from '../../../watch/registers.js';
import type { WatchedVm } from '../../../watch/vm.js';
import { UsageError } from '../../errors.js';
import type { GuestFacts } from '../state.js';
import type { FromFiles } from './from.js';
import { registersOf } from './vcpu.js';

/** As `judge` calls it. */
const nameOf = (index: number): string => `watch/vm-${index + 1}`;

const NO_SLOTS = 'memslots are not recorded: --slot or --from tells of them';

function vmOf(vms: readonly WatchedVm[], file: string, name: string | undefined): [WatchedVm, string] {
  if (vms.length === 0) throw new UsageError(`${file}: no VM was seen`);
  const index = name === undefined ? 0 : vms.findIndex((_, i) => nameOf(i) === name);
  const vm = vms[index];
  if (vm === undefined) throw new UsageError(`${file} has no scenario ${name}`);
  if (name === undefined && vms.length > 1)
    throw new UsageError(
      `${file} has ${vms.length} VMs: --scenario names one of ${nameOf(0)} to ${nameOf(vms.length - 1)}`,
    );
  return [vm, nameOf(index)];
}

/** Registers after so many changes of them. */
function registersAfter({ epochs, registers }: WatchedVm, count: number): Registers {
  return (count === epochs.length ? registers : epochs[count]?.before) ?? registers;
}

function factsOf(registers: Registers, { policy: name }: WatchRecording): GuestFacts {
  const { host, vcpus, noncoherent, selfSnoop } = registers;
  const policy = findPolicy(name);
  // What the kernel disables by itself is not asked for under another policy.
  const disabledQuirks =
    registers.disabledQuirks & ~policy.quirks.disabledAtCreation & supportedQuirks(policy, selfSnoop);
  return {
    policy: name,
    ...{ maxphyaddr: host.maxphyaddr, selfSnoop },
    vcpuCount: Math.max(0, ...vcpus.map(({ id }) => id)) + 1,
    vcpus: new Map(vcpus.map((vcpu) => [vcpu.id, registersOf(vcpu)])),
    noncoherent: noncoherent > 0,
    disabledQuirks,
  };
}

/**
 * The guest that `watch --record` kept, after the changes of its registers, devices and quirks, or some of them.
 *
 * @throws InputFileError, WatchRecordError or TraceError if it cannot be read, UsageError if it has no such VM or change, or if
 * not all that changed was seen
 */
export async function readWatched(file: string, name: string | undefined, step?: number): Promise<FromFiles> {
  const recording = await readWatchFile(file);
  const [vm, vmName] = vmOf(recording.watch().vms, file, name);
  if (!vm.seesAll)
    throw new UsageError(
      `${file}: of ${vmName} not all was seen, so that its registers are not known: start the VM behind \`watch --record … --\``,
    );
  const { length } = vm.epochs;
  const count = step ?? length;
  if (count > length) throw new UsageError(`--step ${count}: ${vmName} has ${length} changes`);
  const { release } = recording.host;
  const told = `${vmName} on ${release}, after ${count} of ${length} changes`;
  return {
    facts: factsOf(registersAfter(vm, count), recording),
    text: () => `read\n  ${safeLine(`${file}  recording: ${told}`)}\ntaken for granted\n  ${NO_SLOTS}\n\n`,
    json: () => ({
      recording: { file, scenario: vmName, kernel: release, steps: count, note: NO_SLOTS },
    }),
  };
}
