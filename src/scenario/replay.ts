import { KVM_MEM_NON_COHERENT_DMA } from '../arch/memslots.js';
import { gfnOf, PAGE_SIZE } from '../arch/units.js';
import type { ModelEvent } from '../memtype/index.js';
import type { HostAccess } from '../memtype/model/host-pages.js';
import type { SlotState } from '../memtype/model/memslots.js';
import { cr0With, quirkMask, savedMsrs } from './bits.js';
import { MsrRoutes } from './msr-routes.js';
import { NestedMappings } from './nested.js';
import { type SlotMemory, SlotReplay } from './slot-replay.js';
import { type KernelFeatures, refused, type Taken } from './taken.js';
import {
  type Actor,
  GUEST_BASE,
  type MsrOp,
  type NestedAccessStep,
  NOT_TAKEN,
  type NoncoherentStep,
  type PreFaultStep,
  type Scenario,
  type Step,
  type VirtioStep,
} from './types.js';

export type { KernelFeatures, Taken } from './taken.js';

/** KVM_DEV_VIRTIO_NONCOHERENT and KVM_DEV_VIRTIO_NONCOHERENT_SET. */
const VIRTIO_GROUP = 1;
const VIRTIO_ATTR = 1;

/**
 * Takes the steps of one scenario on a kernel with given features, one after the other, and tells what each does: devices
 * and memslots come, change and go by KVM's rules, whatever the scenario's author expects.
 */
export class Replay {
  /** What the model must know of the VM before its first step. */
  readonly start: readonly ModelEvent[];
  readonly #memory: SlotReplay;
  /** Virtio devices that are open, and whether KVM counts them. */
  readonly #virtio = new Map<string, boolean>();
  readonly #attached: NoncoherentStep[] = [];
  /** KVM's VFIO device was closed, and goes on. */
  #lingers = false;
  readonly #nested: NestedMappings;
  /** Memory that was fetched from. */
  readonly #fetched = new Set<number | undefined>();

  /** What KVM does with the guest's MSR accesses. */
  readonly routes: MsrRoutes;

  /** A scenario before its first step; `start` has what sets the guest up. */
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
    this.#memory = new SlotReplay(scenario, kernel);
    this.start = [this.#memory.ram, ...vcpus.flat()];
  }

  /** The memslot that holds an address now. */
  slotAt(gpa: bigint): SlotState | undefined {
    const gfn = gfnOf(gpa);
    return [...this.slots.values()].find((slot) => gfn >= slot.gfn && gfn < slot.gfn + slot.npages);
  }

  /** The memslots that there are now. */
  get slots(): ReadonlyMap<number, SlotState> {
    return this.#memory.slots;
  }

  /** What the host lets a guest do with the page at an address. */
  hostAccess(gpa: bigint): HostAccess {
    const slot = this.slotAt(gpa);
    return slot === undefined ? 'write' : this.pageAccess(slot.memory, slot.offset + gfnOf(gpa) - slot.gfn);
  }

  /** What it lets a guest do with a page of a piece of memory. */
  pageAccess(memory: number, page: number): HostAccess {
    return this.#memory.host.accessOf(memory, page);
  }

  /** The memory of a memslot. */
  memoryOf(slot: number): SlotMemory | undefined {
    return this.#memory.of(slot);
  }

  /** Whether the guest has run code in a piece of memory, which the host writes there (Probe.exec()). */
  wasFetched(memory: number): boolean {
    return this.#fetched.has(memory);
  }

  /** The devices that are attached now, in order. */
  get attached(): readonly NoncoherentStep[] {
    return this.#attached;
  }

