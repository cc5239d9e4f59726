import type { Regs } from '../kvm/vcpu.js';
import type { LoggedExit } from './exit-log.js';
import { exitName } from './exit-names.js';

/** State of a vCPU when a run went wrong. */
export interface GuestState {
  vcpu: number;
  regs: Regs;
  /** The exits before, oldest first. */
  lastExits: LoggedExit[];
}

/** A run used up its budget: the guest loops, or exits for ever. */
export class GuestTimeoutError extends Error {
  readonly code = 'VMM_GUEST_TIMEOUT';
  override readonly name = 'GuestTimeoutError';
  readonly vcpu: number;
  readonly regs: Regs;
  readonly lastExits: LoggedExit[];

  constructor(budgetMs: number, state: GuestState) {
    super(`vCPU ${state.vcpu} did not finish within ${budgetMs} ms, RIP is 0x${state.regs.rip.toString(16)}`);
    this.vcpu = state.vcpu;
    this.regs = state.regs;
    this.lastExits = state.lastExits;
  }
}

/** A vCPU left the guest for a reason that this run has no use for. */
export class GuestExitError extends Error {
  readonly code = 'VMM_GUEST_EXIT';
  override readonly name = 'GuestExitError';
  /** KVM_EXIT_* number and name. */
  readonly reason: number;
  readonly reasonName: string;
  /** The exit's union in kvm_run as u64s, undecoded. */
  readonly raw: bigint[];
  readonly vcpu: number;
  readonly regs: Regs;
  readonly lastExits: LoggedExit[];

  constructor(reason: number, raw: bigint[], state: GuestState) {
    const rip = state.regs.rip.toString(16);
    const fields = raw.map((word) => `0x${word.toString(16)}`).join(' ');
    super(`vCPU ${state.vcpu} left the guest with ${exitName(reason)} at RIP 0x${rip} (kvm_run: ${fields})`);
    this.reason = reason;
    this.reasonName = exitName(reason);
    this.raw = raw;
    this.vcpu = state.vcpu;
    this.regs = state.regs;
    this.lastExits = state.lastExits;
  }
}
