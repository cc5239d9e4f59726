/** @module-tag kvm */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as kvmApi from '../../src/kvm/index.js';
import { EventFd, HostMemory, Kvm, type Vcpu, type Vm } from '../../src/kvm/index.js';
import { requireOrSkip } from '../require.js';
import { CODE_PAGE, realMode } from './real-mode.js';

const BUDGET_MS = 1000;
const HLT = [0xf4];
/** out 0x10, al */
const OUT = [0xe6, 0x10];

let kvm: Kvm;
let vm: Vm;
let ram: HostMemory;

beforeEach(() => {
  kvm = Kvm.open();
  vm = kvm.createVm();
  ram = HostMemory.memfd(0x10000);
  vm.setUserMemoryRegion({ slot: 0, gpa: 0n, size: BigInt(ram.size), userspaceAddr: ram.address });
});

afterEach(() => {
  for (const handle of [vm, ram, kvm]) handle.close();
});

describe('the system', () => {
  it('describes what it supports', () => {
    expect(kvm.apiVersion()).toBe(12);
    expect(kvm.checkExtension(kvmApi.KVM_CAP_USER_MEMORY)).toBe(1);
    expect(kvm.checkExtension(0x7fffffff)).toBe(0);
    expect(kvm.vcpuMmapSize()).toBeGreaterThanOrEqual(4096);
    expect(kvm.supportedCpuid().some((entry) => entry.function === 0)).toBe(true);
    expect(kvm.emulatedCpuid()).toBeInstanceOf(Array);
    expect(kvm.msrIndexList()).toContain(0x10);
    const features = kvm.msrFeatureIndexList();
    expect(kvm.getFeatureMsrs(features)).toHaveLength(features.length);
  });
});

