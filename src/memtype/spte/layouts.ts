/** One bit of an entry that the processor ignores or that says little of memory types, as one kernel uses it. */
export type SpteBit = readonly [bit: number, meaning: string];

/** How a series of kernels fills the entries of its EPT beyond what the SDM says of them. */
export interface SpteLayout {
  /** The series in which it was read. */
  readonly kernels: string;
  /** Where. */
  readonly source: string;
  /** Names of the policies whose kernels read entries so; of kernels between two that were read, either may be right. */
  readonly policies: readonly string[];
  /** Permissions that an entry without accessed bit keeps for later (`mark_spte_for_access_track()`). */
  readonly saved: bigint;
  /** The bit that says that an entry maps something; undefined where only 0 and MMIO entries do not. */
  readonly present: bigint | undefined;
  /** An entry for memory that no memslot has: these bits have this value. */
  readonly mmio: { readonly mask: bigint; readonly value: bigint };
  /** The entry of what is not mapped. */
  readonly empty: bigint;
  /** The entry that another thread is about to change; undefined where there is none. */
  readonly frozen: bigint | undefined;
  readonly bits: readonly SpteBit[];
}

const bit = (n: number): bigint => 1n << BigInt(n);
const PRESENT = bit(11);
const SUPPRESS_VE = bit(63);
/** W and X without R: no processor takes it for a mapping (VMX_EPT_MISCONFIG_WX_VALUE). */
const WX = 0b110n;

const COMMON: readonly SpteBit[] = [
  [8, 'accessed'],
  [9, 'dirty'],
];

/** SHADOW_ACC_TRACK_SAVED_BITS_SHIFT 54: R and X. */
const SAVED_54 = bit(54) | bit(56);

/** SPTE_TDP_AD_SHIFT 52, EPT_SPTE_HOST_WRITABLE 57 and EPT_SPTE_MMU_WRITABLE 58. */
const BITS_6_1: readonly SpteBit[] = [
  ...COMMON,
  [11, 'MMU-present'],
  [52, 'A/D bits off'],
  [53, 'A/D by write protection only'],
  [54, 'saved R'],
  [56, 'saved X'],
  [57, 'host-writable'],
  [58, 'MMU-writable'],
];

/** As arch/x86/kvm/mmu/spte.h has them in 5.10.262, 6.1.192, 6.12.118, 7.2.13 and 7.3.4; the last two are alike. */
export const SPTE_LAYOUTS: readonly SpteLayout[] = [
  {
    kernels: '5.10',
    source: 'is_shadow_present_pte() and is_mmio_spte(), 5.10',
    policies: ['A-4.4'],
    saved: SAVED_54,
    present: undefined,
    mmio: { mask: bit(52) | bit(53), value: bit(52) | bit(53) },
    empty: 0n,
    frozen: undefined,
    bits: [
      ...COMMON,
      [10, 'host-writable'],
      [11, 'MMU-writable'],
      [52, 'A/D bits off'],
      [53, 'A/D by write protection only'],
      [54, 'saved R'],
      [56, 'saved X'],
    ],
  },
  {
    kernels: '6.1',
    source: 'is_shadow_present_pte() and is_mmio_spte(), 6.1',
    policies: ['A-4.4', 'A', 'A-6.2', 'A-6.5', 'B-6.7', 'B'],
    saved: SAVED_54,
    present: PRESENT,
    mmio: { mask: 7n, value: WX },
    empty: 0n,
    frozen: 0x5a0n,
    bits: BITS_6_1,
  },
  {
    kernels: '6.12',
    source: 'is_shadow_present_pte() and is_mmio_spte(), 6.12',
    policies: ['B', 'C', 'D-6.11', 'D', 'D-6.13', 'E-6.12', 'E'],
    saved: SAVED_54,
    present: PRESENT,
    mmio: { mask: SUPPRESS_VE | 7n, value: WX },
    empty: SUPPRESS_VE,
    frozen: SUPPRESS_VE | 0x5a0n,
    bits: [...BITS_6_1, [63, '#VE suppressed']],
  },
  {
    kernels: '7.2, 7.3',
    source: 'is_shadow_present_pte() and is_mmio_spte(), 7.2 and 7.3',
    policies: ['E'],
    saved: bit(52) | bit(54) | bit(62),
    present: PRESENT,
    mmio: { mask: SUPPRESS_VE | 7n, value: WX },
    empty: SUPPRESS_VE,
    frozen: SUPPRESS_VE | 0x1a0n,
    bits: [
      ...COMMON,
      [10, 'executable in user mode'],
      [11, 'MMU-present'],
      [52, 'saved R'],
      [53, 'host-writable'],
      [54, 'saved X'],
      [55, 'MMU-writable'],
      [60, 'A/D bits off'],
      [61, 'A/D by write protection only'],
      [62, 'saved X of user mode'],
      [63, '#VE suppressed'],
    ],
  },
];
