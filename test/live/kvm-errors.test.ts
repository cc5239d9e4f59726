/** @module-tag kvm */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  EventFd,
  HostMemory,
  Kvm,
  KvmError,
  type KvmErrorCode,
  type Vcpu,
  type Vm,
} from '../../src/kvm/index.js';
import { native } from '../../src/kvm/native.js';

function errorOf(act: () => unknown): KvmError {
  try {
    act();
  } catch (error) {
    if (error instanceof KvmError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('Kvm.open', () => {
  const dir = mkdtempSync(join(tmpdir(), 'kvm-'));
  const plain = join(dir, 'plain');
  writeFileSync(plain, '');
  afterAll(() => rmSync(dir, { recursive: true }));

  const cases: [what: string, path: string, errno: string, says: RegExp][] = [
    ['an absent device', join(dir, 'absent'), 'ENOENT', /KVM is not available/],
    ['a directory', dir, 'EISDIR', /EISDIR/],
    ['a file that is not KVM', plain, 'ENOTTY', /not the KVM device/],
    ['another device', '/dev/null', 'ENOTTY', /not the KVM device/],
  ];
  it.each(cases)('says what is wrong with %s', (_, path, errno, says) => {
    const error = errorOf(() => Kvm.open(path));
    expect(error).toMatchObject({ code: 'KVM_OPEN', errnoName: errno });
    expect(error.message).toMatch(says);
    expect(error.message).toContain(path);
  });
});

describe('KvmError', () => {
  it('names the ioctl and its errno', () => {
    using kvm = Kvm.open();
    using vm = kvm.createVm();
    using vcpu = vm.createVcpu(0);
    expect(vcpu.id).toBe(0);

    const error = errorOf(() => vm.createVcpu(0));

    expect(error).toMatchObject({
      code: 'KVM_IOCTL',
      operation: 'KVM_CREATE_VCPU',
      errno: 17,
      errnoName: 'EEXIST',
    });
    expect(error.message).toBe('KVM_CREATE_VCPU failed: EEXIST, file already exists');
  });
});

interface Opened {
  kvm: Kvm;
  vm: Vm;
  vcpu: Vcpu;
  ram: HostMemory;
}

function opened(): Opened {
  const kvm = Kvm.open();
  const vm = kvm.createVm();
  return { kvm, vm, vcpu: vm.createVcpu(0), ram: HostMemory.memfd(8192) };
}

const region = (ram: HostMemory) => ({ slot: 0, gpa: 0n, size: 4096n, userspaceAddr: ram.address });

describe('bad arguments', () => {
  // biome-ignore lint/suspicious/noExplicitAny: hand over what the types forbid
  type Any = any;
  const cases: [what: string, act: (o: Opened) => unknown, argument: string][] = [
    ['a negative vCPU id', ({ vm }) => vm.createVcpu(-1), 'id'],
    ['a fractional vCPU id', ({ vm }) => vm.createVcpu(0.5), 'id'],
    ['a string for a number', ({ vm }) => vm.createVcpu('0' as Any), 'id'],
    ['nothing for a number', ({ kvm }) => kvm.checkExtension(undefined as Any), 'checkExtension'],
    ['a negative budget', ({ vcpu }) => vcpu.enter(-1), 'budgetMs'],
    ['a budget that is no number', ({ vcpu }) => vcpu.enter(Number.NaN), 'budgetMs'],
    ['an endless budget', ({ vcpu }) => vcpu.enter(Number.POSITIVE_INFINITY), 'budgetMs'],
    ['a number for a gpa', ({ vm, ram }) => vm.setUserMemoryRegion({ ...region(ram), gpa: 0 as Any }), 'gpa'],
    ['a gpa above 2^64', ({ vm, ram }) => vm.setUserMemoryRegion({ ...region(ram), gpa: 1n << 64n }), 'gpa'],
    [
      'memory that is not ours',
      ({ vm, ram }) => vm.setUserMemoryRegion({ ...region(ram), userspaceAddr: 0x1000n }),
      'userspaceAddr',
    ],
    [
      'a slot longer than its memory',
      ({ vm, ram }) => vm.setUserMemoryRegion({ ...region(ram), size: 0x4000n }),
      'userspaceAddr',
    ],
    ['memory of no bytes', () => HostMemory.memfd(0), 'size'],
    ['memory of half a page', () => HostMemory.memfd(2048), 'size'],
    ['an odd alignment', () => HostMemory.memfd(4096, { align: 12288 }), 'align'],
    ['an alignment below a page', () => HostMemory.memfd(4096, { align: 3 }), 'align'],
    [
      'an alignment below a page with THP',
      () => HostMemory.anonymous(4096, { align: 3, thp: true }),
      'align',
    ],
    ['no alignment', () => HostMemory.memfd(4096, { align: 0 }), 'align'],
    ['huge pages in anonymous memory', () => HostMemory.anonymous(1 << 21, { hugetlb: '2M' }), 'hugetlb'],
    ['huge pages in small memory', () => HostMemory.memfd(4096, { hugetlb: '2M' }), 'hugetlb'],
    ['an offset outside', ({ ram }) => ram.dontNeed(8192, 4096), 'offset'],
    ['an odd offset', ({ ram }) => ram.unmapPart(1, 4096), 'offset'],
    ['an odd part to protect', ({ ram }) => ram.protectPart(1, 4096, false), 'offset'],
    ['a path with NUL', () => HostMemory.file('/dev/\0null', { size: 4096 }), 'path'],
    ['too many filter ranges', ({ vm }) => vm.setMsrFilter({ ranges: Array(17).fill({}) as Any }), 'ranges'],
    [
      'a short filter bitmap',
      ({ vm }) => vm.setMsrFilter({ ranges: [{ flags: 3, base: 0, nmsrs: 9, bitmap: new Uint8Array(1) }] }),
      'bitmap',
    ],
    ['an MSR below 0', ({ vcpu }) => vcpu.getMsrs([-1]), 'index'],
    ['an MSR of 33 bits', ({ vcpu }) => vcpu.setMsrs([{ index: 2 ** 32 + 0x277, value: 0n }]), 'index'],
    ['an MSR value of 65 bits', ({ vcpu }) => vcpu.setMsrs([{ index: 0x277, value: 1n << 64n }]), 'value'],
    ['a feature MSR below 0', ({ kvm }) => kvm.getFeatureMsrs([-1]), 'index'],
    ['a register below 0', ({ vcpu }) => vcpu.setRegs({ ...vcpu.getRegs(), rip: -1n }), 'rip'],
    ['an MP state of 33 bits', ({ vcpu }) => vcpu.setMpState(2 ** 32), 'state'],
    ['a vector of 33 bits', ({ vcpu }) => vcpu.interrupt(2 ** 32), 'vector'],
    ['a debug control below 0', ({ vcpu }) => vcpu.setGuestDebug(-1), 'control'],
    ['a debug register of 65 bits', ({ vcpu }) => vcpu.setGuestDebug(0, [1n << 64n]), 'debugRegs'],
    ['a linear address below 0', ({ vcpu }) => vcpu.translate(-1n), 'linear'],
    ['a GSI below 0', ({ vm }) => vm.irqLine(-1, true), 'gsi'],
    ['message data of 33 bits', ({ vm }) => vm.signalMsi(0n, 2 ** 32), 'data'],
    ['a clock below 0', ({ vm }) => vm.setClock(-1n), 'nanoseconds'],
    ['an attribute of 33 bits', ({ vm }) => vm.setAttr({ group: 0, attr: 0, value: 2 ** 32 }), 'value'],
    [
      'eventfd flags of 33 bits',
      ({ vm }) => {
        using event = EventFd.create();
        vm.irqfd(event, 0, { flags: 2 ** 32 });
      },
      'flags',
    ],
    ['five capability arguments', ({ vm }) => vm.enableCap(0, [1n, 2n, 3n, 4n, 5n]), 'args'],
  ];
  it.each(cases)('%s', (_, act, argument) => {
    const o = opened();
    const error = errorOf(() => act(o));
    expect(error).toMatchObject({ code: 'KVM_ARGUMENT', operation: argument });
    expect(error.message).toMatch(/must|needs|name a part/);
    for (const handle of Object.values(o)) handle.close();
  });

  it('takes no dirty bitmap that is shorter than the slot', () => {
    const { kvm, vm, vcpu, ram } = opened();
    using big = HostMemory.memfd(4096 * 65);
    vm.setUserMemoryRegion({
      slot: 0,
      flags: 1,
      gpa: 0n,
      size: BigInt(big.size),
      userspaceAddr: big.address,
    });

    expect(errorOf(() => vm.getDirtyLog(0, 64))).toMatchObject({ code: 'KVM_ARGUMENT', operation: 'bitmap' });
    expect(vm.getDirtyLog(0, 65)).toEqual(new Uint8Array(16));
    for (const handle of [kvm, vm, vcpu, ram]) handle.close();
  });

  it('lets nobody construct a handle', () => {
    for (const [name, value] of Object.entries(native())) {
      if (/^[A-Z]/.test(name))
        expect(() => new (value as Any)(), name).toThrow('not for use from JavaScript');
    }
  });

  it('checks the receiver of a method', () => {
    using kvm = Kvm.open();
    const addon = native() as unknown as Record<string, { prototype: Record<string, () => void> }>;
    const spoof = Object.setPrototypeOf({}, addon.Vm?.prototype ?? {});
    expect(() => spoof.createVcpu(0)).toThrow(TypeError);
    expect(() => addon.Vm?.prototype.createVcpu?.call(kvm)).toThrow(TypeError);
  });
});

describe('after close', () => {
  const code: KvmErrorCode = 'KVM_CLOSED';

  it('every handle says so', () => {
    const o = opened();
    for (const handle of Object.values(o)) {
      handle.close();
      expect(handle.closed).toBe(true);
      handle.close();
    }
    expect(errorOf(() => o.kvm.createVm()).code).toBe(code);
    expect(errorOf(() => o.vm.createVcpu(1)).code).toBe(code);
    expect(errorOf(() => o.vcpu.enter(1)).code).toBe(code);
    expect(errorOf(() => o.vcpu.getRegs()).code).toBe(code);
    expect(errorOf(() => o.ram.buffer).code).toBe(code);
    expect(errorOf(() => o.ram.address).message).toBe('address: already closed');
  });

  it('buffers read as zeros and kvm_run cannot be read', () => {
    const { kvm, vm, vcpu, ram } = opened();
    const bytes = new Uint8Array(ram.buffer).fill(7);
    const run = vcpu.run;
    for (const handle of [kvm, vm, vcpu, ram]) handle.close();

    expect(bytes.every((byte) => byte === 0)).toBe(true);
    expect(() => run.exitReason).toThrow(TypeError);
    expect(run.mmioData.length).toBe(0);
  });
});
