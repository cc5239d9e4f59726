/** @module-tag kvm */
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import {
  KVM_CAP_DIRTY_LOG_RING,
  KVM_MEM_LOG_DIRTY_PAGES,
  Kvm,
  KvmError,
  type Vcpu,
  type Vm,
} from '../../src/kvm/index.js';
import { bootGuest, Machine, type MachineOptions } from '../../src/vmm/index.js';
import { requireOrSkip } from '../require.js';
import { held } from './held.js';

const kvm = Kvm.open();
const open: Machine[] = [];
afterEach(() => {
  for (const machine of open.splice(0)) machine.close();
});
afterAll(() => kvm.close());

/** A machine of 1 MiB with 16-bit code at 0x7c00. */
function machineWith(code: number[], o: Partial<MachineOptions> = {}): Machine {
  const machine = Machine.create(kvm, { vcpus: 1, ramSize: 2 ** 20, msrMode: 'kernel', ...o });
  open.push(machine);
  bootGuest(machine, new Uint8Array(code));
  return machine;
}

describe('buses', () => {
  test('every width of PIO, both ways, and a string of bytes', () => {
    // mov $0x100,%dx; in (%dx),%al; in (%dx),%ax; in (%dx),%eax; out %al; out %ax; out %eax, all to (%dx)
    // mov $0x7c00,%si; mov $3,%cx; rep outsb; hlt
    const inOut = [0xba, 0x00, 0x01, 0xec, 0xed, 0x66, 0xed, 0xee, 0xef, 0x66, 0xef];
    const machine = machineWith([...inOut, 0xbe, 0x00, 0x7c, 0xb9, 0x03, 0x00, 0xf3, 0x6e, 0xf4]);
    const seen: (string | number)[][] = [];
    machine.pio.register(0x100, 4, {
      read: (offset, size) => {
        seen.push(['read', offset, size]);
        return [0, 0x11, 0x2222, 0, 0x33333333][size] ?? 0;
      },
      write: (offset, size, value) => seen.push(['write', offset, size, value]),
    });

    expect(machine.run(0)).toBe('hlt');

    expect(seen).toEqual([
      ['read', 0, 1],
      ['read', 0, 2],
      ['read', 0, 4],
      ['write', 0, 1, 0x33],
      ['write', 0, 2, 0x3333],
      ['write', 0, 4, 0x33333333],
      ['write', 0, 1, 0xba],
      ['write', 0, 1, 0x00],
      ['write', 0, 1, 0x01],
    ]);
  });

  test('a string of bytes comes in, in one exit or several', () => {
    // mov $0x100,%dx; mov $0x600,%di; mov $3,%cx; rep insb; hlt
    const machine = machineWith([0xba, 0, 1, 0xbf, 0, 6, 0xb9, 3, 0, 0xf3, 0x6c, 0xf4]);
    let next = 7;
    machine.pio.register(0x100, 1, { read: () => next++, write: () => {} });

    expect(machine.run(0)).toBe('hlt');

    expect([...(machine.guestBytes(0x600n, 4) ?? [])]).toEqual([7, 8, 9, 0]);
  });

  test('MMIO where no RAM is', () => {
    // mov $0xf000,%ax; mov %ax,%ds; mov %eax,(0); mov (4),%eax; mov %eax,(8); hlt
    const machine = machineWith(
      [0xb8, 0x00, 0xf0, 0x8e, 0xd8, 0x66, 0xa3, 0, 0, 0x66, 0xa1, 4, 0, 0x66, 0xa3, 8, 0, 0xf4],
      { ramSize: 0x80000 },
    );
    const seen: (string | number)[][] = [];
    machine.mmio.register(0xf0000, 16, {
      read: (offset, size) => {
        seen.push(['read', offset, size]);
        return 0xcafe1234;
      },
      write: (offset, size, value) => seen.push(['write', offset, size, value]),
    });

    expect(machine.run(0)).toBe('hlt');

    expect(seen).toEqual([
      ['write', 0, 4, 0xf000],
      ['read', 4, 4],
      ['write', 8, 4, 0xcafe1234],
    ]);
    expect(machine.lastExits(0).map(({ where, write, size }) => [where, write, size])).toEqual([
      [0xf0000n, true, 4],
      [0xf0004n, false, 4],
      [0xf0008n, true, 4],
    ]);
  });
});

/** Guests that never end, with 16-bit code. */
const ENDLESS: [string, number[]][] = [
  ['a loop', [0xeb, 0xfe]],
  // 1: out %al,$0x80; jmp 1b
  ['a PIO storm', [0xe6, 0x80, 0xeb, 0xfc]],
  // mov $0xf000,%ax; mov %ax,%ds; 1: mov %al,(0); jmp 1b
  ['an MMIO storm', [0xb8, 0x00, 0xf0, 0x8e, 0xd8, 0xa2, 0x00, 0x00, 0xeb, 0xfb]],
];

