import { PAGE_SIZE, pagesOf } from '../../arch/units.js';
import type { HostAccess } from '../../memtype/model/host-pages.js';
import { RAM_MEMORY, type SlotMemory } from '../slot-replay.js';
import { GUEST_BASE, type HostMemoryStep, type MemslotStep, type Need } from '../types.js';
import type { StepRule } from './step-rule.js';

/** What the machine must have for the memory of a slot. */
export const BACKING_NEEDS: Readonly<Record<MemslotStep['backing'], readonly Need[]>> = {
  ram: [],
  'huge-ram': ['huge-pages'],
  'gib-ram': ['gib-pages'],
  'pci-bar': ['pci-bar'],
};

/** Pages of guest RAM below the guest. */
const FREE_RAM = GUEST_BASE / PAGE_SIZE;

/** Pages that steps may name of a piece of memory. */
const usable = ({ id, pages }: SlotMemory): number => (id === RAM_MEMORY ? FREE_RAM : pages);

function sharingFault({ backing, offset = 0, pages }: MemslotStep, memory: SlotMemory): string | undefined {
  if (memory.backing !== backing) return `the memory of that memslot is ${memory.backing}`;
  const most = usable(memory);
  return offset + pages > most ? `only ${most} pages of that memory can be had` : undefined;
}

/** Pages of the one page of 1 GiB. */
const GIB_PAGES = pagesOf(3);

/** There is one page of 1 GiB: a second slot of it names the first. */
export const wrongGib: StepRule = (step, { replay }) => {
  if (step.do !== 'memslot' || step.backing !== 'gib-ram') return undefined;
  if (step.pages + (step.offset ?? 0) > GIB_PAGES) return 'it is larger than the one page of 1 GiB';
  if (step.memoryOf !== undefined || replay.slots.has(step.slot)) return undefined;
  const other = [...replay.slots.keys()].find((slot) => replay.memoryOf(slot)?.backing === 'gib-ram');
  return other === undefined ? undefined : `memslot ${other} has the one page of 1 GiB: take memoryOf`;
};

/** A new slot takes the memory of another one that is there, and large enough. */
export const wrongSharing: StepRule = (step, { replay }) => {
  if (step.do !== 'memslot' || step.memoryOf === undefined) return undefined;
  if (replay.slots.has(step.slot)) return 'a memslot that exists keeps its memory';
  const memory = replay.memoryOf(step.memoryOf);
  return memory && sharingFault(step, memory);
};

function hugeFault({ op, first, pages }: HostMemoryStep, { offset }: SlotMemory): string | undefined {
  if (op !== 'unmap') return 'memory in huge pages would come back in small ones';
  const isWhole = (offset + first) % pagesOf(2) === 0 && pages % pagesOf(2) === 0;
  return isWhole ? undefined : 'only whole huge pages are unmapped';
}

/** What a page allows before mprotect changes that; else mprotect_fixup() does nothing. */
const CHANGED_FROM: Partial<Record<HostMemoryStep['op'], HostAccess>> = {
  protect: 'write',
  unprotect: 'read',
};

/** What the host does to memory must be known to the model, and leave guest RAM as it is for the scenarios that follow. */
export const wrongHostMemory: StepRule = (step, { replay }) => {
  if (step.do !== 'host-memory') return undefined;
  const memory = replay.memoryOf(step.slot);
  if (memory === undefined) return undefined; // the step is not taken then
  if (memory.backing === 'pci-bar') return 'it is no memory of the host’s';
  if (memory.backing === 'gib-ram') return 'the page of 1 GiB is that of other scenarios too';
  if (memory.id === RAM_MEMORY && step.op !== 'discard') return 'guest RAM is only discarded';
  const left = usable(memory) - memory.offset;
  if (step.first + step.pages > left) return `only ${left} pages of its memory are there to change`;
  if (memory.backing === 'huge-ram')
    return replay.wasFetched(memory.id)
      ? 'code was put into it from the host, whose buffer over it stays'
      : hugeFault(step, memory);
  const pages = Array.from({ length: step.pages }, (_, i) => memory.offset + step.first + i);
  const isUnmapped = pages.some((page) => replay.pageAccess(memory.id, page) === 'none');
  if (isUnmapped) return 'the host has unmapped a part of it';
  const before = CHANGED_FROM[step.op];
  const isVain = before !== undefined && pages.some((page) => replay.pageAccess(memory.id, page) !== before);
  return isVain ? 'mprotect changes nothing of a part of it, and KVM is not told of that' : undefined;
};

/** KVM_RUN fails where the guest may not do what it does: the machine of a scenario does not outlive that. */
export const deniedAccess: StepRule = (step, { replay }) => {
  if (step.do === 'pre-fault') {
    const gpas = Array.from({ length: step.pages }, (_, i) => step.gpa + BigInt(i * PAGE_SIZE));
    const isDenied = gpas.some((gpa) => replay.hostAccess(gpa) === 'none');
    return isDenied ? 'the host has unmapped a page of it' : undefined;
  }
  if (step.do !== 'access' && step.do !== 'nested-access') return undefined;
  const access = replay.hostAccess(step.gpa);
  if (access === 'none') return 'the host has unmapped this page';
  return access === 'read' && step.access !== 'read' ? 'the host lets this page only be read' : undefined;
};
