import { struct, withFlags } from '../layout/bytes.js';
import { encodeRouting, encodeZone, type GsiRoute } from '../layout/vm-structs.js';
import type { NativeVm } from '../native.js';
import { KVM_IOEVENTFD_FLAG_DATAMATCH, KVM_IRQFD_FLAG_RESAMPLE } from '../uapi.js';
import { AttrHandle } from './device.js';
import type { EventFd } from './file.js';

/** An eventfd that KVM signals for guest writes to an address. */
export interface IoEvent {
  address: bigint;
  /** Bytes of the write: 0 for any, 1, 2, 4 or 8. */
  length: number;
  /** Only writes of this value count, if given. */
  datamatch?: bigint;
  /** KVM_IOEVENTFD_FLAG_* beside DATAMATCH; 0 unless told. */
  flags?: number;
}

/** Interrupts of a VM: chips in the kernel, routes, and eventfds in their place. */
export abstract class VmInterrupts extends AttrHandle<NativeVm> {
  /**
   * KVM_CREATE_IRQCHIP: PIC, IOAPIC and a LAPIC per vCPU in the kernel. Before the first vCPU.
   * Needs KVM_CAP_IRQCHIP.
   * @throws KvmError `KVM_IOCTL`: EEXIST there is one already; EINVAL there are vCPUs already; ENOTTY the kernel is
   * built without CONFIG_KVM_IOAPIC, or the VM protects its EOIs
   */
  createIrqchip(): void {
    this.native.createIrqchip();
  }

  /**
   * KVM_GET_IRQCHIP: struct kvm_irqchip, 520 bytes.
   * Needs KVM_CAP_IRQCHIP.
   * @param chip 0, 1 PIC; 2 IOAPIC
   * @throws KvmError `KVM_IOCTL`: ENXIO the VM has no full in-kernel irqchip; EINVAL there is no such chip
   */
  getIrqchip(chip: number): Uint8Array {
    const bytes = struct(520, (put) => put.u32(0, chip, 'chip'));
    this.native.getIrqchip(bytes);
    return bytes;
  }

  /**
   * KVM_SET_IRQCHIP: struct kvm_irqchip, its chip number included.
   * Needs KVM_CAP_IRQCHIP.
   * @throws KvmError `KVM_IOCTL`: ENXIO the VM has no full in-kernel irqchip; EINVAL there is no such chip
   */
  setIrqchip(irqchip: Uint8Array): void {
    this.native.setIrqchip(irqchip);
  }

  /**
   * KVM_CREATE_PIT2.
   * Needs KVM_CAP_PIT2, after createIrqchip().
   * @param flags 1: the PC speaker port is emulated too
   * @throws KvmError `KVM_IOCTL`: EEXIST there is one already; ENOENT there is no in-kernel PIC; ENOMEM
   */
  createPit2(flags = 0): void {
    this.native.createPit2(struct(64, (put) => put.u32(0, flags, 'flags')));
  }

  /**
   * KVM_GET_PIT2: struct kvm_pit_state2, 112 bytes.
   * Needs KVM_CAP_PIT_STATE2.
   * @throws KvmError `KVM_IOCTL`: ENXIO the VM has no in-kernel PIT
   */
  getPit2(): Uint8Array {
    const bytes = new Uint8Array(112);
    this.native.getPit2(bytes);
    return bytes;
  }

  /**
   * KVM_SET_PIT2.
   * Needs KVM_CAP_PIT_STATE2.
   * @throws KvmError `KVM_IOCTL`: ENXIO the VM has no in-kernel PIT
   */
  setPit2(state: Uint8Array): void {
    this.native.setPit2(state);
  }

  /**
   * KVM_IRQ_LINE.
   * Needs KVM_CAP_IRQCHIP.
   * @throws KvmError `KVM_IOCTL`: ENXIO the VM has no in-kernel irqchip
   */
  irqLine(gsi: number, level: boolean): void {
    this.native.irqLine(
      struct(8, (put) => {
        put.u32(0, gsi, 'gsi');
        put.u32(4, level ? 1 : 0, 'level');
      }),
    );
  }

  /**
   * KVM_SIGNAL_MSI: 1 if it was delivered, 0 if the guest blocked it.
   * Needs KVM_CAP_SIGNAL_MSI.
   * @throws KvmError `KVM_IOCTL`: EINVAL the VM has no in-kernel LAPIC
   */
  signalMsi(address: bigint, data: number): number {
    return this.native.signalMsi(
      struct(32, (put) => {
        put.u64(0, address, 'address');
        put.u32(8, data, 'data');
      }),
    );
  }

  /**
   * KVM_SET_GSI_ROUTING: replaces the whole table.
   * Needs KVM_CAP_IRQ_ROUTING.
   * @throws KvmError `KVM_IOCTL`: EINVAL a GSI is too high, or there are over 4096 routes; ENOMEM
   */
  setGsiRouting(routes: readonly GsiRoute[]): void {
    this.native.setGsiRouting(encodeRouting(routes));
  }

  /**
   * KVM_IRQFD: let `event` raise a GSI, or stop it with KVM_IRQFD_FLAG_DEASSIGN.
   * Needs KVM_CAP_IRQFD.
   * @throws KvmError `KVM_IOCTL`: EBUSY the eventfd raises a GSI already; EINVAL a flag is not known, or there is
   * no in-kernel irqchip
   */
  irqfd(event: EventFd, gsi: number, o: { flags?: number; resample?: EventFd } = {}): void {
    const flags = withFlags(o.flags ?? 0, o.resample ? KVM_IRQFD_FLAG_RESAMPLE : 0);
    this.native.irqfd(event.number, gsi, flags, o.resample?.number);
  }

  /**
   * KVM_IOEVENTFD: signal `event` for guest writes, without an exit; KVM_IOEVENTFD_FLAG_DEASSIGN undoes it.
   * Needs KVM_CAP_IOEVENTFD; KVM_CAP_IOEVENTFD_ANY_LENGTH for length 0.
   * @throws KvmError `KVM_IOCTL`: EEXIST another one is there for the same writes; EINVAL the length or a flag is
   * none of those; ENOENT deassigning one that is not there
   */
  ioeventfd(event: EventFd, o: IoEvent): void {
    const flags = withFlags(o.flags ?? 0, o.datamatch === undefined ? 0 : KVM_IOEVENTFD_FLAG_DATAMATCH);
    this.native.ioeventfd(event.number, o.datamatch ?? 0n, o.address, o.length, flags);
  }

  /**
   * KVM_REGISTER_COALESCED_MMIO: batch writes to a range into the ring behind kvm_run.
   * Needs KVM_CAP_COALESCED_MMIO; KVM_CAP_COALESCED_PIO for ports.
   * @throws KvmError `KVM_IOCTL`: EINVAL; ENOSPC there are too many devices on the bus; ENOMEM
   */
  registerCoalescedMmio(address: bigint, size: number, pio = false): void {
    this.native.registerCoalescedMmio(encodeZone(address, size, pio));
  }

  /**
   * KVM_UNREGISTER_COALESCED_MMIO.
   * Needs KVM_CAP_COALESCED_MMIO.
   * @throws KvmError `KVM_IOCTL`: EINVAL
   */
  unregisterCoalescedMmio(address: bigint, size: number, pio = false): void {
    this.native.unregisterCoalescedMmio(encodeZone(address, size, pio));
  }
}
