import { decodePatType, type PatType } from '../types.js';
import { byteOf } from './msrs.js';

/** The flags of a page-table entry that choose a PAT entry. */
export interface PatBits {
  readonly pwt: boolean;
  readonly pcd: boolean;
  readonly pat: boolean;
}

const PTE_PWT = 1n << 3n;
const PTE_PCD = 1n << 4n;

/** Where the PAT flag sits: bit 7 of a 4 KiB entry, bit 12 of a 2 MiB or 1 GiB one, nowhere else. */
const PAT_FLAG = { '4K': 1n << 7n, '2M': 1n << 12n, '1G': 1n << 12n, table: 0n } as const;

/** The kinds of paging-structure entries: leaves by size, and entries (CR3 too) that reference a table. */
export type PteKind = keyof typeof PAT_FLAG;

/** Read the three flags out of a paging-structure entry (SDM, "Paging and Memory Typing"). */
export function patBits(pte: bigint, kind: PteKind): PatBits {
  return {
    pwt: (pte & PTE_PWT) !== 0n,
    pcd: (pte & PTE_PCD) !== 0n,
    pat: (pte & PAT_FLAG[kind]) !== 0n,
  };
}

/** The index, 0 to 7, of the PAT entry that the flags choose (SDM, "Selecting a Memory Type from the PAT"). */
export function patIndex(bits: PatBits): number {
  return (bits.pat ? 4 : 0) + (bits.pcd ? 2 : 0) + (bits.pwt ? 1 : 0);
}

/**
 * The memory type in an entry of the PAT.
 *
 * @param pat value of IA32_PAT, valid
 * @param index entry, 0 to 7; undefined while CR0.PG is 0, where the PAT type is WB whatever the MSR holds
 * @throws RangeError if the entry holds a reserved encoding
 */
export function patType(pat: bigint, index: number | undefined): PatType {
  if (index === undefined) return 'WB';
  const type = decodePatType(byteOf(pat, index));
  if (type === undefined) throw new RangeError(`PAT entry ${index} of 0x${pat.toString(16)} is reserved`);
  return type;
}