describe('a run that goes wrong', () => {
  test.each(ENDLESS)('%s ends in a timeout, and the machine can go on', (_, code) => {
    const machine = machineWith(code, { ramSize: 0x80000, budgetMs: 100 });
    machine.mmio.register(0xf0000, 4096, { read: () => 0, write: () => {} });

    expect(() => machine.run(0)).toThrow(
      expect.objectContaining({ code: 'VMM_GUEST_TIMEOUT', vcpu: 0, regs: expect.anything() }),
    );
    expect(machine.runSlice(0, 10)).toBe('timeout');
  });

  test('an entry that the processor refuses is typed', () => {
    const machine = machineWith([0xf4]);
    const [vcpu] = machine.vcpus as [Vcpu];
    const sregs = vcpu.getSregs();
    // 64-bit mode with a code segment that is no code segment.
    vcpu.setSregs({
      ...sregs,
      cr0: 0x80000011n,
      cr4: 0x20n,
      efer: 0x500n,
      cs: { ...sregs.cs, type: 0, l: 1 },
    });

    expect(() => machine.runUntilDoorbell(0)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^VMM_GUEST_(EXIT|RUN)$/) }),
    );
  });

  test('a fetch from nowhere is an exit with its fields', () => {
    // ljmp $0xf000,$0
    const machine = machineWith([0xea, 0x00, 0x00, 0x00, 0xf0], { ramSize: 0x80000 });

    expect(() => machine.run(0)).toThrow(
      expect.objectContaining({
        code: 'VMM_GUEST_EXIT',
        reasonName: 'KVM_EXIT_INTERNAL_ERROR',
        exit: expect.objectContaining({ kind: 'internal-error', suberror: 1 }),
      }),
    );
  });

  test('a vCPU that is not there, and an end that was not asked for', () => {
    const machine = machineWith([0xf4]);

    expect(() => machine.run(1)).toThrow(RangeError);
    expect(() => machine.runUntilDoorbell(0)).toThrow(
      expect.objectContaining({
        reasonName: 'KVM_EXIT_HLT',
        message: expect.stringContaining('KVM_EXIT_HLT'),
      }),
    );
  });
});

test('a machine that cannot be made leaves nothing open', () => {
  const machine = machineWith([0xf4]);
  const { ram } = machine;

  expect(() => Machine.create(kvm, { vcpus: 1, ramSize: 4097, msrMode: 'kernel', ram })).toThrow(
    expect.objectContaining({ name: 'KvmError' }),
  );
  expect(ram.closed).toBe(false);
  expect(machine.run(0)).toBe('hlt');
});

describe('the hook before the vCPUs', () => {
  test('enables what KVM takes only then: a dirty ring sees the page that the guest wrote', (context) => {
    requireOrSkip(context, kvm.checkExtension(KVM_CAP_DIRTY_LOG_RING), 'KVM_CAP_DIRTY_LOG_RING');
    const prepare = (vm: Vm) => void vm.enableCap(KVM_CAP_DIRTY_LOG_RING, [4096n]);
    // mov $0x2000,%ax; mov %ax,%ds; mov %al,(0x3000); hlt
    const machine = machineWith([0xb8, 0x00, 0x20, 0x8e, 0xd8, 0xa2, 0x00, 0x30, 0xf4], { prepare });
    const { ram, ramSize } = machine;
    machine.setMemslot({
      slot: 0,
      gpa: 0n,
      size: BigInt(ramSize),
      memory: ram,
      flags: KVM_MEM_LOG_DIRTY_PAGES,
    });

    expect(machine.run(0)).toBe('hlt');

    const pages = machine.vcpus[0]?.dirtyRing().collect() ?? [];
    const isCode = ({ offset }: { offset: number }) => offset === 0x7; // May count as written: see CODE_PAGE.
    expect(pages.filter((page) => !isCode(page))).toEqual([{ slot: 0, offset: 0x23 }]);
    // After the vCPUs it is too late.
    expect(() => prepare(machine.vm)).toThrow(KvmError);
  });

  test('what it throws comes out, and nothing is left open', () => {
    Kvm.open().close();
    const before = held();
    const failing = () => {
      throw new Error('not here');
    };

    expect(() => machineWith([0xf4], { prepare: failing })).toThrow('not here');
    expect(() => machineWith([0xf4], { prepare: async () => {} })).toThrow(
      expect.objectContaining({ code: 'VMM_OPTION', option: 'prepare' }),
    );

    expect(held()).toEqual(before);
  });
});

test('a vCPU that there is not is refused', () => {
  const machine = machineWith([0xf4]);
  expect(() => machine.run(1)).toThrow(expect.objectContaining({ code: 'VMM_OPTION' }));
});

test('RAM outlives a machine that was given it', () => {
  const first = machineWith([0xf4]);
  const second = Machine.create(kvm, { vcpus: 1, ramSize: 2 ** 20, msrMode: 'kernel', ram: first.ram });
  bootGuest(second, new Uint8Array([0xf4]));

  second.close();
  second.close();

  expect(first.ram.closed).toBe(false);
  expect(first.run(0)).toBe('hlt');
});