describe('a vCPU', () => {
  let vcpu: Vcpu;

  beforeEach(() => {
    vcpu = vm.createVcpu(0);
    vcpu.setCpuid2(kvm.supportedCpuid());
  });

  afterEach(() => vcpu.close());

  it('takes back the state it gives', () => {
    const states: [string, () => unknown, (state: never) => void][] = [
      ['regs', () => vcpu.getRegs(), (s) => vcpu.setRegs(s)],
      ['sregs', () => vcpu.getSregs(), (s) => vcpu.setSregs(s)],
      ['fpu', () => vcpu.getFpu(), (s) => vcpu.setFpu(s)],
      ['xsave', () => vcpu.getXsave(), (s) => vcpu.setXsave(s)],
      ['xcrs', () => vcpu.getXcrs(), (s) => vcpu.setXcrs(s)],
      ['debug registers', () => vcpu.getDebugRegs(), (s) => vcpu.setDebugRegs(s)],
      ['events', () => vcpu.getVcpuEvents(), (s) => vcpu.setVcpuEvents(s)],
      ['MP state', () => vcpu.getMpState(), (s) => vcpu.setMpState(s)],
    ];
    for (const [name, get, set] of states) {
      const state = get();
      set(state as never);
      expect(get(), name).toEqual(state);
    }
  });

  it('keeps registers apart', () => {
    const regs = Object.fromEntries(
      Object.keys(vcpu.getRegs()).map((name, i) => [name, BigInt(i + 1) << 8n]),
    );
    const written = { ...vcpu.getRegs(), ...regs, rflags: 2n };

    vcpu.setRegs(written);

    expect(vcpu.getRegs()).toEqual(written);
  });

  it('keeps segments apart', () => {
    const sregs = vcpu.getSregs();
    const data = ['ds', 'es', 'fs', 'gs', 'ss'] as const;
    data.forEach((name, i) => {
      sregs[name] = { ...sregs[name], base: BigInt((i + 1) << 8), selector: (i + 1) << 4 };
    });
    sregs.gdt = { base: 0x1230n, limit: 0x17 };
    sregs.idt = { base: 0x4560n, limit: 0x3ff };
    sregs.cr2 = 0x789n;

    vcpu.setSregs(sregs);

    expect(vcpu.getSregs()).toEqual(sregs);
  });

  it('reads and writes MSRs up to the first that is refused', () => {
    const [efer, unknown] = [0xc0000080, 0x12345];
    expect(
      vcpu.setMsrs([
        { index: efer, value: 0n },
        { index: unknown, value: 1n },
        { index: efer, value: 0n },
      ]),
    ).toBe(1);
    expect(vcpu.getMsrs([efer, unknown, efer])).toEqual([0n]);
    expect(vcpu.getMsrs([])).toEqual([]);
  });

  it('keeps its CPUID', () => {
    const entries = kvm.supportedCpuid();
    expect(vcpu.getCpuid2().map((entry) => entry.function)).toEqual(entries.map((entry) => entry.function));
  });

  it('injects an exception', () => {
    realMode(vcpu, ram, [[0x90], HLT]);
    const handler = 0x2000;
    const bytes = new Uint8Array(ram.buffer);
    bytes.set([...OUT, ...HLT], handler);
    new DataView(ram.buffer).setUint16(13 * 4, handler, true);
    const events = vcpu.getVcpuEvents();
    const exception = { injected: 1, nr: 13, hasErrorCode: 0, pending: 0, errorCode: 0 };

    vcpu.setVcpuEvents({ ...events, exception });

    expect(vcpu.enter(BUDGET_MS)).toBe(0);
    expect(vcpu.run.exit()).toMatchObject({ kind: 'io', port: 0x10 });
  });

  it('takes an external interrupt and an NMI without an irqchip', () => {
    realMode(vcpu, ram, [HLT, HLT]);
    vcpu.setRegs({ ...vcpu.getRegs(), rsp: 0x8000n, rflags: 0x202n });
    new Uint8Array(ram.buffer).set([...OUT, 0xcf], 0x2000); // out; iret
    for (const vector of [2, 0x20]) new DataView(ram.buffer).setUint16(vector * 4, 0x2000, true);
    vcpu.interrupt(0x20);
    expect(vcpu.enter(BUDGET_MS)).toBe(0);
    expect(vcpu.run.exit()).toMatchObject({ kind: 'io', port: 0x10 });
    vcpu.nmi();
    expect(vcpu.enter(BUDGET_MS)).toBe(0);
    expect(['io', 'hlt']).toContain(vcpu.run.exit().kind);
  });

  it('single-steps with guest debug', () => {
    realMode(vcpu, ram, [[0x90], [0x90], HLT]);
    vcpu.setGuestDebug(kvmApi.KVM_GUESTDBG_ENABLE | kvmApi.KVM_GUESTDBG_SINGLESTEP);

    expect(vcpu.enter(BUDGET_MS)).toBe(0);

    expect(vcpu.run.exit()).toMatchObject({ kind: 'debug', exception: 1, pc: 0x1001n });
  });

  it('stores registers in kvm_run when asked to', (context) => {
    const sets = vm.checkExtension(kvmApi.KVM_CAP_SYNC_REGS);
    requireOrSkip(context, sets & kvmApi.KVM_SYNC_X86_REGS, 'KVM_CAP_SYNC_REGS');
    realMode(vcpu, ram, [[0xb0, 0x2a], OUT]); // mov al, 42; out
    vcpu.run.validRegs = BigInt(kvmApi.KVM_SYNC_X86_REGS);

    expect(vcpu.enter(BUDGET_MS)).toBe(0);

    expect(vcpu.run.syncRegs()[0]).toBe(42);
  });

  it('translates an address', () => {
    expect(vcpu.translate(0x1234n)).toBe(0x1234n);
  });

  it('has statistics', (context) => {
    requireOrSkip(context, vm.checkExtension(kvmApi.KVM_CAP_BINARY_STATS_FD), 'KVM_CAP_BINARY_STATS_FD');
    using vcpuStats = vcpu.statsFd();
    using vmStats = vm.statsFd();
    // struct kvm_stats_header: flags, name_size, num_desc, id_offset, desc_offset, data_offset
    for (const stats of [vcpuStats, vmStats]) {
      const header = stats.readAt(0, 24);
      expect(header.length).toBe(24);
      expect(new DataView(header.buffer).getUint32(8, true)).toBeGreaterThan(0);
    }
  });

  it('counts in its statistics by name', (context) => {
    requireOrSkip(context, vm.checkExtension(kvmApi.KVM_CAP_BINARY_STATS_FD), 'KVM_CAP_BINARY_STATS_FD');
    using vcpuFile = vcpu.statsFd();
    using vmFile = vm.statsFd();
    const stats = new kvmApi.Stats(vcpuFile);
    const before = stats.read('exits');
    vcpu.enter(BUDGET_MS);
    expect(stats.read('exits')).toBeGreaterThan(before ?? 0n);
    expect(stats.read('no such counter')).toBeUndefined();
    expect(new kvmApi.Stats(vmFile).read('pages_4k')).toBeTypeOf('bigint'); // the guest may not have a page yet
  });

  it('has a TSC frequency and refuses what it does not have', () => {
    expect(vcpu.getTscKhz()).toBeGreaterThan(0);
    expect(() => vcpu.getLapic()).toThrow(
      expect.objectContaining({ operation: 'KVM_GET_LAPIC', errnoName: 'EINVAL' }),
    );
    expect(vcpu.hasAttr({ group: 0x7fff, attr: 0 })).toBe(false);
  });

  it('pre-faults memory where the kernel can', () => {
    const preFault = () => vcpu.preFaultMemory(0n, 0x2000n);
    if (vm.checkExtension(kvmApi.KVM_CAP_PRE_FAULT_MEMORY)) expect(preFault()).toBe(0n);
    else expect(preFault).toThrow(expect.objectContaining({ operation: 'KVM_PRE_FAULT_MEMORY' }));
  });
});

