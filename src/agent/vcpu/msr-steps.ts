import {
  KVM_CAP_X86_USER_SPACE_MSR,
  KVM_MSR_EXIT_REASON_FILTER,
  KVM_MSR_EXIT_REASON_INVAL,
  KVM_MSR_EXIT_REASON_UNKNOWN,
  KVM_MSR_FILTER_DEFAULT_DENY,
  KVM_MSR_FILTER_READ,
  KVM_MSR_FILTER_WRITE,
  type MsrFilterRange as KvmRange,
  type Vcpu,
  type Vm,
} from '../../kvm/index.js';
import type { Probe, ProbeCommand } from '../../probe/index.js';
import type { MsrExit, MsrResult, StepRecord } from '../../recording/recording.js';
import type {
  FilterRange,
  MsrFilterStep,
  MsrOp,
  MsrsStep,
  MsrExitReason as Reason,
} from '../../scenario/types.js';
import type { MsrLogEntry, MsrReason } from '../../vmm/index.js';
import { ioctlResult } from '../dma-steps.js';

const REASONS: Record<MsrReason, MsrExit['reason']> = {
  inval: 'INVAL',
  unknown: 'UNKNOWN',
  filter: 'FILTER',
  other: 'other',
};

/** The exits of a step, as they are recorded. */
export const exitsOf = (log: readonly MsrLogEntry[]): MsrExit[] =>
  log.map(({ vcpu, msr, write, value, reason }) => ({
    vcpu,
    msr,
    ...(write ? { write: value } : {}),
    reason: REASONS[reason],
  }));

/** Take an exception from the guest that it has not yet seen: of what its VMM does it should get none. */
export function takeException(vcpu: Vcpu): Pick<StepRecord, 'vector'> {
  const events = vcpu.getVcpuEvents();
  const { exception } = events;
  if (exception.injected === 0 && exception.pending === 0) return {};
  vcpu.setVcpuEvents({ ...events, exception: { ...exception, injected: 0, pending: 0 } });
  return { vector: exception.nr };
}

const commandOf = ({ msr, value }: MsrOp): ProbeCommand =>
  value === undefined ? { op: 'rdmsr', msr } : { op: 'wrmsr', msr, value };

function byGuest(probe: Probe, { vcpu, ops }: MsrsStep): MsrResult[] {
  return probe.exec(vcpu, ops.map(commandOf)).map((result, i) => {
    if (!result.ok) return result.fault.vector;
    return ops[i]?.value === undefined ? result.value : true;
  });
}

function byHost(vcpu: Vcpu, { ops }: MsrsStep): MsrResult[] {
  const [first] = ops;
  if (first?.value === undefined) return vcpu.getMsrs(ops.map(({ msr }) => msr));
  const done = vcpu.setMsrs(ops.map(({ msr, value = 0n }) => ({ index: msr, value })));
  return new Array<true>(done).fill(true);
}

/** Take a step of several MSR accesses. */
export const takeMsrs = (step: MsrsStep, probe: Probe, vcpu: Vcpu): MsrResult[] =>
  step.by === 'guest' ? byGuest(probe, step) : byHost(vcpu, step);

const REASON_BITS: Record<Reason, number> = {
  INVAL: KVM_MSR_EXIT_REASON_INVAL,
  UNKNOWN: KVM_MSR_EXIT_REASON_UNKNOWN,
  FILTER: KVM_MSR_EXIT_REASON_FILTER,
};

/** Ask for exits to user space for these reasons, and for no others. */
export function askForExits(vm: Vm, reasons: readonly Reason[]): void {
  const mask = reasons.reduce((bits, reason) => bits | REASON_BITS[reason], 0);
  vm.enableCap(KVM_CAP_X86_USER_SPACE_MSR, [BigInt(mask)]);
}

const DIRECTIONS: Record<FilterRange['access'], number> = {
  read: KVM_MSR_FILTER_READ,
  write: KVM_MSR_FILTER_WRITE,
  both: KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
};

function kvmRange({ base, count, access, allow }: FilterRange): KvmRange {
  const bitmap = new Uint8Array(Math.ceil(count / 8));
  for (const msr of allow) {
    const at = msr - base;
    bitmap[at >> 3] = (bitmap[at >> 3] ?? 0) | (1 << (at & 7));
  }
  return { flags: DIRECTIONS[access], base, nmsrs: count, bitmap };
}

/** Set KVM's filter: `ok`, or the name of the errno. */
export const setFilter = (vm: Vm, { deny, ranges }: MsrFilterStep): string =>
  ioctlResult(() =>
    vm.setMsrFilter({ flags: deny ? KVM_MSR_FILTER_DEFAULT_DENY : 0, ranges: ranges.map(kvmRange) }),
  );
