import { MT } from '../arch/memory-types.js';
import { PAGE_SIZE } from '../arch/units.js';

/** One leaf of L1's EPT. */
export interface EptLeaf {
  /** Where L2 sees it. */
  l2: bigint;
  /** Where it leads, of L1's own guest-physical addresses. */
  gpa: bigint;
  /** 1 is 4 KiB, 2 is 2 MiB. */
  level: 1 | 2;
  type: keyof typeof MT;
  ipat: boolean;
}

const ENTRIES = 512;
const ENTRY_SIZE = 8;
const TOP_LEVEL = 4;
const READ_WRITE_EXECUTE = 7n;
const TYPE_SHIFT = 3n;
const IPAT = 1n << 6n;
const LARGE = 1n << 7n;
/** EPTP: walk of 4 levels (less 1, bits 5:3), the tables themselves WB. */
const EPTP_BITS = 0x1en;

/** The EPT pointer of tables at `base`. */
export const eptPointer = (base: number): bigint => BigInt(base) | EPTP_BITS;

const leafEntry = ({ gpa, level, type, ipat }: EptLeaf): bigint =>
  gpa |
  READ_WRITE_EXECUTE |
  (BigInt(MT[type]) << TYPE_SHIFT) |
  (ipat ? IPAT : 0n) |
  (level === 2 ? LARGE : 0n);

/** EPT tables as they lie in L1's memory from `base` (SDM, "EPT Translation Mechanism"): the top comes first. */
export function buildEpt(base: number, leaves: readonly EptLeaf[]): Uint8Array {
  const entries = new Map<number, bigint>();
  let pages = 1;
  /** The page of the table that an entry leads to, made if it is not there. */
  const next = (at: number): number => {
    const known = entries.get(at);
    if (known !== undefined) return Number(known >> 12n) - base / PAGE_SIZE;
    entries.set(at, BigInt(base + pages * PAGE_SIZE) | READ_WRITE_EXECUTE);
    return pages++;
  };
  for (const leaf of leaves) {
    let page = 0;
    const indexAt = (level: number): number => Number((leaf.l2 >> BigInt(12 + 9 * (level - 1))) & 0x1ffn);
    for (let level = TOP_LEVEL; level > leaf.level; level--) page = next(page * ENTRIES + indexAt(level));
    entries.set(page * ENTRIES + indexAt(leaf.level), leafEntry(leaf));
  }
  const tables = new Uint8Array(pages * PAGE_SIZE);
  const view = new DataView(tables.buffer);
  for (const [at, entry] of entries) view.setBigUint64(at * ENTRY_SIZE, entry, true);
  return tables;
}