describe('an in-kernel irqchip', () => {
  beforeEach(() => {
    vm.setTssAddr(0xfffbd000);
    vm.setIdentityMapAddr(0xfffbc000n);
    vm.createIrqchip();
    vm.createPit2();
  });

  it('keeps its state', () => {
    using vcpu = vm.createVcpu(0);
    for (const chip of [0, 1, 2]) vm.setIrqchip(vm.getIrqchip(chip));
    vm.setPit2(vm.getPit2());
    vcpu.setLapic(vcpu.getLapic());
    expect(new DataView(vcpu.getLapic().buffer).getUint32(0x20, true) >>> 24).toBe(0);
    vm.setClock(vm.getClock() + 1_000_000n);
    vm.irqLine(4, true);
    vm.irqLine(4, false);
  });

  it('routes interrupts from an eventfd', () => {
    using event = EventFd.create();
    vm.setGsiRouting([
      { gsi: 4, type: 'irqchip', irqchip: 2, pin: 4 },
      { gsi: 5, type: 'msi', address: 0xfee00000n, data: 0x40 },
    ]);
    vm.irqfd(event, 4);
    expect(() => vm.irqfd(event, 4)).toThrow(
      expect.objectContaining({ operation: 'KVM_IRQFD', errnoName: 'EBUSY' }),
    );
    vm.irqfd(event, 4, { flags: kvmApi.KVM_IRQFD_FLAG_DEASSIGN });
    vm.irqfd(event, 4);
  });

  it('delivers an interrupt that an irqfd raises to a halted vCPU', () => {
    using vcpu = vm.createVcpu(0);
    using event = EventFd.create();
    vm.setGsiRouting([{ gsi: 5, type: 'msi', address: 0xfee00000n, data: 0x40 }]);
    vm.irqfd(event, 5);
    realMode(vcpu, ram, [[0xfb], HLT, OUT]); // sti
    vcpu.setRegs({ ...vcpu.getRegs(), rsp: 0x8000n });
    new Uint8Array(ram.buffer).set([0xe6, 0x11, 0xcf], 0x2000); // out 0x11, al; iret
    new DataView(ram.buffer).setUint16(0x40 * 4, 0x2000, true);
    // Enable the local APIC: spurious-interrupt vector register, bit 8.
    const lapic = vcpu.getLapic();
    new DataView(lapic.buffer).setUint32(0xf0, 0x1ff, true);
    vcpu.setLapic(lapic);

    event.signal();

    expect(vcpu.enter(BUDGET_MS)).toBe(0);
    expect(vcpu.run.exit()).toMatchObject({ kind: 'io', port: 0x11 });
    expect(vm.signalMsi(0xfee00000n, 0x40)).toBeGreaterThanOrEqual(0);
  });
});

