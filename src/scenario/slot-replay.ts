import { KVM_MEM_LOG_DIRTY_PAGES, KVM_MEM_READONLY } from '../arch/kvm-flags.js';
import { KVM_MEM_NON_COHERENT_DMA, RAM_SLOT } from '../arch/memslots.js';
import { gfnOf, type Level, PAGE_SIZE, pagesOf } from '../arch/units.js';
import type { ModelEvent } from '../memtype/index.js';
import type { MemslotEvent } from '../memtype/model/events.js';
import { HostPages } from '../memtype/model/host-pages.js';
import { classifyChange, type SlotState } from '../memtype/model/memslots.js';
import { memslotFlags } from './bits.js';
import { type KernelFeatures, refused, type Taken } from './taken.js';
import {
  type DirtyLogStep,
  type HostMemoryStep,
  type MemslotStep,
  NOT_TAKEN,
  RAM_SIZE,
  type Scenario,
  type Step,
} from './types.js';

/** What a slot keeps as long as it is there. */
export interface SlotMemory {
  /** Number of the memory: another one each time that memory is made. */
  id: number;
  backing: MemslotStep['backing'];
  /** Pages of it that lie before the slot. */
  offset: number;
  /** Pages of it in all. */
  pages: number;
}

type SlotStep =
  | MemslotStep
  | Extract<Step, { do: 'delete-memslot' | 'discard' }>
  | HostMemoryStep
  | DirtyLogStep;

type LevelsOfMemory = Pick<SlotState, 'hostLevel' | 'sureLevel'>;

/** Memory in pages of a level: a leaf maps one whole, so a slot must lie as its memory does (kvm_alloc_memslot_metadata()). */
function hugeLevels(page: Level, gfn: number, offset: number): LevelsOfMemory {
  const level = ([3, 2] as const).find((one) => one <= page && (gfn - offset) % pagesOf(one) === 0) ?? 1;
  return { hostLevel: level, sureLevel: level };
}

/** Ordinary memory may be in pages of any size. */
const LEVELS: Record<MemslotStep['backing'], (gfn: number, offset: number) => LevelsOfMemory> = {
  ram: () => ({ hostLevel: 3, sureLevel: 1 }),
  'pci-bar': () => ({ hostLevel: 3, sureLevel: 1 }),
  'huge-ram': (gfn, offset) => hugeLevels(2, gfn, offset),
  'gib-ram': (gfn, offset) => hugeLevels(3, gfn, offset),
};

type Behind = Pick<SlotState, 'backing' | 'hostLevel' | 'sureLevel' | 'memory' | 'offset'>;

/** Memory of a slot at a frame, as the model sees it. */
const behind = (gfn: number, { id, backing, offset }: SlotMemory): Behind => ({
  backing: backing === 'pci-bar' ? 'mmio' : 'ram',
  ...LEVELS[backing](gfn, offset),
  memory: id,
  offset,
});

/** Number of the memory of guest RAM. */
export const RAM_MEMORY = 0;

const ramOf = ({ hugeRam }: Scenario): SlotMemory => ({
  id: RAM_MEMORY,
  backing: hugeRam ? 'huge-ram' : 'ram',
  offset: 0,
  pages: RAM_SIZE / PAGE_SIZE,
});

/** The memslots of a scenario as they come, change and go by KVM's rules, and the memory behind them. */
export class SlotReplay {
  /** The slot of guest RAM, which is there from the start. */
  readonly ram: ModelEvent;
  readonly slots = new Map<number, SlotState>();
  readonly #memory = new Map<number, SlotMemory>();
  /** What the host lets a guest do with its memory. */
  readonly host = new HostPages();
  #made = 0;

  constructor(
    scenario: Scenario,
    readonly kernel: KernelFeatures,
  ) {
    const memory = ramOf(scenario);
    const slot = { slot: RAM_SLOT, gfn: 0, npages: memory.pages, flags: 0, ...behind(0, memory) };
    this.ram = { kind: 'memslot', ...slot };
    this.slots.set(RAM_SLOT, slot);
    this.#memory.set(RAM_SLOT, memory);
  }

  /** The memory of a slot. */
  of(slot: number): SlotMemory | undefined {
    return this.#memory.get(slot);
  }

