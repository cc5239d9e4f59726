import { MT } from '../arch/memory-types.js';
import { RAM_SLOT } from '../arch/memslots.js';
import { defType, MSR } from '../arch/msrs.js';
import type { Kvm } from '../kvm/fd/system.js';
import { KVM_MP_STATE_HALTED, KVM_MP_STATE_INIT_RECEIVED, KVM_MP_STATE_UNINITIALIZED } from '../kvm/uapi.js';
import { acpiTables, PM, RESET } from './acpi/tables.js';
import { bootGuest } from './boot/index.js';
import { GuestRam, PLACES } from './boot/ram.js';
import { FW_CFG_PORT, FwCfg, fwCfgItems } from './devices/fw-cfg.js';
import { CONTROL_PORT, PowerManagement, resetPort, SystemControlPort } from './devices/power.js';
import { Serial16550 } from './devices/serial.js';
import { dataPort, flushPort, irqPorts, TEST_DEVICE, TestMemory } from './devices/test-device.js';
import { Machine, type MachineOptions } from './machine.js';
import { checkOptions, PC_RULES } from './options.js';

/** A guest of one's own and the PC it is to run on. */
export interface PcOptions {
  /** A bzImage, an ELF with a multiboot 1 header or a PVH note, or a flat binary. */
  image: Uint8Array;
  /** Bytes of RAM: a multiple of 4096 from 2 MiB to 3 GiB. */
  memory: number;
  /** 1 to 16; 1 unless told. */
  cpus?: number;
  cmdline?: string;
  /** Initial RAM disk, or the one boot module. */
  initrd?: Uint8Array;
  /** Takes each byte that the guest sends over COM1. */
  onSerial(byte: number): void;
  /**
   * The MTRRs as the guest finds them. `firmware`: on, all memory WB, as every PC's firmware leaves them; a guest that
   * finds them off takes all memory for uncached, and Linux then leaves PAT alone. `reset`: off, as after a reset, for
   * guests that set them themselves. `firmware` unless told.
   */
  mtrrs?: 'firmware' | 'reset';
  /** As the machine's. */
  prepare?: MachineOptions['prepare'];
}

/** How a guest ended. */
export type PcEnd =
  | { kind: 'debug-exit'; value: number }
  /** S5, a reset, a triple fault, a shutdown that KVM reports, or a halt of every CPU with interrupts off. */
  | { kind: 'power-off' | 'reset' | 'triple-fault' | 'system-event' | 'halt' };

const MTRRS_ON_ALL_WB = { index: MSR.DEF_TYPE, value: defType(MT.WB) };
const COM1 = { port: 0x3f8, irq: 4 };
const DEBUG_EXIT_PORT = 0xf4;
/** Milliseconds that a CPU runs before the next has its turn; on a slow host much of it may pass before the guest runs. */
const SLICE_MS = { alone: 50, shared: 5 };

/**
 * A PC: COM1, ACPI power-off, the kernel's interrupt controllers and timer; and what test programs expect of QEMU: fw_cfg, the
 * debug-exit port and the test device.
 */
export class Pc {
  readonly machine: Machine;
  #end: PcEnd | undefined;

  private constructor(machine: Machine) {
    this.machine = machine;
  }

  /**
   * Make a PC and load its guest.
   * @throws MachineOptionError, KvmError, GuestImageError; nothing is left open then
   */
  static create(kvm: Kvm, o: PcOptions): Pc {
    checkOptions(o, PC_RULES);
    const cpus = o.cpus ?? 1;
    const machine = Machine.create(kvm, {
      vcpus: cpus,
      ramSize: o.memory,
      msrMode: 'kernel',
      irqchip: true,
      cpuid: { hypervisor: true },
      ...(o.prepare && { prepare: o.prepare }),
    });
    try {
      const pc = new Pc(machine);
      pc.#attach(o.onSerial);
      pc.#attachTestDevices({ cpus, memory: o.memory });
      pc.#load(o, cpus);
      return pc;
    } catch (error) {
      machine.close();
      throw error;
    }
  }

