import type { Vcpu } from '../kvm/index.js';
import type { Probe, ProbeCommand } from '../probe/index.js';
import type { MsrExit, MsrResult } from '../recording/recording.js';
import type { MsrOp, MsrsStep } from '../scenario/types.js';
import type { MsrLogEntry, MsrReason } from '../vmm/index.js';

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