  next(step: SlotStep): Taken {
    switch (step.do) {
      case 'memslot':
        return this.#set(step);
      case 'delete-memslot':
        return this.#delete(step.slot);
      case 'get-dirty-log':
        return { event: { kind: 'get-dirty-log', slot: step.slot }, ...this.#logOf(step.slot) };
      case 'clear-dirty-log':
        return this.#clearLog(step);
      case 'manual-protect':
        return { event: { kind: 'manual-protect', initiallySet: step.initiallySet }, result: 'ok' };
      case 'discard':
        return this.#changeMemory({
          op: 'discard',
          slot: RAM_SLOT,
          first: gfnOf(step.gpa),
          pages: step.pages,
        });
      case 'host-memory':
        return this.#changeMemory(step);
    }
  }

  /** A slot that exists keeps its memory; one that was deleted and made again has other memory, or that of the slot that it names. */
  #set(step: MemslotStep): Taken {
    const { slot, gpa, pages: npages } = step;
    const memory = this.#memory.get(slot) ?? this.#memoryFor(step);
    if (memory === undefined) return refused(NOT_TAKEN, `there is no memslot ${step.memoryOf}`);
    const gfn = gfnOf(gpa);
    const flags = memslotFlags(step);
    const taken = this.#change({ kind: 'memslot', slot, gfn, npages, flags, ...behind(gfn, memory) });
    if (taken.result === 'ok') this.#memory.set(slot, memory);
    return taken;
  }

  #memoryFor({ backing, offset = 0, pages, memoryOf }: MemslotStep): SlotMemory | undefined {
    if (memoryOf === undefined) return { id: ++this.#made, backing, offset, pages: offset + pages };
    const other = this.#memory.get(memoryOf);
    return other && { ...other, offset };
  }

  #delete(slot: number): Taken {
    const taken = this.#change({ kind: 'memslot', slot, gfn: 0, npages: 0, flags: 0, backing: 'ram' });
    if (taken.result === 'ok') this.#memory.delete(slot);
    return taken;
  }

  #changeMemory({ op, slot, first, pages: npages }: Omit<HostMemoryStep, 'do'>): Taken {
    const memory = this.#memory.get(slot);
    if (memory === undefined) return refused(NOT_TAKEN, `there is no memslot ${slot}`);
    const change = { op, memory: memory.id, first: memory.offset + first, npages };
    this.host.change(change);
    return { event: { kind: 'host-memory', ...change } };
  }

  /** The log of a slot: there is one while it has the flag. */
  #logOf(slot: number): Pick<Taken, 'result' | 'why'> {
    const { flags } = this.slots.get(slot) ?? { flags: 0 };
    return (flags & KVM_MEM_LOG_DIRTY_PAGES) !== 0
      ? { result: 'ok' }
      : refused('ENOENT', `memslot ${slot} logs no writes`);
  }

  /** Whole words of the bitmap are cleared, but for the last. */
  #clearLog({ slot, first, pages }: Extract<DirtyLogStep, { do: 'clear-dirty-log' }>): Taken {
    const event: ModelEvent = { kind: 'clear-dirty-log', slot, first, npages: pages };
    const log = this.#logOf(slot);
    const left = (this.slots.get(slot)?.npages ?? 0) - first;
    const isSound =
      first % 64 === 0 && (log.result !== 'ok' || pages === left || (pages < left && pages % 64 === 0));
    return { event, ...(isSound ? log : refused('EINVAL', 'its pages are not whole words of the bitmap')) };
  }

  #change(event: MemslotEvent): Taken {
    const proposed = this.kernel.memslotFlag ? KVM_MEM_NON_COHERENT_DMA : 0;
    const change = classifyChange(this.slots, event, KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY | proposed);
    if (change.kind === 'refused')
      return { event, ...refused(change.errno, `memslot ${event.slot} ${this.#fault(event, change.errno)}`) };
    if (change.kind === 'delete') this.slots.delete(event.slot);
    else this.slots.set(event.slot, change.slot);
    return { event, result: 'ok' };
  }

  /** What is wrong with a slot that KVM refuses. */
  #fault({ slot, npages }: MemslotEvent, errno: 'EINVAL' | 'EEXIST'): string {
    if (errno === 'EEXIST') return 'overlaps another one';
    if (this.slots.has(slot)) return 'exists with other pages or flags';
    return npages === 0 ? 'does not exist' : 'has a flag that the kernel does not know';
  }
}