  /** Whether a write to an MTRR zaps under some policy: the guest's own pages would go with it. */
  get mayZapByMtrr(): boolean {
    const flagged = [...this.slots.values()].some(({ flags }) => (flags & KVM_MEM_NON_COHERENT_DMA) !== 0);
    return this.#attached.length > 0 || this.#lingers || [...this.#virtio.values()].includes(true) || flagged;
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
      case 'restore':
        return { event: { kind: 'restore', vcpu: step.vcpu, from: step.from, msrs: savedMsrs(step) } };
      case 'msr-filter': {
        const why = this.routes.setFilter(step);
        return why === undefined ? { result: 'ok' } : refused('EINVAL', why);
      }
      case 'msr-exits':
        this.routes.ask(step.reasons);
        return {};
      case 'access':
        if (step.access === 'fetch') this.#fetched.add(this.slotAt(step.gpa)?.memory);
        return { event: { kind: 'access', vcpu: step.vcpu, gfn: gfnOf(step.gpa), access: step.access } };
      case 'nested-access':
        return { event: this.#nestedAccess(step) };
      // INIT and SIPI change nothing that types depend on: MTRRs, PAT, CR0.CD and NW stay (SDM, "IA-32 and Intel 64 Processor States
      // Following Power-up, Reset, or INIT"; kvm_vcpu_reset(), kvm_vcpu_deliver_sipi_vector()).
      case 'init':
        return { event: { kind: 'run', vcpus: [step.vcpu, step.from ?? step.vcpu] } };
      case 'invept':
        return { event: { kind: 'run', vcpus: [step.vcpu] } };
      case 'cd':
        return { event: { kind: 'cr0', vcpu: step.vcpu, value: cr0With(step.on, step.nw), by: step.by } };
      case 'noncoherent':
        return step.on ? this.#attach(step) : this.#detach(step);
      case 'virtio':
        return this.#virtioStep(step);
      case 'disable-quirk':
        return {
          event: {
            kind: 'disable-quirks',
            mask: quirkMask(step.quirk),
            cap: step.old ? 'quirks' : 'quirks2',
          },
        };
      case 'pre-fault':
        return this.#preFault(step);
      case 'memslot':
      case 'delete-memslot':
      case 'get-dirty-log':
      case 'clear-dirty-log':
      case 'manual-protect':
      case 'discard':
      case 'host-memory':
        return this.#memory.next(step);
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

  /** It succeeds once it has mapped a page. */
  #preFault({ vcpu, gpa, pages: npages }: PreFaultStep): Taken {
    const event: ModelEvent = { kind: 'pre-fault', vcpu, gfn: gfnOf(gpa), npages };
    if (this.slotAt(gpa) === undefined) return { event, ...refused('ENOENT', 'no memslot is there') };
    return { event, result: 'ok' };
  }

  #attach(step: NoncoherentStep): Taken {
    if (step.again) return this.#attachAgain(step);
    const virtio = step.via === 'virtio-device';
    const event: ModelEvent = { kind: 'noncoherent', delta: 1, ...(virtio ? { via: 'virtio' } : {}) };
    if (virtio && !this.kernel.virtioDevice) return { event, ...this.#noVirtio() };
    if (!virtio && this.#lingers) return refused('EBUSY', 'the VM has a VFIO device still, which was closed');
    this.#attached.push(step);
    return { event, result: 'ok' };
  }

  /** kvm_vfio_file_add(), and kvm_vfio_group_add() before it. */
  #attachAgain({ device }: NoncoherentStep): Taken {
    const isThere = this.#attached.some((one) => one.device === device);
    if (!isThere) return refused(NOT_TAKEN, `no device ${device} is attached`);
    return refused('EEXIST', 'KVM has that VFIO file already');
  }

  /** kvm_vfio_release(), or kvm_vfio_destroy(), which only the end of the VM calls (kvm_destroy_devices()). */
  #detach({ device, close }: NoncoherentStep): Taken {
    const at = this.#attached.findLastIndex((one) => device === undefined || one.device === device);
    if (at < 0) return refused(NOT_TAKEN, `no device ${device ?? 'at all'} is attached`);
    this.#attached.splice(at, 1);
    this.#lingers ||= close === true && this.kernel.vfioEnds === 'vm';
    return { ...(this.#lingers ? {} : { event: { kind: 'noncoherent', delta: -1 } }), result: 'ok' };
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
}
