import { decodeLeaf } from '../observe/spte.js';
import type { VmEvent, VmTrace } from '../observe/vm-events.js';
import type { HostFacts } from './registers.js';
import { Story } from './story.js';
import { WatchedVm, type WatchNote } from './vm.js';

/** A note, and of which VM. */
export interface VmNote extends WatchNote {
  /** Number of the VM, from 1 in the order in which they were seen. */
  readonly vm: number;
}

/** What a monitor's own threads alone do. */
const TELLING: ReadonlySet<VmEvent['kind']> = new Set([
  'create',
  'load',
  'dma',
  'quirks',
  'msr',
  'cr0',
  'decide',
]);

/** Shares events out to the VMs of one monitor; those of others are dropped. */
export class Watcher {
  readonly #vms = new Map<string, WatchedVm>();
  readonly #others = new Set<string>();
  /** The VM for which a thread last did something: some events do not tell their own. */
  readonly #ofThread = new Map<number, WatchedVm>();
  readonly #ended: WatchedVm[] = [];
  readonly #seen: string[] = [];
  /** Events that the kernel dropped. */
  lost = 0;
  /** VMs of which alone the kernel tells; of all if there are none. */
  #narrowedTo: readonly string[] = [];
  #first: number | undefined;
  #last = 0;
  #hasGap = false;

  /**
   * @param isOurs whether a thread of the host is one of the monitor's
   * @param fromStart whether the monitor had no VM when watching began
   * @param stories whether to keep what each VM did, which grows as long as it runs
   */
  constructor(
    readonly host: HostFacts,
    readonly isOurs: (tid: number, kvm: string) => boolean,
    readonly fromStart: boolean,
    readonly stories = false,
  ) {}

  /** VMs that there are or were, in the order in which they were seen. */
  get vms(): readonly WatchedVm[] {
    return [...this.#ended, ...this.#vms.values()];
  }

  /** Addresses of the VMs that there are. */
  get kvms(): string[] {
    return [...this.#vms.keys()];
  }

  /**
   * Take a look. The kernel tells of what it dropped on one processor when it tells of what came after that there, and events of others are
   * ahead by then: if some were dropped, nothing is known for sure of the whole look.
   */
  take({ events, lost }: VmTrace): void {
    this.lost += lost;
    this.#hasGap = lost > 0;
    if (this.#hasGap) this.#loseTrack();
    for (const event of events) this.#take(event);
    this.#first ??= events[0]?.at;
    this.#last = events.at(-1)?.at ?? this.#last;
  }

  /** Microseconds from the first event to the last. */
  get us(): number {
    return this.#first === undefined ? 0 : this.#last - this.#first;
  }

  /** Addresses of all VMs that were seen; one may stand there twice. */
  get seen(): readonly string[] {
    return this.#seen;
  }

  takeNotes(): VmNote[] {
    return this.vms.flatMap((vm, i) => vm.takeNotes().map((note) => ({ ...note, vm: i + 1 })));
  }

  /**
   * A change does not tell its VM. That of a fault is told by the thread, and so is that of what has no leaf to go by; a leaf that goes, on
   * whatever thread, is known by its place and its frame.
   */
  #vmOfChange(event: Extract<VmEvent, { kind: 'change' }>): WatchedVm | undefined {
    const ofThread = this.#ofThread.get(event.tid);
    if (event.smm || ofThread?.expects(event)) return ofThread;
    const holder = [...this.#vms.values()].find((vm) => vm.leaves.holds(event));
    return holder ?? (decodeLeaf(event.new, event.level) === undefined ? undefined : ofThread);
  }

  #take(event: VmEvent): void {
    if (event.kind === 'only') {
      this.#narrow(event.kvms);
      return;
    }
    if (event.kind === 'change') {
      this.#vmOfChange(event)?.apply(event);
      return;
    }
    if (!('kvm' in event)) {
      this.#ofThread.get(event.tid)?.apply(event);
      return;
    }
    const vm = this.#vmOf(event);
    if (vm === undefined) {
      this.#ofThread.delete(event.tid);
      return;
    }
    this.#ofThread.set(event.tid, vm);
    vm.apply(event);
    if (event.kind === 'destroy') this.#end(event.kvm, vm);
  }

  /** What was dropped may have been of any VM, and of any thread. */
  #loseTrack(): void {
    this.#ofThread.clear();
    this.#others.clear();
    for (const vm of this.#vms.values()) vm.loseTrack('lost');
  }

  /** Of a VM that came just before, and that is not among those of which the kernel tells, nothing more is seen. */
  #narrow(kvms: readonly string[]): void {
    this.#narrowedTo = kvms;
    if (kvms.length === 0) return;
    for (const [kvm, vm] of this.#vms) if (!kvms.includes(kvm)) vm.loseTrack('untold');
  }

  /** Of what a VM did before it had a vCPU nothing is told while the kernel tells of others alone. */
  #isFromStart(event: VmEvent): boolean {
    const isNew = event.kind === 'create' && event.vcpu === 0;
    return this.#narrowedTo.length === 0 && (this.fromStart || isNew);
  }

  #vmOf(event: Extract<VmEvent, { kvm: string }>): WatchedVm | undefined {
    const { kvm, kind, tid } = event;
    const known = this.#vms.get(kvm);
    if (known !== undefined) return known;
    if (this.#others.has(kvm)) {
      if (kind === 'destroy') this.#others.delete(kvm); // Another VM may be put there.
      return undefined;
    }
    // What threads of the kernel may do for a VM does not tell whose it is.
    if (!TELLING.has(kind)) return undefined;
    if (!this.isOurs(tid, kvm)) {
      this.#others.add(kvm);
      return undefined;
    }
    const vm = new WatchedVm(this.host, this.#isFromStart(event), this.stories ? new Story() : undefined);
    if (this.#hasGap) vm.loseTrack('lost');
    this.#vms.set(kvm, vm);
    this.#seen.push(kvm);
    return vm;
  }

  #end(kvm: string, vm: WatchedVm): void {
    this.#vms.delete(kvm);
    this.#ended.push(vm);
    for (const [tid, of] of this.#ofThread) if (of === vm) this.#ofThread.delete(tid);
  }
}
