import { RAM_SLOT } from '../arch/memslots.js';
import type { CpuidEntry, Kvm } from '../kvm/fd/system.js';
import type { Vcpu } from '../kvm/fd/vcpu.js';
import type { Vm } from '../kvm/fd/vm.js';
import { HostMemory } from '../kvm/memory.js';
import {
  KVM_CAP_X86_USER_SPACE_MSR,
  KVM_MSR_EXIT_REASON_FILTER,
  KVM_MSR_EXIT_REASON_INVAL,
  KVM_MSR_EXIT_REASON_UNKNOWN,
} from '../kvm/uapi.js';
import { Bus } from './bus.js';
import { type GuestCpuid, guestCpuid, maxPhyAddrOf } from './cpuid.js';
import { type GuestExitError, MachineOptionError } from './errors.js';
import type { LoggedExit } from './exit-log.js';
import { MemoryTypeMsrs, MsrExits, memoryTypeFilter } from './msr.js';
import { MEMORY_TYPE_MSRS } from './mtrr-valid.js';
import { CPUID_RULES, checkOptions, MACHINE_RULES } from './options.js';
import { type RunEnd, RunLoop } from './run-loop.js';

/** How a machine is to be made. */
export interface MachineOptions {
  /** Number of vCPUs, ids 0 and up: 1 to 4096, and what KVM can do. */
  vcpus: number;
  /** Bytes of guest RAM at gpa 0, slot 0: a multiple of 4096 up to 2^40. */
  ramSize: number;
  /** `kernel`: KVM emulates MTRRs and PAT; `filter`: their accesses come to user space. */
  msrMode: 'kernel' | 'filter';
  /** Milliseconds that one run may take, 0 to 86400000; 1000 unless told. */
  budgetMs?: number;
  /** RAM to use instead of a new memfd, at least `ramSize` bytes; it stays the caller's. */
  ram?: HostMemory;
  /** In `filter` mode, whether valid writes go on to KVM; true unless told. */
  forwardMsrs?: boolean;
  /** Whether the kernel emulates PIC, I/O APIC, local APICs and PIT; false unless told. HLT then does not exit. */
  irqchip?: boolean;
  /** What the guest's CPUID says beyond what KVM supports. */
  cpuid?: GuestCpuid;
  /**
   * Called with the new VM, before it has memory, an irqchip or vCPUs: for what KVM takes only then, such as a dirty
   * ring, a split irqchip or quirks. It must not be async. What it throws, create() throws.
   */
  prepare?(vm: Vm): void;
}

/** Guest memory that a machine knows: `size` bytes at `gpa` are `memory` from `offset` on. */
export interface Memslot {
  slot: number;
  gpa: bigint;
  size: bigint;
  memory: HostMemory;
  /** Bytes into `memory`; 0 unless told. */
  offset?: number;
  /** KVM_MEM_* flags; 0 unless told. */
  flags?: number;
}

/** Three pages that no RAM or device uses, below the firmware's place at the end of 4 GiB. */
const TSS_GPA = 0xfffbd000;
const DEFAULT_BUDGET_MS = 1000;

/** Run the caller's hook. A promise would go on while the vCPUs are made: too late for what it is for. */
function prepare(vm: Vm, o: MachineOptions): void {
  const result: unknown = o.prepare?.(vm);
  if (result instanceof Promise)
    throw new MachineOptionError('prepare', 'a function that is not async', o.prepare);
}

/** A virtual machine: RAM, vCPUs, buses and MSR exits, and a run loop for each vCPU. */
export class Machine {
  readonly vcpus: Vcpu[] = [];
  readonly pio = new Bus();
  readonly mmio = new Bus();
  readonly msr = new MsrExits();
  /** Filtered MTRR and PAT accesses; undefined in `kernel` mode. */
  readonly memoryTypeMsrs: MemoryTypeMsrs | undefined;
  /** The guest's MAXPHYADDR, bits. */
  readonly maxPhyAddr: number;
  /** Bytes of slot 0. */
  readonly ramSize: number;
  budgetMs: number;
  readonly #slots = new Map<number, Memslot>();
  readonly #loops: RunLoop[] = [];
  readonly #ownsRam: boolean;

  private constructor(
    readonly vm: Vm,
    readonly ram: HostMemory,
    supported: readonly CpuidEntry[],
    o: MachineOptions,
  ) {
    this.#ownsRam = o.ram === undefined;
    this.ramSize = o.ramSize;
    this.budgetMs = o.budgetMs ?? DEFAULT_BUDGET_MS;
    this.maxPhyAddr = o.cpuid?.maxPhyAddr ?? maxPhyAddrOf(supported);
    if (o.msrMode === 'filter') {
      this.memoryTypeMsrs = new MemoryTypeMsrs(this.maxPhyAddr, o.forwardMsrs);
    }
  }

  /**
   * Make a machine with RAM and vCPUs in the state KVM gives them.
   * @throws MachineOptionError
   * @throws KvmError if KVM refuses a step; nothing is left open then
   */
  static create(kvm: Kvm, o: MachineOptions): Machine {
    checkOptions(o, MACHINE_RULES);
    checkOptions(o.cpuid ?? {}, CPUID_RULES, 'cpuid.');
    const supported = kvm.supportedCpuid();
    const ram = o.ram ?? HostMemory.memfd(o.ramSize);
    let machine: Machine | undefined;
    try {
      machine = new Machine(kvm.createVm(), ram, supported, o);
      prepare(machine.vm, o);
      machine.#routeMsrs();
      machine.setMemslot({ slot: RAM_SLOT, gpa: 0n, size: BigInt(o.ramSize), memory: ram });
      if (o.irqchip) machine.#createIrqchip();
      for (let id = 0; id < o.vcpus; id++) machine.#addVcpu(id, guestCpuid(supported, id, o.cpuid));
      return machine;
    } catch (error) {
      machine?.close();
      if (!o.ram) ram.close();
      throw error;
    }
  }

