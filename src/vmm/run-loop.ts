import { constants } from 'node:os';
import type { Vcpu } from '../kvm/fd/vcpu.js';
import {
  KVM_EXIT_HLT,
  KVM_EXIT_INTR,
  KVM_EXIT_IO,
  KVM_EXIT_MEMORY_FAULT,
  KVM_EXIT_MMIO,
  KVM_EXIT_SHUTDOWN,
  KVM_EXIT_SYSTEM_EVENT,
  KVM_EXIT_X86_RDMSR,
  KVM_EXIT_X86_WRMSR,
} from '../kvm/uapi.js';
import type { Bus } from './bus.js';
import { GuestExitError, GuestRunError, type GuestState, GuestTimeoutError } from './errors.js';
import { ExitLog } from './exit-log.js';
import { doIo, doMmio, doRdmsr, doWrmsr } from './exits.js';
import type { MsrExits } from './msr.js';

/** Why a run ended: a device asked for it, another thread kicked the vCPU, or the guest halted or shut down. */
export type RunEnd = 'stop' | 'kick' | 'hlt' | 'shutdown' | 'system-event';

const { EAGAIN, EFAULT, EINTR } = constants.errno;

/** Runs one vCPU and answers its exits. Once warm, an exit by PIO or MMIO allocates nothing. */
export class RunLoop {
  readonly #vcpu: Vcpu;
  readonly #pio: Bus;
  readonly #mmio: Bus;
  readonly #msr: MsrExits;
  readonly log = new ExitLog();
  #stop = false;

  constructor(vcpu: Vcpu, pio: Bus, mmio: Bus, msr: MsrExits) {
    this.#vcpu = vcpu;
    this.#pio = pio;
    this.#mmio = mmio;
    this.#msr = msr;
  }

  /** Let the run in progress end after the current exit. */
  stop(): void {
    this.#stop = true;
  }

  /**
   * Run until the guest or a device ends it.
   * @param budgetMs milliseconds for the whole run
   * @throws GuestTimeoutError when the budget is used up
   * @throws GuestExitError for an exit that no run expects
   */
  run(budgetMs: number): RunEnd {
    const end = this.slice(budgetMs);
    if (end === 'timeout') throw new GuestTimeoutError(budgetMs, this.#state());
    return end;
  }

  /** The same, but a used up budget is one more way to end. */
  slice(budgetMs: number): RunEnd | 'timeout' {
    this.#stop = false;
    return this.#loop(this.#vcpu.enter(budgetMs));
  }

  /** As run(), for a run that was begun on a thread of its own: wait for its first exit, and go on from there. */
  finish(budgetMs: number): RunEnd {
    this.#stop = false;
    const end = this.#loop(this.#vcpu.finish());
    if (end === 'timeout') throw new GuestTimeoutError(budgetMs, this.#state());
    return end;
  }

  #loop(first: number): RunEnd | 'timeout' {
    for (let errno = first; ; errno = this.#vcpu.resume()) {
      const end = this.#after(errno);
      if (end) return end;
      if (this.#stop) return 'stop';
    }
  }

  #after(errno: number): RunEnd | 'timeout' | undefined {
    if (errno === 0) return this.#handle();
    if (errno === EINTR) return this.#vcpu.timedOut ? 'timeout' : 'kick';
    // The vCPU waits for its start-up IPI and something woke it: ask again.
    if (errno === EAGAIN) return undefined;
    throw this.#failed(errno);
  }

  #handle(): RunEnd | undefined {
    const run = this.#vcpu.run;
    switch (run.exitReason) {
      case KVM_EXIT_IO:
        doIo(run, this.#pio, this.log);
        return undefined;
      case KVM_EXIT_MMIO:
        doMmio(run, this.#mmio, this.log);
        return undefined;
      case KVM_EXIT_X86_RDMSR:
        doRdmsr(this.#vcpu, this.#msr, this.log);
        return undefined;
      case KVM_EXIT_X86_WRMSR:
        doWrmsr(this.#vcpu, this.#msr, this.log);
        return undefined;
      case KVM_EXIT_INTR:
        return undefined;
      case KVM_EXIT_HLT:
        return 'hlt';
      case KVM_EXIT_SHUTDOWN:
        return 'shutdown';
      case KVM_EXIT_SYSTEM_EVENT:
        return 'system-event';
      default:
        throw this.unexpectedExit();
    }
  }

  /** The error for an exit that the caller does not expect, with what kvm_run and the vCPU hold now. */
  unexpectedExit(): GuestExitError {
    return new GuestExitError(this.#vcpu.run.exit(), this.#vcpu.run.exitReason, this.#state());
  }

  // A failed KVM_RUN says more in kvm_run for one errno only: EFAULT with KVM_EXIT_MEMORY_FAULT (Linux 6.8).
  #failed(errno: number): Error {
    const { exitReason } = this.#vcpu.run;
    if (errno === EFAULT && exitReason === KVM_EXIT_MEMORY_FAULT) return this.unexpectedExit();
    return new GuestRunError(errno, this.#state());
  }

  #state(): GuestState {
    return { vcpu: this.#vcpu.id, regs: this.#vcpu.getRegs(), lastExits: this.log.entries() };
  }
}
