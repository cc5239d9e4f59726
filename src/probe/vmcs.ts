import { VMCS } from '../arch/vmx.js';
import { LAYOUT as L } from './layout.js';
import { PML4_GPA } from './tables.js';

/** The bits of each control that must be 1 (IA32_VMX_*_CTLS), and those that the guest wants. */
const CONTROLS: readonly [field: number, must: number, wanted: number][] = [
  [VMCS.PIN_CONTROLS, 0x16, 0],
  // Secondary controls.
  [VMCS.CPU_CONTROLS, 0x0401e172, 0x80000000],
  // EPT; unrestricted guest, so that L2 needs no page tables of its own.
  [VMCS.SECONDARY_CONTROLS, 0, 0x82],
  // L1 is in 64-bit mode, L2 is not.
  [VMCS.EXIT_CONTROLS, 0x36dff, 0x200],
  [VMCS.ENTRY_CONTROLS, 0x11ff, 0],
];

const CR4_PAE_VMXE = 0x2020n;
const ALL_EXCEPTIONS = 0xffff_ffffn;
const NO_SHADOW_VMCS = 0xffff_ffff_ffff_ffffn;

const FLAT_CODE = { selector: L.PROBE_CODE_SELECTOR, limit: 0xffff_ffff, access: 0xc09b };
const FLAT_DATA = { selector: L.PROBE_DATA_SELECTOR, limit: 0xffff_ffff, access: 0xc093 };
const UNUSABLE = { selector: 0, limit: 0, access: 0x10000 };
const TASK = { selector: 0, limit: 0x67, access: 0x8b };
/** ES, CS, SS, DS, FS, GS, LDTR, TR of L2. */
const SEGMENTS = [FLAT_DATA, FLAT_CODE, FLAT_DATA, FLAT_DATA, FLAT_DATA, FLAT_DATA, UNUSABLE, TASK];
/** ES, CS, SS, DS, FS, GS, TR of L1. TR may not be null; nothing reads what it selects. */
const HOST_SELECTORS = [FLAT_DATA, FLAT_CODE, FLAT_DATA, FLAT_DATA, FLAT_DATA, FLAT_DATA, FLAT_DATA];

/**
 * The fields of the VMCS with which the probe guest (L1) runs L2, but those that it writes for each run (probe_l2()). L2 is in flat
 * 32-bit protected mode without paging, and each of its exceptions ends it. Other fields are 0: KVM keeps the fields of L1's VMCS in
 * its region, which holds zeroes.
 */
export function vmcsFields(eptp: bigint): [field: number, value: bigint][] {
  return [
    ...CONTROLS.map(([field, must, wanted]): [number, bigint] => [field, BigInt((must | wanted) >>> 0)]),
    [VMCS.EXCEPTION_BITMAP, ALL_EXCEPTIONS],
    [VMCS.EPTP, eptp],
    [VMCS.LINK_POINTER, NO_SHADOW_VMCS],
    ...SEGMENTS.flatMap(({ selector, limit, access }, i): [number, bigint][] => [
      [VMCS.GUEST_SELECTOR + 2 * i, BigInt(selector)],
      [VMCS.GUEST_LIMIT + 2 * i, BigInt(limit)],
      [VMCS.GUEST_ACCESS + 2 * i, BigInt(access)],
    ]),
    ...HOST_SELECTORS.map(({ selector }, i): [number, bigint] => [
      VMCS.HOST_SELECTOR + 2 * i,
      BigInt(selector),
    ]),
    [VMCS.GUEST_CR4, CR4_PAE_VMXE],
    [VMCS.GUEST_DR7, 0x400n],
    [VMCS.GUEST_RFLAGS, 2n],
    [VMCS.HOST_CR3, BigInt(PML4_GPA)],
    [VMCS.HOST_CR4, CR4_PAE_VMXE],
    [VMCS.HOST_GDTR, BigInt(L.PROBE_GDT)],
    [VMCS.HOST_IDTR, BigInt(L.PROBE_IDT)],
  ];
}
