import { describe, expect, it } from 'vitest';
import { describeMsr, faultOf } from './msr-fault.js';
import { classifyMsr, type MtrrMsr } from './msrs.js';

const fault = (msr: number, value: bigint, maxphyaddr = 40) =>
  faultOf(classifyMsr(msr) as MtrrMsr, value, maxphyaddr);

describe('describeMsr', () => {
  it.each([
    [0xfe, 'MSR 0xfe (IA32_MTRRCAP)'],
    [0x200, 'MSR 0x200 (IA32_MTRR_PHYSBASE0)'],
    [0x20f, 'MSR 0x20f (IA32_MTRR_PHYSMASK7)'],
    [0x250, 'MSR 0x250 (IA32_MTRR_FIX64K_00000)'],
    [0x258, 'MSR 0x258 (IA32_MTRR_FIX16K_80000)'],
    [0x259, 'MSR 0x259 (IA32_MTRR_FIX16K_A0000)'],
    [0x268, 'MSR 0x268 (IA32_MTRR_FIX4K_C0000)'],
    [0x26f, 'MSR 0x26f (IA32_MTRR_FIX4K_F8000)'],
    [0x277, 'MSR 0x277 (IA32_PAT)'],
    [0x2ff, 'MSR 0x2ff (IA32_MTRR_DEF_TYPE)'],
    [0x210, 'MSR 0x210'],
  ])('0x%s', (msr, text) => {
    expect(describeMsr(msr)).toBe(text);
  });
});

describe('faultOf', () => {
  const MTRR = '(0 UC, 1 WC, 4 WT, 5 WP, 6 WB)';
  const above = (bits: string, verb: string, maxphyaddr: number): string =>
    `${bits} ${verb} at or above the guest's MAXPHYADDR, ${maxphyaddr}`;

  // MSR, value, MAXPHYADDR, reason, the MAXPHYADDR that would do.
  it.each([
    [0xfe, 0x508n, 40, 'it is read-only', undefined],
    [0x2ff, 2n, 40, `byte 0 is 2, which is no memory type ${MTRR}`, undefined],
    [0x2ff, 0x1006n, 40, 'bit 12 is reserved', undefined],
    [0x2ff, 0x8000_0000_0000_0106n, 40, 'bits 8 and 63 are reserved', undefined],
    [0x2ff, 0x307n, 40, `byte 0 is 7, which is no memory type ${MTRR}, and bits 8-9 are reserved`, undefined],
    [0x26f, 0x0606_0206_0206_0606n, 40, `byte 3 is 2, which is no memory type ${MTRR}`, undefined],
    [
      0x277,
      0x03n << 56n,
      40,
      'byte 7 is 3, which is no memory type (0 UC, 1 WC, 4 WT, 5 WP, 6 WB, 7 UC-)',
      undefined,
    ],
    [0x200, 0x706n, 40, 'bits 8-10 are reserved', undefined],
    [0x200, 0x100_0000_0006n, 40, above('bit 40', 'lies', 40), 41],
    [0x201, 0xf_0f00_0000_0800n, 40, above('bits 40-43 and 48-51', 'lie', 40), 52],
    [0x201, 0x10_0000_0000_0800n, 40, above('bit 52', 'lies', 40), undefined],
    [0x201, 0x100_0000_0801n, 40, `bit 0 is reserved, and ${above('bit 40', 'lies', 40)}`, undefined],
    [0x200, 0x10_0000_0006n, 36, above('bit 36', 'lies', 36), 37],
  ])('MSR 0x%s, value %s, %s bits', (msr, value, maxphyaddr, reason, needed) => {
    expect(fault(msr, value, maxphyaddr)).toEqual({ reason, maxphyaddr: needed });
  });

  it('is nothing for a legal write', () => {
    expect(fault(0x2ff, 0xc06n)).toBeUndefined();
    expect(fault(0x200, 0xff_ffff_f006n)).toBeUndefined();
  });
});
