import { classifyMsr, isNearMtrrs } from '../../memtype/sdm/msrs.js';
import type { Scenario } from '../types.js';
import type { StepRule } from './step-rule.js';

/** Entries that KVM_SET_MSRS and KVM_GET_MSRS take (MAX_IO_MSRS, less one). */
const MSR_LIMIT = 255;

export const lacksSource: StepRule = (step, { scenario }) =>
  'from' in step && step.from !== undefined && step.from >= scenario.vcpus
    ? `the VM has ${scenario.vcpus} vCPUs, from 0`
    : undefined;

/** A guest starts another vCPU: vCPU 0 goes on at once after an INIT, and takes no SIPI (SDM, "MP Initialization Protocol Algorithm"). */
export const wrongStart: StepRule = (step) => {
  if (step.do !== 'init' || step.from === undefined) return undefined;
  if (step.from === step.vcpu) return 'a vCPU that sends itself an INIT sends no more';
  if (step.sipi === undefined) return 'a vCPU is started by a SIPI: sipi is missing';
  return step.vcpu === 0 ? 'vCPU 0 waits for no SIPI' : undefined;
};

/** From 6.5 on KVM_SET_SREGS refuses what the guest cannot have either (kvm_is_valid_sregs()). */
export const wrongNw: StepRule = (step) =>
  step.do === 'cd' && step.by === 'host' && step.nw && !step.on
    ? 'what KVM_SET_SREGS does with NW and without CD depends on the kernel'
    : undefined;

/** Whether a vCPU runs a guest of its own in a scenario: it stays in VMX operation then. */
const entersVmx = ({ steps }: Pick<Scenario, 'steps'>, vcpu: number): boolean =>
  steps.some((step) => (step.do === 'nested-access' || step.do === 'invept') && step.vcpu === vcpu);

/** What the VMM keeps to itself KVM has not. Nor does it let the VMX MSRs of a processor in VMX operation be written (vmx_set_vmx_msr()). */
export const wrongRestore: StepRule = (step, { scenario }) => {
  if (step.do !== 'restore') return undefined;
  if (scenario.msrMode === 'filter-drop')
    return 'the VMM keeps the guest’s writes to itself: msrMode is filter-drop';
  return entersVmx(scenario, step.vcpu)
    ? 'KVM writes no VMX MSRs of a vCPU that has a guest of its own'
    : undefined;
};

const isUnknown = (msr: number): boolean => classifyMsr(msr) === undefined && !isNearMtrrs(msr);

export const unknownMsr: StepRule = (step) =>
  'msr' in step && isUnknown(step.msr)
    ? 'it is neither an MTRR nor the PAT, nor a number among those of the MTRRs'
    : undefined;

export const wrongOps: StepRule = (step, { replay }) => {
  if (step.do !== 'msrs') return undefined;
  const { ops, by } = step;
  const unknown = ops.find(({ msr }) => isUnknown(msr));
  if (unknown !== undefined)
    return `0x${unknown.msr.toString(16)} is neither an MTRR nor the PAT, nor a number among those of the MTRRs`;
  const writes = ops.filter(({ value }) => value !== undefined).length;
  if (by === 'guest')
    return writes > 0 && replay.mayZapByMtrr
      ? 'with non-coherent DMA the guest writes one MSR a step: its own pages may go at each'
      : undefined;
  if (writes > 0 && writes < ops.length) return 'one ioctl either reads or writes';
  return ops.length > MSR_LIMIT ? `KVM takes ${MSR_LIMIT} at once` : undefined;
};

export const wrongFilter: StepRule = (step, { scenario }) => {
  if (step.do !== 'msr-filter' && step.do !== 'msr-exits') return undefined;
  if (scenario.msrMode !== 'kernel') return 'the VMM has set a filter of its own: msrMode is not kernel';
  if (step.do === 'msr-exits') return undefined;
  const isOutside = step.ranges.some(({ base, count, allow }) =>
    allow.some((msr) => msr < base || msr >= base + count),
  );
  return isOutside ? 'it allows an MSR that is not in the range' : undefined;
};
