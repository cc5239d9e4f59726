import { describe, expect, it } from 'vitest';
import { KvmError, type KvmErrorCode } from '../errors.js';
import { withFlags } from './bytes.js';
import { DirtyRing } from './dirty-ring.js';
import { decodeEvents, encodeEvents, VCPU_EVENTS_SIZE } from './events.js';
import { KvmRun } from './kvm-run.js';
import {
  DEBUG_REGS_SIZE,
  decodeDebugRegs,
  decodeRegs,
  decodeSregs,
  encodeDebugRegs,
  encodeRegs,
  encodeSregs,
  REGS_SIZE,
  SREGS_SIZE,
} from './registers.js';
import { decodeCpuid, decodeMsrList, decodeMsrValues, encodeCpuid, encodeMsrs } from './tables.js';
import { encodeCap, encodeMsrFilter, encodeRouting, encodeZone } from './vm-structs.js';

/** Bytes that all differ from their neighbours. */
const pattern = (size: number) => Uint8Array.from({ length: size }, (_, i) => (i * 7 + 1) & 0xff);

describe('structs', () => {
  it('have the sizes of the uapi', () => {
    expect([REGS_SIZE, SREGS_SIZE, VCPU_EVENTS_SIZE]).toEqual([144, 312, 64]);
  });

  it('survive a round trip', () => {
    const regs = pattern(REGS_SIZE);
    expect(encodeRegs(decodeRegs(regs))).toEqual(regs);

    const sregs = pattern(SREGS_SIZE);
    for (let i = 0; i < 8; i++) sregs[i * 24 + 23] = 0; // kvm_segment.padding
    for (const table of [192, 208]) sregs.fill(0, table + 10, table + 16); // kvm_dtable.padding
    expect(encodeSregs(decodeSregs(sregs))).toEqual(sregs);

    const events = pattern(VCPU_EVENTS_SIZE);
    events[15] = 0; // nmi.pad
    events.fill(0, 29, 55); // reserved
    expect(encodeEvents(decodeEvents(events))).toEqual(events);

    const leaf = { function: 1, index: 2, flags: 3, eax: 4, ebx: 5, ecx: 6, edx: 0xffffffff };
    expect(decodeCpuid(encodeCpuid([leaf, leaf]))).toEqual([leaf, leaf]);
  });

  it('lay out MSRs', () => {
    const bytes = encodeMsrs([{ index: 0x277, value: 0x0606n }, { index: 0x10 }]);
    const view = new DataView(bytes.buffer);

    expect([view.getUint32(0, true), view.getUint32(8, true), view.getBigUint64(16, true)]).toEqual([
      2,
      0x277,
      0x606n,
    ]);
    expect(decodeMsrValues(bytes, 1)).toEqual([0x606n]);
    expect(decodeMsrList(Uint8Array.of(1, 0, 0, 0, 0x77, 2, 0, 0))).toEqual([0x277]);
  });

  it('lay out a capability, a zone and routes', () => {
    const cap = new DataView(encodeCap(213, [0x200n, 1n], 7).buffer);
    expect([cap.getUint32(0, true), cap.getUint32(4, true)]).toEqual([213, 7]);
    expect([cap.getBigUint64(8, true), cap.getBigUint64(16, true), cap.byteLength]).toEqual([
      0x200n,
      1n,
      104,
    ]);

    const zone = new DataView(encodeZone(0x1000n, 16, true).buffer);
    expect([zone.getBigUint64(0, true), zone.getUint32(8, true), zone.getUint32(12, true)]).toEqual([
      0x1000n,
      16,
      1,
    ]);

    const routing = new DataView(
      encodeRouting([
        { gsi: 4, type: 'irqchip', irqchip: 2, pin: 9 },
        { gsi: 5, type: 'msi', address: 0xfee00000n, data: 0x40 },
      ]).buffer,
    );
    expect(routing.byteLength).toBe(8 + 2 * 48);
    expect([0, 8, 12, 24, 28].map((at) => routing.getUint32(at, true))).toEqual([2, 4, 1, 2, 9]);
    expect([56, 60, 72, 80].map((at) => routing.getUint32(at, true))).toEqual([5, 2, 0xfee00000, 0x40]);
  });

  it('lay out the pointer of a bitmap that is not there', () => {
    const { filter, bitmaps } = encodeMsrFilter({
      ranges: [{ flags: 1, base: 0x277, nmsrs: 1, bitmap: 'nowhere' }],
    });

    expect(new DataView(filter.buffer).getBigUint64(24, true)).toBe(1n);
    expect(bitmaps.length).toBe(8);
  });

  it('lay out an MSR filter with padded bitmaps', () => {
    const { filter, bitmaps } = encodeMsrFilter({
      flags: 1,
      ranges: [
        { flags: 3, base: 0x200, nmsrs: 9, bitmap: Uint8Array.of(0xff, 1) },
        { flags: 1, base: 0x277, nmsrs: 1, bitmap: Uint8Array.of(1) },
      ],
    });
    const view = new DataView(filter.buffer);

    expect([0, 8, 12, 16, 32, 36, 40].map((at) => view.getUint32(at, true))).toEqual([
      1, 3, 9, 0x200, 1, 1, 0x277,
    ]);
    expect([...bitmaps]).toEqual([0xff, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
  });
});

describe('encoders', () => {
  const U32 = 2 ** 32;
  const U64 = 1n << 64n;
  const leaf = { function: 0, index: 0, flags: 0, eax: 0, ebx: 0, ecx: 0, edx: 0 };
  const filter = (o: { flags?: number; base?: number; nmsrs?: number; of?: number }) =>
    encodeMsrFilter({
      flags: o.of ?? 0,
      ranges: [{ flags: 3, base: 0, nmsrs: 1, bitmap: Uint8Array.of(1), ...o }],
    });
  const zeroRegs = decodeRegs(new Uint8Array(REGS_SIZE));
  const zeroSregs = decodeSregs(new Uint8Array(SREGS_SIZE));
  const zeroEvents = decodeEvents(new Uint8Array(VCPU_EVENTS_SIZE));
  const zeroDebug = decodeDebugRegs(new Uint8Array(DEBUG_REGS_SIZE));
  const run = new KvmRun(new ArrayBuffer(4096));

  const u32s: [name: string, encode: (value: number) => unknown][] = [
    ['index', (index) => encodeMsrs([{ index }])],
    ['function', (value) => encodeCpuid([{ ...leaf, function: value }])],
    ['edx', (edx) => encodeCpuid([{ ...leaf, edx }])],
    ['base', (base) => filter({ base })],
    ['flags', (of) => filter({ of })],
    ['flags', (flags) => filter({ flags })],
    ['cap', (cap) => encodeCap(cap, [], 0)],
    ['flags', (flags) => encodeCap(1, [], flags)],
    ['flags', (flags) => withFlags(flags, 2)],
    ['size', (size) => encodeZone(0n, size, false)],
    ['gsi', (gsi) => encodeRouting([{ gsi, type: 'irqchip', irqchip: 0, pin: 0 }])],
    ['pin', (pin) => encodeRouting([{ gsi: 0, type: 'irqchip', irqchip: 0, pin }])],
    ['data', (data) => encodeRouting([{ gsi: 0, type: 'msi', address: 0n, data }])],
    ['limit', (limit) => encodeSregs({ ...zeroSregs, cs: { ...zeroSregs.cs, limit } })],
    ['sipiVector', (sipiVector) => encodeEvents({ ...zeroEvents, sipiVector })],
    [
      'errorCode',
      (e) => encodeEvents({ ...zeroEvents, exception: { ...zeroEvents.exception, errorCode: e } }),
    ],
  ];
  const narrow: typeof u32s = [
    ['selector', (selector) => encodeSregs({ ...zeroSregs, cs: { ...zeroSregs.cs, selector } })],
    ['limit', (limit) => encodeSregs({ ...zeroSregs, gdt: { base: 0n, limit } })],
    ['dpl', (dpl) => encodeSregs({ ...zeroSregs, ss: { ...zeroSregs.ss, dpl } })],
    ['tripleFaultPending', (t) => encodeEvents({ ...zeroEvents, tripleFaultPending: t })],
    ['masked', (masked) => encodeEvents({ ...zeroEvents, nmi: { ...zeroEvents.nmi, masked } })],
  ];
  const u64s: [name: string, encode: (value: bigint) => unknown][] = [
    ['value', (value) => encodeMsrs([{ index: 0, value }])],
    ['args', (arg) => encodeCap(1, [arg], 0)],
    ['address', (address) => encodeZone(address, 1, false)],
    ['address', (address) => encodeRouting([{ gsi: 0, type: 'msi', address, data: 0 }])],
    ['rip', (rip) => encodeRegs({ ...zeroRegs, rip })],
    ['cr3', (cr3) => encodeSregs({ ...zeroSregs, cr3 })],
    ['base', (base) => encodeSregs({ ...zeroSregs, tr: { ...zeroSregs.tr, base } })],
    ['dr7', (dr7) => encodeDebugRegs({ ...zeroDebug, dr7 })],
    ['exceptionPayload', (exceptionPayload) => encodeEvents({ ...zeroEvents, exceptionPayload })],
    ['msrData', (value) => Object.assign(run, { msrData: value })],
    ['cr8', (value) => Object.assign(run, { cr8: value })],
  ];
  const thrown = (encode: () => unknown): unknown => {
    try {
      return encode();
    } catch (error) {
      return error;
    }
  };
  const refusal = (operation: string) =>
    expect.objectContaining({ name: 'KvmError', code: 'KVM_ARGUMENT', operation });

  it.each([...u32s, ...narrow])('refuse %s that does not fit, and never wrap it', (name, encode) => {
    for (const bad of [-1, U32, 0.5, Number.NaN, Infinity, 1n as unknown as number]) {
      expect(thrown(() => encode(bad))).toEqual(refusal(name));
    }
    expect(() => encode(0)).not.toThrow();
  });

  it.each(u32s)('take %s up to 2^32-1', (_, encode) => {
    expect(() => encode(U32 - 1)).not.toThrow();
  });

  it.each(narrow)('refuse %s of more bits than the field has', (name, encode) => {
    expect(thrown(() => encode(0x10000))).toEqual(refusal(name));
  });

  it.each(u64s)('refuse %s that 64 bits do not hold, and never wrap it', (name, encode) => {
    for (const bad of [-1n, U64, 1 as unknown as bigint]) {
      expect(thrown(() => encode(bad))).toEqual(refusal(name));
    }
    expect(() => encode(U64 - 1n)).not.toThrow();
  });

  it.each([-1, U32, 0.5])('refuse a filter range of %d MSRs', (nmsrs) => {
    expect(() => filter({ nmsrs })).toThrow(expect.objectContaining({ code: 'KVM_ARGUMENT' }));
  });
});

describe('DirtyRing', () => {
  it('collects each entry once, and goes round', () => {
    const buffer = new ArrayBuffer(2 * 16);
    const view = new DataView(buffer);
    const ring = new DirtyRing(buffer);
    const dirty = (entry: number, slot: number, offset: bigint) => {
      view.setUint32(entry * 16 + 4, slot, true);
      view.setBigUint64(entry * 16 + 8, offset, true);
      view.setUint32(entry * 16, 1, true);
    };

    dirty(0, 7, 3n);
    dirty(1, 0x10001, 4n);

    expect(ring.collect()).toEqual([
      { slot: 7, offset: 3 },
      { slot: 0x10001, offset: 4 },
    ]);
    expect(view.getUint32(0, true)).toBe(3);
    expect(ring.collect()).toEqual([]);
    dirty(0, 7, 5n);
    expect(ring.collect()).toEqual([{ slot: 7, offset: 5 }]);
  });
});

describe('KvmError', () => {
  const cases: [code: KvmErrorCode, operation: string, errno: number, detail: string, sentence: string][] = [
    ['KVM_IOCTL', 'KVM_CREATE_VM', 12, '', 'KVM_CREATE_VM failed: ENOMEM, not enough memory'],
    ['KVM_IOCTL', 'KVM_RUN', 9999, '', 'KVM_RUN failed: errno 9999, unknown error'],
    ['KVM_ARGUMENT', 'gpa', 22, 'must be a bigint', 'gpa: must be a bigint'],
    ['KVM_CLOSED', 'KVM_RUN', 9, '', 'KVM_RUN: already closed'],
    ['KVM_MEMORY', 'mmap', 12, 'too much', 'mmap failed: ENOMEM, too much'],
  ];
  it.each(cases)('%s: %s', (code, operation, errno, detail, sentence) => {
    expect(new KvmError(code, operation, errno, detail).message).toBe(sentence);
  });

  it.each(['ENOENT', 'EACCES', 'EPERM', 'EBUSY', 'ENOTTY'])(
    'says what to do when /dev/kvm fails with %s',
    (name) => {
      const errnos: Record<string, number> = { ENOENT: 2, EACCES: 13, EPERM: 1, EBUSY: 16, ENOTTY: 25 };
      const error = new KvmError('KVM_OPEN', 'opening /dev/kvm', errnos[name] ?? 0);
      expect(error.errnoName).toBe(name);
      expect(error.message).toMatch(new RegExp(`^opening /dev/kvm failed: ${name}, \\w+.*`));
    },
  );
});