describe('a VM', () => {
  it('signals an eventfd for a port write, without an exit', () => {
    using vcpu = vm.createVcpu(0);
    using event = EventFd.create();
    vm.ioeventfd(event, { address: 0x10n, length: 1, datamatch: 7n, flags: kvmApi.KVM_IOEVENTFD_FLAG_PIO });
    realMode(vcpu, ram, [[0xb0, 7], OUT, [0xb0, 8], OUT]);

    expect(vcpu.enter(BUDGET_MS)).toBe(0);

    expect(vcpu.run.getIoData()).toBe(8);
    expect(event.take()).toBe(1n);
    expect(event.take()).toBe(0n);
  });

  it('batches coalesced MMIO into the ring behind kvm_run', (context) => {
    const page = vm.checkExtension(kvmApi.KVM_CAP_COALESCED_MMIO);
    requireOrSkip(context, page, 'KVM_CAP_COALESCED_MMIO');
    using vcpu = vm.createVcpu(0);
    vm.registerCoalescedMmio(0xf0000n, 0x1000);
    // mov ax, 0xf000; mov ds, ax; mov byte [0x10], 0x5a; out 0x10, al
    realMode(vcpu, ram, [[0xb8, 0x00, 0xf0], [0x8e, 0xd8], [0xc6, 0x06, 0x10, 0x00, 0x5a], OUT]);

    expect(vcpu.enter(BUDGET_MS)).toBe(0);

    expect(vcpu.run.exit().kind).toBe('io');
    // struct kvm_coalesced_mmio_ring: first, last, then { u64 phys_addr; u32 len; u32 pio; u8 data[8] }
    const ring = new DataView(vcpu.runBuffer, page * 4096);
    expect([ring.getUint32(0, true), ring.getUint32(4, true)]).toEqual([0, 1]);
    expect(ring.getBigUint64(8, true)).toBe(0xf0010n);
    expect(ring.getUint8(24)).toBe(0x5a);
    vm.unregisterCoalescedMmio(0xf0000n, 0x1000);
  });

  it('tells which devices it can have', (context) => {
    expect(vm.hasDevice(0x7fff)).toBe(false);
    requireOrSkip(context, vm.hasDevice(kvmApi.KVM_DEV_TYPE_VFIO), 'KVM_DEV_TYPE_VFIO');
    using device = vm.createDevice(kvmApi.KVM_DEV_TYPE_VFIO);
    expect(device.hasAttr({ group: kvmApi.KVM_DEV_VFIO_GROUP, attr: kvmApi.KVM_DEV_VFIO_GROUP_ADD })).toBe(
      true,
    );
    expect(device.hasAttr({ group: 99, attr: 0 })).toBe(false);
    expect(() => device.setAttr({ group: 1, attr: 1, value: -1 })).toThrow(
      expect.objectContaining({ operation: 'KVM_SET_DEVICE_ATTR', errnoName: 'EBADF' }),
    );
  });

  it('clears its dirty log by hand', (context) => {
    const manual = vm.checkExtension(kvmApi.KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2);
    requireOrSkip(context, manual, 'KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2');
    vm.enableCap(kvmApi.KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, [1n]);
    using vcpu = vm.createVcpu(0);
    const region = { slot: 0, gpa: 0n, size: BigInt(ram.size), userspaceAddr: ram.address };
    vm.setUserMemoryRegion({ ...region, flags: kvmApi.KVM_MEM_LOG_DIRTY_PAGES });
    realMode(vcpu, ram, [[0xc6, 0x06, 0x00, 0x30, 0x01], HLT]); // mov byte [0x3000], 1
    expect(vcpu.enter(BUDGET_MS)).toBe(0);
    const log = vm.getDirtyLog(0, 16);
    expect((log[0] as number) & ~CODE_PAGE).toBe(1 << 3);
    expect(vm.getDirtyLog(0, 16)).toEqual(log);

    vm.clearDirtyLog(0, 0, 16, log);

    expect(vm.getDirtyLog(0, 16)).toEqual(new Uint8Array(8));
  });

  it('collects dirty pages from a ring', (context) => {
    const max = vm.checkExtension(kvmApi.KVM_CAP_DIRTY_LOG_RING);
    requireOrSkip(context, max, 'KVM_CAP_DIRTY_LOG_RING');
    vm.enableCap(kvmApi.KVM_CAP_DIRTY_LOG_RING, [4096n]);
    using vcpu = vm.createVcpu(0);
    const region = { slot: 0, gpa: 0n, size: BigInt(ram.size), userspaceAddr: ram.address };
    vm.setUserMemoryRegion({ ...region, flags: kvmApi.KVM_MEM_LOG_DIRTY_PAGES });
    realMode(vcpu, ram, [[0xc6, 0x06, 0x00, 0x30, 0x01], HLT]); // mov byte [0x3000], 1
    expect(vcpu.dirtyRing().collect()).toEqual([]);

    expect(vcpu.enter(BUDGET_MS)).toBe(0);

    expect(vcpu.dirtyRing().collect()).toContainEqual({ slot: 0, offset: 3 });
    expect(vm.resetDirtyRings()).toBeGreaterThan(0);
    expect(vcpu.dirtyRing().collect()).toEqual([]);
  });

  it('has no dirty ring unless asked for', () => {
    using vcpu = vm.createVcpu(0);
    expect(() => vcpu.dirtyRing()).toThrow('dirtyRing: must come after KVM_CAP_DIRTY_LOG_RING is enabled');
  });

  it('takes region 2 where the kernel has it', () => {
    const region = { slot: 1, gpa: 0x100000n, size: BigInt(ram.size), userspaceAddr: ram.address };
    if (vm.checkExtension(kvmApi.KVM_CAP_USER_MEMORY2)) vm.setUserMemoryRegion2(region);
    else
      expect(() => vm.setUserMemoryRegion2(region)).toThrow(expect.objectContaining({ code: 'KVM_IOCTL' }));
  });
});
