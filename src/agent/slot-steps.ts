import { RAM_SLOT } from '../arch/memslots.js';
import { PAGE_SIZE } from '../arch/units.js';
import type { NoncoherentDma } from '../dma/index.js';
import { HostMemory } from '../kvm/index.js';
import { memslotFlags } from '../scenario/bits.js';
import type { DirtyLogStep, MemslotStep } from '../scenario/types.js';
import type { Machine } from '../vmm/index.js';
import { closeAll } from './close.js';
import { ioctlResult } from './dma-steps.js';
import { hugeRam } from './huge-ram.js';

/** Memory of a slot, and how many bytes of it lie before the slot. */
interface Backing {
  memory: HostMemory;
  offset: number;
}
/** Numbers of the bits that are set. */
const setBits = (bitmap: Uint8Array): number[] =>
  [...bitmap].flatMap((byte, i) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => byte & (1 << bit)).map((bit) => 8 * i + bit),
  );

/** The memslots of one scenario, and their memory, which lives as long as its slot. */
export class SlotSteps {
  readonly #memory = new Map<number, Backing>();

  constructor(
    readonly machine: Machine,
    /** The PCI BAR that may be mapped, and what the kernel's KVM_MEM_NON_COHERENT_DMA is. */
    readonly bench: { pciBar: string | undefined; dma: Pick<NoncoherentDma, 'memslot'> },
  ) {}

  /** KVM_SET_USER_MEMORY_REGION; a slot that exists keeps its memory. */
  set(step: MemslotStep): string {
    const { slot, gpa, pages } = step;
    const size = pages * PAGE_SIZE;
    const known = slot === RAM_SLOT ? { memory: this.machine.ram, offset: 0 } : this.#memory.get(slot);
    // KVM itself is to refuse a slot that grows: give it other memory, as there is no more of the slot's own.
    const isEnough = known !== undefined && known.offset + size <= known.memory.size;
    const backing = isEnough ? known : this.#make(step);
    const flags = memslotFlags(step, this.bench.dma.memslot.flag);
    let result = 'not asked';
    try {
      result = ioctlResult(() =>
        this.machine.setMemslot({ slot, gpa, size: BigInt(size), flags, ...backing }),
      );
    } finally {
      if (backing !== known && result !== 'ok') backing.memory.close();
    }
    if (result === 'ok' && slot !== RAM_SLOT) this.#memory.set(slot, backing);
    return result;
  }

  delete(slot: number): string {
    const result = ioctlResult(() => this.machine.deleteMemslot(slot));
    if (result === 'ok') this.#drop(slot);
    return result;
  }

  /** KVM_GET_DIRTY_LOG: the pages that were written. */
  dirtyLog(slot: number): { result: string; dirty?: number[] } {
    const pages = Number(this.machine.memslot(slot)?.size ?? 0n) / PAGE_SIZE;
    let bitmap: Uint8Array = new Uint8Array();
    const result = ioctlResult(() => {
      bitmap = this.machine.vm.getDirtyLog(slot, pages);
    });
    return result === 'ok' ? { result, dirty: setBits(bitmap) } : { result };
  }

  /** KVM_CLEAR_DIRTY_LOG of all pages of a range. */
  clearDirtyLog({ slot, first, pages }: Extract<DirtyLogStep, { do: 'clear-dirty-log' }>): string {
    const all = new Uint8Array(Math.ceil(pages / 64) * 8).fill(0xff);
    return ioctlResult(() => this.machine.vm.clearDirtyLog(slot, first, pages, all));
  }

  #make({ pages, backing, offset: before = 0 }: MemslotStep): Backing {
    const offset = before * PAGE_SIZE;
    return { memory: this.#memoryOf(backing, offset + pages * PAGE_SIZE), offset };
  }

  #memoryOf(backing: MemslotStep['backing'], size: number): HostMemory {
    switch (backing) {
      case 'ram':
        return HostMemory.memfd(size);
      case 'huge-ram':
        return hugeRam(size);
      case 'pci-bar':
        if (this.bench.pciBar === undefined) throw new RangeError('there is no PCI BAR to map');
        return HostMemory.file(this.bench.pciBar, { size, writable: true, shared: true });
    }
  }

  #drop(slot: number): void {
    this.#memory.get(slot)?.memory.close();
    this.#memory.delete(slot);
  }

  /** Give the memory back, once the machine is closed. @throws the first error of several */
  close(): void {
    closeAll(
      [...this.#memory.values()].map(
        ({ memory }) =>
          () =>
            memory.close(),
      ),
    );
  }
}
