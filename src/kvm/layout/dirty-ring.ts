import { GONE } from './bytes.js';

/** A page that a vCPU dirtied (struct kvm_dirty_gfn). */
export interface DirtyPage {
  /** Slot number, address space in bits 16 and up. */
  slot: number;
  /** Page within the slot. */
  offset: number;
}

const ENTRY = 16;
const DIRTY = 1;
const RESET = 2;

/** A vCPU's ring of dirtied pages, shared with KVM (KVM_CAP_DIRTY_LOG_RING). */
export class DirtyRing {
  #view: DataView;
  #flags: Uint32Array;
  readonly #entries: number;
  #next = 0;

  /** @internal */
  constructor(buffer: ArrayBuffer) {
    this.#view = new DataView(buffer);
    this.#flags = new Uint32Array(buffer);
    this.#entries = buffer.byteLength / ENTRY;
  }

  /** @internal The buffer stays, and reads as zeros: do not take them for a ring without pages. */
  close(): void {
    this.#view = GONE.view;
    this.#flags = GONE.words;
  }

  /**
   * Take the pages that were dirtied since the last call. KVM reuses their entries after vm.resetDirtyRings().
   * @throws TypeError after the vCPU is closed
   */
  collect(): DirtyPage[] {
    const pages: DirtyPage[] = [];
    for (; pages.length < this.#entries; this.#next = (this.#next + 1) % this.#entries) {
      const at = this.#next * ENTRY;
      // KVM sets the flag last; give it back the same way.
      if (Atomics.load(this.#flags, at / 4) !== DIRTY) break;
      pages.push({
        slot: this.#view.getUint32(at + 4, true),
        offset: Number(this.#view.getBigUint64(at + 8, true)),
      });
      Atomics.store(this.#flags, at / 4, DIRTY | RESET);
    }
    return pages;
  }
}