  /**
   * Run every CPU for a while, one after the other on this thread; call it again until it says how the guest ended.
   * @throws GuestExitError, GuestRunError
   */
  runSlice(): PcEnd | undefined {
    const { vcpus } = this.machine;
    let halted = true;
    for (let cpu = 0; cpu < vcpus.length && !this.#end; cpu++) {
      const state = vcpus[cpu]?.getMpState();
      if (state === KVM_MP_STATE_UNINITIALIZED || state === KVM_MP_STATE_INIT_RECEIVED) continue;
      halted = this.#runCpu(cpu) && halted;
    }
    if (halted) this.#end ??= { kind: 'halt' };
    return this.#end;
  }

  /** Close the machine, with its vCPUs and its RAM. */
  close(): void {
    this.machine.close();
  }

  /** `using` closes it. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Run a CPU for its slice; whether it has halted for good. */
  #runCpu(cpu: number): boolean {
    const alone = this.machine.vcpus.length === 1;
    const end = this.machine.runSlice(cpu, alone ? SLICE_MS.alone : SLICE_MS.shared);
    if (end === 'shutdown') this.#end ??= { kind: 'triple-fault' };
    if (end === 'system-event') this.#end ??= { kind: 'system-event' };
    const vcpu = this.machine.vcpus[cpu];
    return end === 'timeout' && vcpu?.getMpState() === KVM_MP_STATE_HALTED && vcpu.run.ifFlag === 0;
  }

  #finish(end: PcEnd): void {
    this.#end ??= end;
    this.machine.stop();
  }

  #attach(onSerial: (byte: number) => void): void {
    const { pio, vm } = this.machine;
    const serial = new Serial16550(onSerial, (level) => vm.irqLine(COM1.irq, level));
    pio.register(COM1.port, 8, serial);
    pio.register(DEBUG_EXIT_PORT, 4, {
      read: () => 0,
      write: (_offset, _size, value) => this.#finish({ kind: 'debug-exit', value }),
    });
    pio.register(PM.eventPort, 8, new PowerManagement(() => this.#finish({ kind: 'power-off' })));
    const reset = (): void => this.#finish({ kind: 'reset' });
    pio.register(RESET.port, 1, resetPort(reset));
    pio.register(CONTROL_PORT.port, 1, new SystemControlPort(reset));
  }

  #attachTestDevices(o: { cpus: number; memory: number }): void {
    const { pio, mmio, vm } = this.machine;
    pio.register(FW_CFG_PORT, 2, new FwCfg(fwCfgItems(o)));
    pio.register(TEST_DEVICE.dataPort, 4, dataPort());
    pio.register(
      TEST_DEVICE.flushPort,
      4,
      flushPort(() => this.#remapRam()),
    );
    pio.register(
      TEST_DEVICE.irqPort,
      TEST_DEVICE.irqs,
      irqPorts((irq, level) => vm.irqLine(irq, level)),
    );
    mmio.register(TEST_DEVICE.memory, TestMemory.size, new TestMemory());
  }

  /** Have KVM drop its mappings of RAM: it does so where a slot goes. The content stays. */
  #remapRam(): void {
    const { machine } = this;
    machine.deleteMemslot(0);
    machine.setMemslot({ slot: RAM_SLOT, gpa: 0n, size: BigInt(machine.ramSize), memory: machine.ram });
  }

  #load(o: PcOptions, cpus: number): void {
    if (o.mtrrs !== 'reset') for (const vcpu of this.machine.vcpus) vcpu.setMsrs([MTRRS_ON_ALL_WB]);
    const ram = new GuestRam(this.machine.ram.buffer, o.memory);
    const { rsdp, bytes } = acpiTables(PLACES.acpi, cpus);
    ram.put(PLACES.acpi, bytes);
    bootGuest(this.machine, o.image, {
      cmdline: o.cmdline ?? '',
      rsdp,
      ...(o.initrd && { initrd: o.initrd }),
    });
  }
}
