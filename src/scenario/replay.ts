import { KVM_MEM_LOG_DIRTY_PAGES, KVM_MEM_READONLY } from '../arch/kvm-flags.js';
import { KVM_MEM_NON_COHERENT_DMA, RAM_SLOT } from '../arch/memslots.js';
import { gfnOf, PAGE_SIZE, pagesOf } from '../arch/units.js';
import type { ModelEvent } from '../memtype/index.js';
import type { MemslotEvent } from '../memtype/model/events.js';
import { classifyChange, type SlotState } from '../memtype/model/memslots.js';
import { cr0With, memslotFlags, QUIRK_BITS } from './bits.js';
import { MsrRoutes } from './msr-routes.js';
import { NestedMappings } from './nested.js';
import {
  type Actor,
  GUEST_BASE,
  type IoctlResult,
  type MemslotStep,
  type MsrOp,
  type NestedAccessStep,
  NOT_TAKEN,
  type NoncoherentStep,
  RAM_SIZE,
  type Scenario,
  type Step,
  type VirtioStep,
} from './types.js';

/** What of a kernel decides which steps it refuses; every policy says it. */
export interface KernelFeatures {
  readonly virtioDevice: boolean;
  readonly memslotFlag: boolean;
}

/** What a step does. */
export interface Taken {
  /** The step as the model sees it; absent for one that changes nothing there. */
  event?: ModelEvent;
  /** The VMM answers the guest's MSR accesses of what it keeps to itself, so that KVM never hears of a write. */
  dropped?: true;
  /** What the step's ioctl gives; absent for a step without one. */
  result?: IoctlResult | typeof NOT_TAKEN;
  /** Why that is not `ok`. */
  why?: string;
  /** Of steps at the same time: what each does. */
  parts?: readonly Taken[];
}

/** KVM_DEV_VIRTIO_NONCOHERENT and KVM_DEV_VIRTIO_NONCOHERENT_SET. */
const VIRTIO_GROUP = 1;
const VIRTIO_ATTR = 1;

const RAM = {
  kind: 'memslot',
  slot: RAM_SLOT,
  gfn: 0,
  npages: RAM_SIZE / PAGE_SIZE,
  backing: 'ram',
  flags: 0,
} as const satisfies MemslotEvent;

const refused = (result: IoctlResult | typeof NOT_TAKEN, why: string): Taken => ({ result, why });

/** What a slot keeps as long as it is there. */
type SlotMemory = Pick<MemslotStep, 'backing' | 'offset'>;

/** Memory in huge pages: a leaf maps one whole, so a slot must lie as its memory does (kvm_alloc_memslot_metadata()). */
function hugeLevels(gfn: number, offset: number): Pick<SlotState, 'hostLevel' | 'sureLevel'> {
  const level = (gfn - offset) % pagesOf(2) === 0 ? 2 : 1;
  return { hostLevel: level, sureLevel: level };
}

/** Memory of a slot at a frame, as the model sees it; ordinary memory may be in pages of any size. */
const memoryAt = (
  gfn: number,
  { backing, offset = 0 }: SlotMemory,
): Pick<SlotState, 'backing' | 'hostLevel' | 'sureLevel'> => ({
  backing: backing === 'pci-bar' ? 'mmio' : 'ram',
  ...(backing === 'huge-ram' ? hugeLevels(gfn, offset) : { hostLevel: 3, sureLevel: 1 }),
});

const ramOf = ({ hugeRam }: Scenario): SlotState => ({
  ...RAM,
  ...memoryAt(RAM.gfn, { backing: hugeRam ? 'huge-ram' : 'ram' }),
});

/**
 * Takes the steps of one scenario on a kernel with given features, one after the other, and tells what each does: devices
 * and memslots come, change and go by KVM's rules, whatever the scenario's author expects.
 */
export class Replay {
  /** What the model must know of the VM before its first step. */
  readonly start: readonly ModelEvent[];
  readonly #slots = new Map<number, SlotState>();
  readonly #memory = new Map<number, SlotMemory>();
  /** Virtio devices that are open, and whether KVM counts them. */
  readonly #virtio = new Map<string, boolean>();
  readonly #attached: NoncoherentStep[] = [];
  readonly #nested: NestedMappings;

  /** What KVM does with the guest's MSR accesses. */
  readonly routes: MsrRoutes;

  constructor(
    readonly scenario: Scenario,
    readonly kernel: KernelFeatures,
  ) {
    const vcpus = Array.from({ length: scenario.vcpus }, (_, vcpu): ModelEvent[] => [
      { kind: 'cpuid', vcpu, maxphyaddr: scenario.maxphyaddr, mtrr: scenario.guestMtrr },
      { kind: 'cr0', vcpu, value: cr0With(scenario.startCd), by: 'host' },
    ]);
    this.routes = new MsrRoutes(scenario.msrMode);
    this.#nested = new NestedMappings(scenario.steps);
    const ram = ramOf(scenario);
    this.start = [{ kind: 'memslot', ...ram }, ...vcpus.flat()];
    this.#slots.set(RAM_SLOT, ram);
  }

