import { memTypeName } from '../arch/memory-types.js';
import { type Level, pagesOf } from '../arch/units.js';
import { decodeLeaf, frameOf, PRESENT } from '../observe/spte.js';
import type { VmEvent } from '../observe/vm-events.js';

/** A leaf of a VM that is watched. */
export interface WatchedLeaf {
  readonly gfn: number;
  readonly level: Level;
  readonly type: string;
  readonly ipat: boolean;
  /** The vCPU whose fault made it; undefined where KVM made it of another one. */
  readonly vcpu: number | undefined;
  /** Of the host. */
  readonly frame: bigint;
  /** The host takes the frame for device memory. */
  readonly mmio: boolean;
  /** How many changes of registers came before it. */
  readonly epoch: number;
}

type Change = Extract<VmEvent, { kind: 'change' }>;

/** What an entry's change did to leaves. */
export interface LeafChange {
  readonly made: WatchedLeaf | undefined;
  readonly gone: WatchedLeaf | undefined;
  /** The leaf that went was one of tables that were dropped as a whole before. */
  readonly ofOldTables: boolean;
}

const NOTHING: LeafChange = { made: undefined, gone: undefined, ofOldTables: false };

const keyOf = (gfn: number, level: number): number => gfn * 4 + level;

/** A leaf that was made otherwise than the model expects. */
export interface Departure {
  readonly gfn: number;
  readonly level: number;
  readonly vcpu: number;
  readonly expected: string;
  readonly seen: string;
  /** How many changes of registers came before it. */
  readonly epoch: number;
}

export const departureText = ({ gfn, level, vcpu, expected, seen }: Departure): string =>
  `gfn 0x${gfn.toString(16)}, level ${level}, by vCPU ${vcpu}: expected ${expected}; seen ${seen}`;

export const show = ({ type, ipat }: { type: string; ipat: boolean }): string =>
  `${type}, IPAT ${ipat ? 1 : 0}`;

/** The leaves of one VM, by place. */
export class WatchedLeaves {
  readonly #leaves = new Map<number, WatchedLeaf>();
  /** Those of tables that no vCPU uses any more: each is told of once more, when a thread comes to clear them. */
  #old = new Map<number, WatchedLeaf>();

  get size(): number {
    return this.#leaves.size;
  }

  /** In order of frames. */
  all(): WatchedLeaf[] {
    return [...this.#leaves.values()].sort((a, b) => a.gfn - b.gfn);
  }

  /**
   * Whether an event is about a leaf that is here, or was until all tables were dropped: at the same place, to the same frame of the host.
   * Other VMs have their own frames.
   */
  holds({ gfn, level, old }: Change): boolean {
    if (decodeLeaf(old, level) === undefined) return false;
    const key = keyOf(gfn, level);
    return [this.#leaves, this.#old].some((leaves) => leaves.get(key)?.frame === frameOf(old));
  }

  /** Take an event; `by` tells of the fault that it comes from, if it comes from one. */
  change(event: Change, epoch: number, by?: { vcpu: number; mmio: boolean }): LeafChange {
    const { gfn, level } = event;
    const [old, made] = [decodeLeaf(event.old, level), decodeLeaf(event.new, level)];
    const key = keyOf(gfn, level);
    if (made === undefined && old !== undefined && this.#old.has(key)) {
      const gone = this.#old.get(key);
      this.#old.delete(key);
      return { made: undefined, gone, ofOldTables: true };
    }
    const known = this.#leaves.get(key);
    // Without a fault, and of the same type: its bits for accesses or for writing change.
    if (made !== undefined && old?.type === made.type && old.ipat === made.ipat && by === undefined)
      return NOTHING;
    if (old !== undefined) this.#leaves.delete(key);
    if (made === undefined) {
      if (known !== undefined && (event.new & PRESENT) !== 0n) this.#split(known);
      return { ...NOTHING, gone: known };
    }
    const leaf: WatchedLeaf = {
      gfn,
      level: level as Level,
      type: memTypeName(made.type),
      ipat: made.ipat,
      frame: frameOf(event.new),
      vcpu: by?.vcpu ?? known?.vcpu,
      mmio: by?.mmio ?? known?.mmio ?? false,
      epoch: by === undefined ? (known?.epoch ?? epoch) : epoch,
    };
    this.#leaves.set(key, leaf);
    return { ...NOTHING, made: leaf };
  }

  /** A table takes the place of a huge leaf: tdp_mmu_split_huge_page() has filled it, and told nobody. */
  #split(leaf: WatchedLeaf): void {
    const level = (leaf.level - 1) as Level;
    for (let i = 0; i < 512; i++) {
      const [gfn, frame] = [leaf.gfn + i * pagesOf(level), leaf.frame + BigInt(i * pagesOf(level))];
      this.#leaves.set(keyOf(gfn, level), { ...leaf, level, gfn, frame });
    }
  }

  /** All tables are dropped (kvm_mmu_zap_all_fast()): what is in them counts no more, though it is cleared later. */
  drop(): number {
    const count = this.#leaves.size;
    for (const [key, leaf] of this.#leaves) this.#old.set(key, leaf);
    this.#leaves.clear();
    return count;
  }
  /** What is here may have gone unseen. */
  forget(): void {
    this.#leaves.clear();
    this.#old.clear();
  }
}
