import { describe, expect, it } from 'vitest';
import * as uapi from '../uapi.js';
import type { VcpuExit } from './exits.js';
import { KvmRun } from './kvm-run.js';

const UNION = 32;

/** A kvm_run page with an exit reason and fields: [offset into the union, bits, value]. */
function page(
  reason: number,
  fields: readonly [at: number, bits: 8 | 16 | 32 | 64, value: number | bigint][],
): KvmRun {
  const buffer = new ArrayBuffer(8192);
  const view = new DataView(buffer);
  view.setUint32(8, reason, true);
  for (const [at, bits, value] of fields) {
    if (bits === 64) view.setBigUint64(UNION + at, BigInt(value), true);
    else if (bits === 32) view.setUint32(UNION + at, Number(value), true);
    else if (bits === 16) view.setUint16(UNION + at, Number(value), true);
    else view.setUint8(UNION + at, Number(value));
  }
  return new KvmRun(buffer);
}

const PIO_PAGE = 4096;

describe('exit()', () => {
  // Offsets are those of struct kvm_run in linux/kvm.h.
  const cases: [reason: number, fields: Parameters<typeof page>[1], exit: VcpuExit][] = [
    [
      uapi.KVM_EXIT_IO,
      [
        [0, 8, 1],
        [1, 8, 2],
        [2, 16, 0x3f8],
        [4, 32, 2],
        [8, 64, PIO_PAGE],
        [PIO_PAGE - UNION, 32, 0x22221111],
      ],
      { kind: 'io', direction: 'out', port: 0x3f8, size: 2, count: 2, data: [0x1111, 0x2222] },
    ],
    [
      uapi.KVM_EXIT_MMIO,
      [
        [0, 64, 0x1_0000_0000n],
        [8, 32, 0x04030201],
        [16, 32, 4],
        [20, 8, 1],
      ],
      { kind: 'mmio', address: 0x1_0000_0000n, length: 4, isWrite: true, data: [1, 2, 3, 4] },
    ],
    [
      uapi.KVM_EXIT_X86_RDMSR,
      [
        [8, 32, 2],
        [12, 32, 0x277],
      ],
      { kind: 'rdmsr', index: 0x277, reason: 2 },
    ],
    [
      uapi.KVM_EXIT_X86_WRMSR,
      [
        [8, 32, 4],
        [12, 32, 0x2ff],
        [16, 64, 0xc06n],
      ],
      { kind: 'wrmsr', index: 0x2ff, reason: 4, data: 0xc06n },
    ],
    [uapi.KVM_EXIT_HLT, [], { kind: 'hlt' }],
    [uapi.KVM_EXIT_INTR, [], { kind: 'intr' }],
    [uapi.KVM_EXIT_SHUTDOWN, [], { kind: 'shutdown' }],
    [uapi.KVM_EXIT_IRQ_WINDOW_OPEN, [], { kind: 'irq-window-open' }],
    [uapi.KVM_EXIT_DIRTY_RING_FULL, [], { kind: 'dirty-ring-full' }],
    [uapi.KVM_EXIT_X86_BUS_LOCK, [], { kind: 'bus-lock' }],
    [uapi.KVM_EXIT_NMI, [], { kind: 'nmi' }],
    [
      uapi.KVM_EXIT_INTERNAL_ERROR,
      [
        [0, 32, 1],
        [4, 32, 2],
        [8, 64, 5n],
        [16, 64, 6n],
      ],
      { kind: 'internal-error', suberror: 1, data: [5n, 6n] },
    ],
    [
      uapi.KVM_EXIT_FAIL_ENTRY,
      [
        [0, 64, 0x80000021n],
        [8, 32, 3],
      ],
      { kind: 'fail-entry', hardwareReason: 0x80000021n, cpu: 3 },
    ],
    [
      uapi.KVM_EXIT_EXCEPTION,
      [
        [0, 32, 6],
        [4, 32, 7],
      ],
      { kind: 'exception', exception: 6, errorCode: 7 },
    ],
    [
      uapi.KVM_EXIT_SYSTEM_EVENT,
      [
        [0, 32, 2],
        [4, 32, 1],
        [8, 64, 9n],
      ],
      { kind: 'system-event', type: 2, data: [9n] },
    ],
    [
      uapi.KVM_EXIT_MEMORY_FAULT,
      [
        [0, 64, 8n],
        [8, 64, 0x1000n],
        [16, 64, 0x2000n],
      ],
      { kind: 'memory-fault', flags: 8n, gpa: 0x1000n, size: 0x2000n },
    ],
    [
      uapi.KVM_EXIT_HYPERCALL,
      [
        [0, 64, 12n],
        [8, 64, 1n],
        [48, 64, 6n],
        [64, 32, 1],
      ],
      { kind: 'hypercall', nr: 12n, args: [1n, 0n, 0n, 0n, 0n, 6n], longmode: true },
    ],
    [
      uapi.KVM_EXIT_DEBUG,
      [
        [0, 32, 1],
        [8, 64, 0x1001n],
        [16, 64, 0x4000n],
        [24, 64, 0x400n],
      ],
      { kind: 'debug', exception: 1, pc: 0x1001n, dr6: 0x4000n, dr7: 0x400n },
    ],
    [uapi.KVM_EXIT_IOAPIC_EOI, [[0, 8, 0x31]], { kind: 'ioapic-eoi', vector: 0x31 }],
    [uapi.KVM_EXIT_NOTIFY, [[0, 32, 1]], { kind: 'notify', flags: 1 }],
  ];
  it.each(cases)('decodes reason %i', (reason, fields, exit) => {
    expect(page(reason, fields).exit()).toEqual(exit);
  });

  it('keeps the raw fields of an exit it does not know', () => {
    const exit = page(0x1234, [
      [0, 64, 1n],
      [248, 64, 2n],
    ]).exit();

    expect(exit).toMatchObject({ kind: 'unknown', reason: 0x1234 });
    if (exit.kind === 'unknown') expect([exit.raw.length, exit.raw[0], exit.raw[31]]).toEqual([32, 1n, 2n]);
  });

  it('believes no count that its data has no room for', () => {
    const exit = page(uapi.KVM_EXIT_INTERNAL_ERROR, [[4, 32, 0xffffffff]]).exit();
    if (exit.kind === 'internal-error') expect(exit.data).toHaveLength(16);
    expect(exit.kind).toBe('internal-error');
  });

  it('reads no I/O datum outside the mapping', () => {
    const run = page(uapi.KVM_EXIT_IO, [
      [1, 8, 4],
      [4, 32, 0xffffffff],
      [8, 64, 8190],
    ]);
    expect(() => run.getIoData()).toThrow(RangeError);
    expect(() => run.setIoData(1)).toThrow(RangeError);
    expect(() => run.exit()).toThrow(RangeError);
  });
});