  /** The memslot that holds an address now. */
  slotAt(gpa: bigint): SlotState | undefined {
    const gfn = gfnOf(gpa);
    return [...this.#slots.values()].find((slot) => gfn >= slot.gfn && gfn < slot.gfn + slot.npages);
  }

  /** The memslots that there are now. */
  get slots(): ReadonlyMap<number, SlotState> {
    return this.#slots;
  }

  /** The devices that are attached now, in order. */
  get attached(): readonly NoncoherentStep[] {
    return this.#attached;
  }

  /** Whether a write to an MTRR zaps under some policy: the guest's own pages would go with it. */
  get mayZapByMtrr(): boolean {
    const flagged = [...this.#slots.values()].some(({ flags }) => (flags & KVM_MEM_NON_COHERENT_DMA) !== 0);
    return this.#attached.length > 0 || [...this.#virtio.values()].includes(true) || flagged;
  }

  /** Take the next step. */
  next(step: Step): Taken {
    switch (step.do) {
      case 'wrmsr':
        return this.#msrs(step, [{ msr: step.msr, value: step.value }]);
      case 'rdmsr':
        return this.#msrs(step, [{ msr: step.msr }]);
      case 'msrs':
        return this.#msrs(step, step.ops);
      case 'msr-filter': {
        const why = this.routes.setFilter(step);
        return why === undefined ? { result: 'ok' } : refused('EINVAL', why);
      }
      case 'msr-exits':
        this.routes.ask(step.reasons);
        return {};
      case 'access':
        return { event: { kind: 'access', vcpu: step.vcpu, gfn: gfnOf(step.gpa), access: step.access } };
      case 'nested-access':
        return { event: this.#nestedAccess(step) };
      // An INIT changes nothing that types depend on: MTRRs, PAT, CR0.CD and NW stay (SDM, "IA-32 and Intel 64 Processor States").
      case 'init':
      case 'invept':
        return {};
      case 'cd':
        return { event: { kind: 'cr0', vcpu: step.vcpu, value: cr0With(step.on), by: step.by } };
      case 'noncoherent':
        return step.on ? this.#attach(step) : this.#detach(step);
      case 'virtio':
        return this.#virtioStep(step);
      case 'disable-quirk':
        return { event: { kind: 'disable-quirks', mask: QUIRK_BITS[step.quirk] } };
      case 'memslot':
        return this.#setSlot(step);
      case 'delete-memslot':
        return this.#deleteSlot(step.slot);
      case 'get-dirty-log':
        return { event: { kind: 'get-dirty-log', slot: step.slot }, ...this.#logOf(step.slot) };
      case 'clear-dirty-log':
        return this.#clearLog(step);
      case 'manual-protect':
        return { event: { kind: 'manual-protect', initiallySet: step.initiallySet }, result: 'ok' };
      case 'discard':
        return { event: { kind: 'discard', gfn: gfnOf(step.gpa), npages: step.pages } };
      case 'together':
        return { parts: step.steps.map((part) => this.next(part)) };
      case 'ask':
        return {};
    }
  }

  #msrs({ vcpu, by }: { vcpu: number; by: Actor }, ops: readonly MsrOp[]): Taken {
    const routed = by === 'guest' ? ops.map((op) => this.routes.routed(op)) : ops;
    const event = { kind: 'msrs', vcpu, ops: routed, by } as const;
    return by === 'guest' && this.scenario.msrMode === 'filter-drop' ? { event, dropped: true } : { event };
  }

  /** L2's fetch of its own code, and its access. */
  #nestedAccess(step: NestedAccessStep): ModelEvent {
    const { id, gfn, level } = this.#nested.of(step);
    const code = { mapping: 0, gfn: GUEST_BASE / PAGE_SIZE, level: 1 } as const;
    return { kind: 'nested-access', vcpu: step.vcpu, pages: [code, { mapping: id, gfn, level }] };
  }

  #attach(step: NoncoherentStep): Taken {
    const virtio = step.via === 'virtio-device';
    const event: ModelEvent = { kind: 'noncoherent', delta: 1, ...(virtio ? { via: 'virtio' } : {}) };
    if (virtio && !this.kernel.virtioDevice) return { event, ...this.#noVirtio() };
    this.#attached.push(step);
    return { event, result: 'ok' };
  }

  #detach({ device }: NoncoherentStep): Taken {
    const at = this.#attached.findLastIndex((one) => device === undefined || one.device === device);
    if (at < 0) return refused(NOT_TAKEN, `no device ${device ?? 'at all'} is attached`);
    this.#attached.splice(at, 1);
    return { event: { kind: 'noncoherent', delta: -1 }, result: 'ok' };
  }

  #noVirtio(): Taken {
    return refused('ENODEV', 'the kernel has no KVM_DEV_TYPE_VIRTIO');
  }

