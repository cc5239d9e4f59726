import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { HostMemory, KVM_MEM_LOG_DIRTY_PAGES, KVM_MEM_READONLY, Kvm, KvmError } from '../../src/kvm/index.js';
import { NEEDS_KVM } from '../require.js';
import { CODE_PAGE, realMode } from './real-mode.js';

const { EFAULT } = constants.errno;
const PAGE = 4096;
const MIB = 1 << 20;
const BUDGET_MS = 1000;

/** mov byte [offset], value */
const store = (offset: number, value: number) => [0xc6, 0x06, offset & 0xff, offset >> 8, value];
/** mov al, [offset]; out 0x10, al */
const load = (offset: number) => [0xa0, offset & 0xff, offset >> 8, 0xe6, 0x10];

/** A vCPU over `memory` at gpa 0, slot 0. */
function guest(memory: HostMemory, flags = 0) {
  const kvm = Kvm.open();
  const vm = kvm.createVm();
  vm.setUserMemoryRegion({
    slot: 0,
    flags,
    gpa: 0n,
    size: BigInt(memory.size),
    userspaceAddr: memory.address,
  });
  const vcpu = vm.createVcpu(0);
  const close = () => {
    for (const handle of [vcpu, vm, kvm]) handle.close();
  };
  return { vm, vcpu, [Symbol.dispose]: close };
}

/** Value of one field of the mapping at `address` in /proc/self/smaps. */
function smaps(address: bigint, field: string): string {
  const text = readFileSync('/proc/self/smaps', 'utf8');
  const start = address.toString(16).padStart(8, '0');
  const entry = text.slice(text.search(new RegExp(`^${start}-`, 'm')));
  return new RegExp(`^${field}: *(.*)$`, 'm').exec(entry)?.[1]?.trim() ?? '';
}

