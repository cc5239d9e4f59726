/** A leaf EPT entry as far as memory types go. */
export interface LeafBits {
  /** EPT memory type, bits 5:3 (SDM, "EPT and Memory Typing"). */
  type: number;
  /** Ignore-PAT, bit 6. */
  ipat: boolean;
  /** Bit 1, of EPT and of NPT entries alike. */
  writable: boolean;
}

/** Set in an SPTE that maps something, a leaf or a table: SPTE_MMU_PRESENT_MASK, 6.1 to 7.3. */
export const PRESENT = 1n << 11n;
/** Set in a leaf above level 1: PT_PAGE_SIZE_MASK. */
export const HUGE = 1n << 7n;
/** SPTE_SPECIAL_MASK of 5.10, where entries have no bit for presence: all of it is set in an entry of emulated MMIO alone. */
export const UNMARKED_MMIO = [1n << 52n, 1n << 53n] as const;
const WRITABLE = 1n << 1n;
const IPAT = 1n << 6n;

/** The frame that an entry leads to: bits 51:12. */
export const frameOf = (spte: bigint): bigint => (spte >> 12n) & ((1n << 40n) - 1n);

/** How a kernel's entries tell that they map something: by bit 11, or, in 5.10, by being neither empty nor emulated MMIO. */
export type Presence = 'marked' | 'unmarked';

const isPresent = (spte: bigint, presence: Presence): boolean =>
  presence === 'marked'
    ? (spte & PRESENT) !== 0n
    : spte !== 0n && UNMARKED_MMIO.some((bit) => (spte & bit) === 0n);

/**
 * Decode a leaf SPTE, `undefined` for anything else.
 *
 * Tell presence by bit 11, not by RWX: access-tracked entries have RWX clear, and the values KVM stores in frozen
 * and MMIO entries (0x5a0, 0x1a0) would decode as leaves (kernel: is_shadow_present_pte(), is_last_spte()).
 */
export function decodeLeaf(spte: bigint, level: number, presence: Presence = 'marked'): LeafBits | undefined {
  if (!isPresent(spte, presence)) return undefined;
  if (level > 1 && (spte & HUGE) === 0n) return undefined;
  return {
    type: Number((spte >> 3n) & 7n),
    ipat: (spte & IPAT) !== 0n,
    writable: (spte & WRITABLE) !== 0n,
  };
}
