import type { GfnRange } from '../../arch/units.js';
import { type Leaf, LeafStore } from './leaves.js';

/**
 * The leaves of KVM's shadow of L1's EPT, which L2 runs on. Several may map the same frame of L1, each for another leaf of L1's EPT
 * (`mapping`). Whatever zaps the leaves of a frame zaps all of these (kvm_rmap_zap_gfn_range(), kvm_unmap_gfn_range()).
 */
export class ShadowEpt {
  readonly #stores: Map<number, LeafStore>;

  constructor(from?: ShadowEpt) {
    const stores = from === undefined ? [] : [...from.#stores];
    this.#stores = new Map(stores.map(([mapping, store]) => [mapping, new LeafStore(store)]));
  }

  /** The leaf that maps a frame of L1 for a leaf of L1's EPT. */
  find(mapping: number, gfn: number): Leaf | undefined {
    return this.#stores.get(mapping)?.find(gfn);
  }

  put(mapping: number, leaf: Leaf): void {
    const store = this.#stores.get(mapping) ?? new LeafStore();
    this.#stores.set(mapping, store);
    store.put(leaf);
  }

  /** Remove every leaf that maps a frame of the range. */
  zap(range: GfnRange): void {
    for (const store of this.#stores.values()) store.zap(range);
  }

  /** Every leaf that maps a frame of the range. */
  within(range: GfnRange): Leaf[] {
    return [...this.#stores.values()].flatMap((store) => store.within(range));
  }
}