describe('memory', () => {
  it.each(['memfd', 'anonymous'] as const)(
    '%s is zero, aligned and seen by the guest',
    NEEDS_KVM,
    (backing) => {
      using memory = HostMemory[backing](4 * PAGE, { align: 2 * MIB });
      using g = guest(memory);

      expect(memory.address % BigInt(2 * MIB)).toBe(0n);
      expect(memory.size).toBe(4 * PAGE);
      const bytes = new Uint8Array(memory.buffer);
      expect(bytes.every((byte) => byte === 0)).toBe(true);
      realMode(g.vcpu, memory, [store(0x2345, 0x5a), [0xf4]]);
      expect(g.vcpu.enter(BUDGET_MS)).toBe(0);
      expect(bytes[0x2345]).toBe(0x5a);
    },
  );

  it('is allocated at once with populate', () => {
    using memory = HostMemory.memfd(MIB, { populate: true });
    expect(smaps(memory.address, 'Rss')).toBe('1024 kB');
    using lazy = HostMemory.memfd(MIB);
    expect(smaps(lazy.address, 'Rss')).toBe('0 kB');
  });

  it('takes transparent huge pages when advised', () => {
    using memory = HostMemory.anonymous(4 * MIB, { thp: true, populate: true });
    const enabled = readFileSync('/sys/kernel/mm/transparent_hugepage/enabled', 'utf8');
    expect(memory.address % BigInt(2 * MIB)).toBe(0n);
    expect(smaps(memory.address, 'VmFlags')).toMatch(/\bhg\b/);
    if (!enabled.includes('[never]')) expect(smaps(memory.address, 'AnonHugePages')).not.toBe('0 kB');
  });

  it('says when the pool has no huge pages', () => {
    const pages = /HugePages_Free: *(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
    const tooMany = (Number(pages) + 1) * 2 * MIB;
    expect(() => HostMemory.memfd(tooMany, { hugetlb: '2M' })).toThrow(/ENOMEM/);
  });

  it('is one buffer per handle, and bytes are shared', () => {
    using memory = HostMemory.memfd(PAGE);
    expect(memory.buffer).toBe(memory.buffer);
    using other = HostMemory.attach(memory.handle);
    new Uint8Array(other.buffer)[7] = 7;

    expect(other.buffer).not.toBe(memory.buffer);
    expect(new Uint8Array(memory.buffer)[7]).toBe(7);
    memory.close();
    expect(new Uint8Array(other.buffer)[7]).toBe(7);
  });

  it('cannot be attached once it is gone', () => {
    const memory = HostMemory.memfd(PAGE);
    const handle = memory.handle;
    memory.close();
    expect(() => HostMemory.attach(handle)).toThrow(expect.objectContaining({ code: 'KVM_CLOSED' }));
  });
});

describe('dontNeed', () => {
  it.each([
    ['memfd', 0x77],
    ['anonymous', 0],
  ] as const)('%s reads as %i afterwards', NEEDS_KVM, (backing, after) => {
    using memory = HostMemory[backing](4 * PAGE);
    using g = guest(memory);
    realMode(g.vcpu, memory, [load(0x2000), load(0x2000)]);
    const bytes = new Uint8Array(memory.buffer);
    bytes[0x2000] = 0x77;
    expect(g.vcpu.enter(BUDGET_MS)).toBe(0);
    expect(g.vcpu.run.getIoData()).toBe(0x77);

    memory.dontNeed(0x2000, PAGE);

    expect(g.vcpu.enter(BUDGET_MS)).toBe(0);
    expect(g.vcpu.run.getIoData()).toBe(after);
    expect(bytes[0x2000]).toBe(after);
  });
});

describe('unmapPart', () => {
  it('makes a guest access fail and leaves the buffer of a memfd alone', NEEDS_KVM, () => {
    using memory = HostMemory.memfd(4 * PAGE);
    using g = guest(memory);
    realMode(g.vcpu, memory, [load(0x2000), load(0x2000)]);
    const bytes = new Uint8Array(memory.buffer);
    bytes[0x2000] = 0x77;
    expect(g.vcpu.enter(BUDGET_MS)).toBe(0);

    memory.unmapPart(0x2000, PAGE);

    // A page fault of the guest fails; an access that KVM emulates, as some hosts do in real mode, looks like MMIO.
    const errno = g.vcpu.enter(BUDGET_MS);
    if (errno !== EFAULT) expect(g.vcpu.run.exit()).toMatchObject({ kind: 'mmio', address: 0x2000n });
    expect(bytes[0x2000]).toBe(0x77);
    expect(bytes[0x1000]).toBe(0xa0);
  });

  it('leaves anonymous memory without a buffer', () => {
    using memory = HostMemory.anonymous(2 * PAGE);

    memory.unmapPart(0, PAGE);

    expect(() => memory.buffer).toThrow(expect.objectContaining({ code: 'KVM_MEMORY', errnoName: 'EPERM' }));
  });

  it('refuses while a buffer of any handle may be in use over anonymous memory', () => {
    using memory = HostMemory.anonymous(2 * PAGE);
    const other = HostMemory.attach(memory.handle);
    const bytes = new Uint8Array(other.buffer);
    other.close();

    expect(() => memory.unmapPart(0, PAGE)).toThrow(
      expect.objectContaining({ code: 'KVM_MEMORY', errnoName: 'EBUSY' }),
    );

    expect(bytes[0]).toBe(0);
  });
});

describe('protectPart', () => {
  it('makes a guest write fail, and leaves the buffer of a memfd alone', NEEDS_KVM, () => {
    using memory = HostMemory.memfd(4 * PAGE);
    using g = guest(memory);
    realMode(g.vcpu, memory, [store(0x2000, 1)]);
    const bytes = new Uint8Array(memory.buffer);
    memory.protectPart(0x2000, PAGE, false);
    bytes[0x2000] = 0x77;

    // A page fault of the guest fails; a write that KVM emulates, as some hosts do in real mode, looks like MMIO.
    const errno = g.vcpu.enter(BUDGET_MS);
    if (errno !== EFAULT) expect(g.vcpu.run.exit()).toMatchObject({ kind: 'mmio', address: 0x2000n });
    expect(bytes[0x2000]).toBe(0x77);
  });

  it('refuses while a buffer may be in use over anonymous memory, and leaves it without one', () => {
    using memory = HostMemory.anonymous(2 * PAGE);
    memory.protectPart(0, PAGE, false);
    memory.protectPart(0, PAGE, true);
    using other = HostMemory.anonymous(2 * PAGE);
    const bytes = new Uint8Array(other.buffer);

    expect(() => memory.buffer).toThrow(expect.objectContaining({ code: 'KVM_MEMORY', errnoName: 'EPERM' }));
    expect(() => other.protectPart(0, PAGE, false)).toThrow(
      expect.objectContaining({ code: 'KVM_MEMORY', errnoName: 'EBUSY' }),
    );
    expect(bytes[0]).toBe(0);
  });
});

describe('file mappings', () => {
  it('back a memslot', NEEDS_KVM, () => {
    using ram = HostMemory.memfd(2 * PAGE);
    using file = HostMemory.file(process.execPath, { size: PAGE });
    using g = guest(ram);
    g.vm.setUserMemoryRegion({
      slot: 1,
      flags: KVM_MEM_READONLY,
      gpa: 0x4000n,
      size: BigInt(PAGE),
      userspaceAddr: file.address,
    });
    realMode(g.vcpu, ram, [load(0x4001)]);

    expect(g.vcpu.enter(BUDGET_MS)).toBe(0);

    expect(g.vcpu.run.getIoData()).toBe('E'.charCodeAt(0));
  });

  const cases: [what: string, path: string, size: number, errno: string][] = [
    ['an absent file', '/nonexistent', PAGE, 'ENOENT'],
    ['a file that is too short', '/etc/hostname', PAGE, 'ENXIO'],
    ['a directory', '/', PAGE, 'ENODEV'],
  ];
  it.each(cases)('refuse %s', (_, path, size, errnoName) => {
    expect(() => HostMemory.file(path, { size })).toThrow(
      expect.objectContaining({ code: 'KVM_MEMORY', errnoName }),
    );
  });

  it('have no buffer', () => {
    using file = HostMemory.file('/dev/zero', { size: PAGE });
    expect(() => file.buffer).toThrow(KvmError);
  });
});

describe('the dirty log', () => {
  it('has a bit for each page that the guest wrote', NEEDS_KVM, () => {
    using memory = HostMemory.memfd(16 * PAGE);
    using g = guest(memory, KVM_MEM_LOG_DIRTY_PAGES);
    realMode(g.vcpu, memory, [store(0x3000, 1), store(0x9fff, 1), [0xf4]]);

    expect(g.vcpu.enter(BUDGET_MS)).toBe(0);

    const log = g.vm.getDirtyLog(0, 16);
    expect(log.length).toBe(8);
    expect([(log[0] as number) & ~CODE_PAGE, log[1]]).toEqual([1 << 3, 1 << 1]);
    expect(g.vm.getDirtyLog(0, 16)).toEqual(new Uint8Array(8));
  });
});
