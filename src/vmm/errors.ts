import { getSystemErrorName, inspect } from 'node:util';
import type { VcpuExit } from '../kvm/layout/exits.js';
import type { Regs } from '../kvm/layout/registers.js';
import type { LoggedExit } from './exit-log.js';
import { exitName } from './exit-names.js';

/** A guest image is not what its loader can load. */
export class GuestImageError extends Error {
  readonly code = 'VMM_GUEST_IMAGE';
  override readonly name = 'GuestImageError';
}

/** State of a vCPU when a run went wrong. */
export interface GuestState {
  vcpu: number;
  regs: Regs;
  /** The exits before, oldest first. */
  lastExits: LoggedExit[];
}

/** An option of a machine or a PC is not what it must be. Nothing was made. */
export class MachineOptionError extends RangeError {
  readonly code = 'VMM_OPTION';
  override readonly name = 'MachineOptionError';

  /**
   * Say what the value of an option must be.
   * @param option its name, with a dot before that of an inner one: `cpuid.maxPhyAddr`
   */
  constructor(
    readonly option: string,
    must: string,
    value: unknown,
  ) {
    super(
      `${option} must be ${must}, not ${inspect(value, { depth: 0, maxStringLength: 40, maxArrayLength: 4 })}`,
    );
  }
}

/** A run used up its budget: the guest loops, or exits for ever. */
export class GuestTimeoutError extends Error {
  readonly code = 'VMM_GUEST_TIMEOUT';
  override readonly name = 'GuestTimeoutError';
  readonly vcpu: number;
  readonly regs: Regs;
  readonly lastExits: LoggedExit[];

  /** Say that a vCPU took longer than its budget. */
  constructor(budgetMs: number, state: GuestState) {
    super(`vCPU ${state.vcpu} did not finish within ${budgetMs} ms, at ${ripOf(state)}`);
    this.vcpu = state.vcpu;
    this.regs = state.regs;
    this.lastExits = state.lastExits;
  }
}

/** A vCPU left the guest for a reason that this run has no use for. */
export class GuestExitError extends Error {
  readonly code = 'VMM_GUEST_EXIT';
  override readonly name = 'GuestExitError';
  /** The exit with its fields; raw ones if its reason is not known. */
  readonly exit: VcpuExit;
  /** KVM_EXIT_* number and name. */
  readonly reason: number;
  readonly reasonName: string;
  readonly vcpu: number;
  readonly regs: Regs;
  readonly lastExits: LoggedExit[];

  /** Say by which exit a vCPU left the guest for good. */
  constructor(exit: VcpuExit, reason: number, state: GuestState) {
    super(`vCPU ${state.vcpu} left the guest with ${exitName(reason)}${fields(exit)} at ${ripOf(state)}`);
    this.exit = exit;
    this.reason = reason;
    this.reasonName = exitName(reason);
    this.vcpu = state.vcpu;
    this.regs = state.regs;
    this.lastExits = state.lastExits;
  }
}

/** KVM_RUN itself failed. */
export class GuestRunError extends Error {
  readonly code = 'VMM_GUEST_RUN';
  override readonly name = 'GuestRunError';
  readonly errno: number;
  readonly vcpu: number;
  readonly regs: Regs;
  readonly lastExits: LoggedExit[];

  /** Say that KVM refused to run a vCPU. */
  constructor(errno: number, state: GuestState) {
    super(`KVM_RUN of vCPU ${state.vcpu} failed with ${getSystemErrorName(-errno)} at ${ripOf(state)}`);
    this.errno = errno;
    this.vcpu = state.vcpu;
    this.regs = state.regs;
    this.lastExits = state.lastExits;
  }
}

function ripOf(state: GuestState): string {
  return `RIP 0x${state.regs.rip.toString(16)}`;
}

function hex(value: unknown): string {
  if (Array.isArray(value))
    return `[${value
      .slice(0, value.findLastIndex((word) => word) + 1)
      .map(hex)
      .join(' ')}]`;
  return typeof value === 'bigint' || typeof value === 'number' ? `0x${value.toString(16)}` : String(value);
}

function fields(exit: VcpuExit): string {
  const parts = Object.entries(exit).filter(([name]) => name !== 'kind');
  return parts.length === 0 ? '' : ` (${parts.map(([name, value]) => `${name} ${hex(value)}`).join(', ')})`;
}