  /** Add a slot, or move or change the one with its number. `guestBytes()` follows it. */
  setMemslot(s: Memslot): void {
    const offset = s.offset ?? 0;
    this.vm.setUserMemoryRegion({
      slot: s.slot,
      flags: s.flags ?? 0,
      gpa: s.gpa,
      size: s.size,
      userspaceAddr: s.memory.address + BigInt(offset),
    });
    this.#slots.set(s.slot, { ...s, offset });
  }

  /** Delete a slot. */
  deleteMemslot(slot: number): void {
    this.vm.setUserMemoryRegion({ slot, gpa: this.#slots.get(slot)?.gpa ?? 0n, size: 0n, userspaceAddr: 0n });
    this.#slots.delete(slot);
  }

  /** A slot set by setMemslot(), as it is now. */
  memslot(slot: number): Memslot | undefined {
    return this.#slots.get(slot);
  }

  /** Host view of guest memory, or undefined if [gpa, gpa + length) is not in one slot set by setMemslot(). */
  guestBytes(gpa: bigint, length: number): Uint8Array | undefined {
    for (const { gpa: base, size, memory, offset = 0 } of this.#slots.values()) {
      if (gpa >= base && gpa + BigInt(length) <= base + size) {
        return new Uint8Array(memory.buffer, offset + Number(gpa - base), length);
      }
    }
    return undefined;
  }

  /**
   * Run a vCPU until a device stops it, it halts or it shuts down.
   * @throws GuestTimeoutError, GuestExitError
   */
  run(vcpu: number, budgetMs = this.budgetMs): RunEnd {
    return this.#loop(vcpu).run(budgetMs);
  }

  /** Run a vCPU for at most `budgetMs` milliseconds: as run(), but a used up budget is no error. */
  runSlice(vcpu: number, budgetMs: number): RunEnd | 'timeout' {
    return this.#loop(vcpu).slice(budgetMs);
  }

  /** Let every run in progress end after the exit it is handling: for devices, from inside an exit. */
  stop(): void {
    for (const loop of this.#loops) loop.stop();
  }

  /**
   * Run a vCPU until a device calls stop().
   * @throws GuestTimeoutError, or GuestExitError if the run ends in any other way
   */
  runUntilDoorbell(vcpu: number): void {
    if (this.run(vcpu) !== 'stop') throw this.unexpectedExit(vcpu);
  }

  /**
   * Run several vCPUs until a device calls stop() in each, all at the same time up to their first exits, each on a thread
   * of its own; what comes after is done in turn.
   * @param beside called once all have set off
   * @throws as runUntilDoorbell(); what `beside` throws, once all have stopped
   */
  runTogether(vcpus: readonly number[], beside: () => void): void {
    const { budgetMs } = this;
    const begun: number[] = [];
    const failures: unknown[] = [];
    const attempt = (act: () => void): void => {
      try {
        act();
      } catch (error) {
        failures.push(error);
      }
    };
    attempt(() => {
      for (const id of vcpus) {
        this.#vcpu(id).begin(budgetMs);
        begun.push(id);
      }
      for (const id of vcpus) this.#vcpu(id).go();
      beside();
    });
    for (const id of begun)
      attempt(() => {
        if (this.#loop(id).finish(budgetMs) !== 'stop') throw this.unexpectedExit(id);
      });
    if (failures.length > 0) throw failures[0];
  }

  /** The error that describes the exit a vCPU stands at. */
  unexpectedExit(vcpu: number): GuestExitError {
    return this.#loop(vcpu).unexpectedExit();
  }

  /** The last exits of a vCPU, oldest first. */
  lastExits(vcpu: number): LoggedExit[] {
    return this.#loop(vcpu).log.entries();
  }

  /** Close vCPUs, VM and, if it was made here, RAM. Again does nothing. */
  close(): void {
    for (const vcpu of this.vcpus) vcpu.close();
    this.vm.close();
    if (this.#ownsRam) this.ram.close();
  }

  /** `using` closes it. */
  [Symbol.dispose](): void {
    this.close();
  }

  #loop(vcpu: number): RunLoop {
    const loop = this.#loops[vcpu];
    if (!loop) throw new MachineOptionError('vcpu', `one of ${this.#loops.length}, from 0`, vcpu);
    return loop;
  }

  #vcpu(id: number): Vcpu {
    this.#loop(id);
    return this.vcpus[id] as Vcpu;
  }

  #addVcpu(id: number, cpuid: CpuidEntry[]): void {
    const vcpu = this.vm.createVcpu(id);
    this.vcpus.push(vcpu);
    vcpu.setCpuid2(cpuid);
    this.#loops.push(new RunLoop(vcpu, this.pio, this.mmio, this.msr));
  }

  // All before the first vCPU. The TSS is for Intel processors that cannot run real mode.
  #createIrqchip(): void {
    this.vm.setTssAddr(TSS_GPA);
    this.vm.createIrqchip();
    this.vm.createPit2();
  }

  // Enable the exits before the filter: until then a denied access would be a #GP (KVM_X86_SET_MSR_FILTER).
  #routeMsrs(): void {
    const handler = this.memoryTypeMsrs;
    const reasons = KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN;
    const filter = handler ? KVM_MSR_EXIT_REASON_FILTER : 0;
    this.vm.enableCap(KVM_CAP_X86_USER_SPACE_MSR, [BigInt(reasons | filter)]);
    if (!handler) return;
    for (const { base, count } of MEMORY_TYPE_MSRS) this.msr.register(base, count, handler);
    this.vm.setMsrFilter({ ranges: memoryTypeFilter() });
  }
}