  #virtioStep(step: VirtioStep): Taken {
    if (step.op === 'create-test') return this.kernel.virtioDevice ? { result: 'ok' } : this.#noVirtio();
    if (step.op === 'create') return this.#createVirtio(step);
    const counted = this.#virtio.get(step.device);
    if (counted === undefined) return refused(NOT_TAKEN, `there is no virtio device ${step.device}`);
    if (step.op === 'close') return this.#closeVirtio(step.device, counted);
    if (step.group !== VIRTIO_GROUP || step.attr !== VIRTIO_ATTR)
      return refused('ENXIO', `the device has no attribute ${step.attr} in a group ${step.group}`);
    if (step.op === 'has-attr' || counted) return { result: 'ok' };
    this.#virtio.set(step.device, true);
    return { event: { kind: 'noncoherent', delta: 1, via: 'virtio' }, result: 'ok' };
  }

  #createVirtio({ device }: VirtioStep): Taken {
    if (this.#virtio.has(device)) return refused(NOT_TAKEN, `there is a virtio device ${device} already`);
    if (!this.kernel.virtioDevice) return this.#noVirtio();
    this.#virtio.set(device, false);
    return { result: 'ok' };
  }

  #closeVirtio(device: string, counted: boolean): Taken {
    this.#virtio.delete(device);
    return counted
      ? { event: { kind: 'noncoherent', delta: -1, via: 'virtio' }, result: 'ok' }
      : { result: 'ok' };
  }

  /** A slot that exists keeps its memory; one that was deleted and made again has other memory. */
  #setSlot(step: MemslotStep): Taken {
    const { slot, gpa, pages: npages } = step;
    const memory = this.#memory.get(slot) ?? step;
    const gfn = gfnOf(gpa);
    const flags = memslotFlags(step);
    const taken = this.#changeSlot({ kind: 'memslot', slot, gfn, npages, flags, ...memoryAt(gfn, memory) });
    if (taken.result === 'ok') this.#memory.set(slot, memory);
    return taken;
  }

  #deleteSlot(slot: number): Taken {
    const taken = this.#changeSlot({ ...RAM, slot, npages: 0 });
    if (taken.result === 'ok') this.#memory.delete(slot);
    return taken;
  }

  /** The log of a slot: there is one while it has the flag. */
  #logOf(slot: number): Pick<Taken, 'result' | 'why'> {
    const { flags } = this.#slots.get(slot) ?? { flags: 0 };
    return (flags & KVM_MEM_LOG_DIRTY_PAGES) !== 0
      ? { result: 'ok' }
      : refused('ENOENT', `memslot ${slot} logs no writes`);
  }

  /** Whole words of the bitmap are cleared, but for the last. */
  #clearLog({ slot, first, pages }: Extract<Step, { do: 'clear-dirty-log' }>): Taken {
    const event: ModelEvent = { kind: 'clear-dirty-log', slot, first, npages: pages };
    const log = this.#logOf(slot);
    const left = (this.#slots.get(slot)?.npages ?? 0) - first;
    const isSound =
      first % 64 === 0 && (log.result !== 'ok' || pages === left || (pages < left && pages % 64 === 0));
    return { event, ...(isSound ? log : refused('EINVAL', 'its pages are not whole words of the bitmap')) };
  }

  #changeSlot(event: MemslotEvent): Taken {
    const proposed = this.kernel.memslotFlag ? KVM_MEM_NON_COHERENT_DMA : 0;
    const change = classifyChange(this.#slots, event, KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY | proposed);
    if (change.kind === 'refused')
      return { event, ...refused(change.errno, `memslot ${event.slot} ${this.#fault(event, change.errno)}`) };
    if (change.kind === 'delete') this.#slots.delete(event.slot);
    else this.#slots.set(event.slot, change.slot);
    return { event, result: 'ok' };
  }

  /** What is wrong with a slot that KVM refuses. */
  #fault({ slot, npages }: MemslotEvent, errno: 'EINVAL' | 'EEXIST'): string {
    if (errno === 'EEXIST') return 'overlaps another one';
    if (this.#slots.has(slot)) return 'exists with other pages or flags';
    return npages === 0 ? 'does not exist' : 'has a flag that the kernel does not know';
  }
}