describe('writing', () => {
  it('puts each answer where KVM looks for it', () => {
    const buffer = new ArrayBuffer(4096);
    const run = new KvmRun(buffer);
    const view = new DataView(buffer);

    run.msrData = 0x1122n;
    run.msrError = true;
    run.hypercallRet = 0x33n;
    run.cr8 = 4n;
    run.requestInterruptWindow = true;
    run.validRegs = 1n;
    run.dirtyRegs = 2n;

    expect(view.getBigUint64(48, true)).toBe(0x1122n);
    expect(view.getUint8(32)).toBe(1);
    expect(view.getBigUint64(88, true)).toBe(0x33n);
    expect(view.getBigUint64(16, true)).toBe(4n);
    expect(view.getUint8(0)).toBe(1);
    expect([view.getBigUint64(288, true), view.getBigUint64(296, true)]).toEqual([1n, 2n]);
    expect(run.syncRegs().byteOffset).toBe(304);
  });

  it.each([1, 2, 4])('sets %i-byte I/O data', (size) => {
    const run = page(uapi.KVM_EXIT_IO, [
      [1, 8, size],
      [4, 32, 2],
      [8, 64, PIO_PAGE],
    ]);
    const ones = 2 ** (8 * size) - 1;

    run.setIoData(ones, 1);

    expect([run.getIoData(0), run.getIoData(1)]).toEqual([0, ones]);
  });
});
