import { RAM_SLOT } from '../arch/memslots.js';
import { PAGE_SIZE } from '../arch/units.js';
import type { NoncoherentDma } from '../dma/index.js';
import { HostMemory } from '../kvm/index.js';
import { memslotFlags } from '../scenario/bits.js';
import { type DirtyLogStep, type HostMemoryStep, type MemslotStep, NOT_TAKEN } from '../scenario/types.js';
import type { Machine } from '../vmm/index.js';
import { closeAll } from './close.js';
import { ioctlResult } from './dma-steps.js';
import type { GibPage } from './memory/gib-page.js';
import { hugeRam } from './memory/huge-ram.js';

/** Memory of so many bytes is aligned to as many: then KVM looks how large the host's pages are. */
const LARGE = 2 ** 21;

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
  readonly #memory: Map<number, Backing>;

  constructor(
    readonly machine: Machine,
    /** The PCI BAR that may be mapped, what the kernel's KVM_MEM_NON_COHERENT_DMA is, and the page of 1 GiB. */
    readonly bench: { pciBar: string | undefined; dma: Pick<NoncoherentDma, 'memslot'>; gib: GibPage },
  ) {
    this.#memory = new Map([[RAM_SLOT, { memory: machine.ram, offset: 0 }]]);
  }

  /** KVM_SET_USER_MEMORY_REGION; a slot that exists keeps its memory. */
  set(step: MemslotStep): string {
    const { slot, gpa, pages } = step;
    const size = pages * PAGE_SIZE;
    const known = this.#memory.get(slot) ?? this.#memoryOf(step);
    if (known === 'none') return NOT_TAKEN;
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
      if (backing !== known && result !== 'ok') this.#close(backing.memory);
    }
    if (result === 'ok') this.#memory.set(slot, backing);
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

  /** Change how a part of the memory of a slot may be used. */
  changeMemory({ op, slot, first, pages }: HostMemoryStep): void {
    const backing = this.#memory.get(slot);
    if (backing === undefined) throw new RangeError(`there is no memslot ${slot}`);
    const [start, size] = [backing.offset + first * PAGE_SIZE, pages * PAGE_SIZE];
    if (op === 'discard') backing.memory.dontNeed(start, size);
    else if (op === 'unmap') backing.memory.unmapPart(start, size);
    else backing.memory.protectPart(start, size, op === 'unprotect');
  }

  #make({ pages, backing, offset: before = 0 }: MemslotStep): Backing {
    const offset = before * PAGE_SIZE;
    return { memory: this.#allocate(backing, offset + pages * PAGE_SIZE), offset };
  }

  /** The memory of the slot that a new one names: `none` if there is no such slot, undefined if it names none. */
  #memoryOf({ memoryOf, offset = 0 }: MemslotStep): Backing | 'none' | undefined {
    if (memoryOf === undefined) return undefined;
    const other = this.#memory.get(memoryOf);
    return other === undefined ? 'none' : { memory: other.memory, offset: offset * PAGE_SIZE };
  }

  #allocate(backing: MemslotStep['backing'], size: number): HostMemory {
    switch (backing) {
      case 'ram':
        return HostMemory.memfd(size, size >= LARGE ? { align: LARGE } : {});
      case 'huge-ram':
        return hugeRam(size);
      case 'gib-ram':
        return this.bench.gib.memory();
      case 'pci-bar':
        if (this.bench.pciBar === undefined) throw new RangeError('there is no PCI BAR to map');
        return HostMemory.file(this.bench.pciBar, { size, writable: true, shared: true });
    }
  }

  /** Let go of the memory of a slot, which other slots may have too. */
  #drop(slot: number): void {
    const memory = this.#memory.get(slot)?.memory;
    this.#memory.delete(slot);
    const isShared = [...this.#memory.values()].some((backing) => backing.memory === memory);
    if (!isShared && memory !== undefined) this.#close(memory);
  }

  /** The page of 1 GiB is that of other scenarios too. */
  #close(memory: HostMemory): void {
    if (!this.bench.gib.owns(memory)) memory.close();
  }

  /** Give the memory back, once the machine is closed; guest RAM is another's. @throws the first error of several */
  close(): void {
    const memories = new Set([...this.#memory.values()].map(({ memory }) => memory));
    memories.delete(this.machine.ram);
    closeAll([...memories].map((memory) => () => this.#close(memory)));
  }
}
