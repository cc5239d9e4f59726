import { ALL_GFNS, type GfnRange } from '../arch/units.js';
import { type Decision, describeMsr, hex, type PageView, type Policy } from '../memtype/index.js';
import type { VmEvent } from '../observe/vm-events.js';
import { type Departure, departureText, show, type WatchedLeaf, WatchedLeaves } from './leaves.js';
import { type Epoch, type HostFacts, Registers, sameMtrrs } from './registers.js';
import type { Story } from './story.js';
import { clamped, type ExpectedZap, Zaps } from './zaps.js';

/** A change on one processor and a fault on another that come in so many microseconds may have met in either order. */
const MEETING_US = 100;

/** Something that happened, for people and programs. */
export interface WatchNote {
  /** Microseconds since the host started. */
  readonly at: number;
  readonly kind: 'msr' | 'cr0' | 'dma' | 'quirks' | 'zap' | 'drop' | 'wrong';
  readonly text: string;
  readonly vcpu?: number;
}

const pageOf = ({ gfn, mmio }: { gfn: number; mmio: boolean }): PageView => ({ gfn, mmio, slotFlags: 0 });
const MOST_WRONG = 100;

const leavesText = (n: number): string => (n === 1 ? '1 leaf' : `${n} leaves`);

type Of<K extends VmEvent['kind']> = Extract<VmEvent, { kind: K }>;

/** One VM as it is watched: its registers by the model, its leaves as they are seen, and where the two disagree. */
export class WatchedVm {
  readonly registers: Registers;
  readonly leaves = new WatchedLeaves();
  readonly zaps = new Zaps();
  readonly epochs: Epoch[] = [];
  #latest: Registers;
  /** Leaves as the model expects, those that it cannot tell of, and all others; the first of these one by one. */
  readonly verdict = { right: 0, untold: 0, wrong: 0, departures: [] as Departure[] };
  /** Leaves in the tables of system management mode, which are left out. */
  smm = 0;
  /** Whether the count of devices was read off a leaf, as what came before it was not seen. */
  inferred = false;
  /** Events were dropped that may have been of this VM: what is known of it is no more than of one that ran before. */
  lostTrack = false;
  #seesAll: boolean;
  readonly #faults = new Map<number, Of<'decide'>>();
  readonly #notes: WatchNote[] = [];
  #isOver = false;

  /**
   * @param fromStart watched from its first moment
   * @param story told of all that is done to leaves
   */
  constructor(
    host: HostFacts,
    readonly fromStart: boolean,
    readonly story?: Story,
  ) {
    this.#seesAll = fromStart;
    this.registers = new Registers(host);
    this.#latest = this.registers.snapshot();
  }

  get policy(): Policy {
    return this.registers.host.policy;
  }

  /** Take the notes made since the last call. */
  takeNotes(): WatchNote[] {
    return this.#notes.splice(0);
  }

  /** All that it did was seen, so that its registers are known. */
  get seesAll(): boolean {
    return this.#seesAll;
  }

  /** Take it that anything may have happened meanwhile: events were lost, or those of this VM were not told. */
  loseTrack(why: 'lost' | 'untold'): void {
    if (this.#isOver) return;
    this.lostTrack ||= why === 'lost';
    this.#seesAll = false;
    this.inferred = false;
    this.registers.forget();
    this.#latest = this.registers.snapshot();
    this.#faults.clear();
    this.leaves.forget();
    this.zaps.forget();
  }

  apply(event: VmEvent): void {
    if (this.#isOver) return;
    switch (event.kind) {
      case 'teardown':
        this.#isOver = true; // What it was like at its end is what counts.
        break;
      case 'create':
      case 'load':
        this.registers.vcpu(event.vcpu);
        break;
      case 'decide':
        this.#faults.set(event.tid, event);
        break;
      case 'change':
        this.#change(event);
        break;
      case 'msr':
        this.#msr(event);
        break;
      case 'cr0':
        this.#cr0(event);
        break;
      case 'dma':
        this.#dma(event);
        break;
      case 'quirks':
        this.#quirks(event);
        break;
      case 'zap':
        this.zaps.begin(event.tid, event.at, event);
        break;
      case 'zapped':
        this.#zapped(event);
        break;
      case 'zap-all':
        this.#drop(event);
        break;
    }
  }

  /** What a fault on this page would make now. */
  decide(leaf: WatchedLeaf, registers = this.registers): Decision {
    return this.policy.decide(registers, registers.vcpu(leaf.vcpu ?? 0), pageOf(leaf));
  }

  /** Whether the fault that a thread is at asks for this page. */
  expects({ tid, gfn }: Of<'change'>): boolean {
    return this.#faults.get(tid)?.gfn === gfn;
  }

  #change(event: Of<'change'>): void {
    if (event.smm) {
      this.smm++;
      return;
    }
    const fault = this.#faults.get(event.tid);
    const by = fault?.gfn === event.gfn ? fault : undefined;
    const { made, gone, ofOldTables } = this.leaves.change(event, this.epochs.length, by);
    if (gone !== undefined && !ofOldTables) {
      this.zaps.gone(event.tid, 1);
      if (made === undefined) this.story?.gone(gone);
    }
    if (made === undefined) return;
    if (by !== undefined) {
      this.#judge(event, made, by.vcpu);
      return;
    }
    this.verdict.untold++;
    this.story?.made(made);
  }

  #judge(event: Of<'change'>, leaf: WatchedLeaf, vcpu: number): void {
    this.#infer(leaf);
    if (!this.#isKnown(leaf)) {
      this.verdict.untold++;
      this.story?.made(leaf);
      return;
    }
    const expected = this.decide(leaf);
    this.story?.made(leaf, show(expected));
    const mayBe = [expected, ...this.#metBy(event).map((registers) => this.decide(leaf, registers))];
    if (mayBe.some(({ type, ipat }) => type === leaf.type && ipat === leaf.ipat)) {
      this.verdict.right++;
      return;
    }
    const { gfn, level } = leaf;
    const departure = {
      gfn,
      level,
      vcpu,
      expected: show(expected),
      seen: show(leaf),
      epoch: this.epochs.length,
    };
    this.verdict.wrong++;
    if (this.verdict.departures.length < MOST_WRONG) this.verdict.departures.push(departure);
    this.#note(event, 'wrong', departureText(departure), vcpu);
  }

  /** Registers that the fault may have found instead, as another thread was changing them. */
  #metBy({ at, tid }: Of<'change'>): Registers[] {
    return this.epochs
      .slice(-4)
      .filter((epoch) => epoch.tid !== tid && at - epoch.at <= MEETING_US)
      .map(({ before }) => before);
  }

  /**
   * Where not all was seen: only where there is non-coherent DMA has RAM IPAT 0, unless a quirk was disabled, whose effect is the same.
   * IPAT 1 says nothing for sure: the vCPU may have had CR0.CD=1.
   */
  #infer(leaf: WatchedLeaf): void {
    if (this.#seesAll || leaf.mmio) return;
    this.inferred = true;
    if (!leaf.ipat && this.registers.noncoherent === 0) this.registers.noncoherent = 1;
  }

  /** Whether the type of a page follows from what was seen: where that is not all, the registers of vCPUs are not known. */
  #isKnown(leaf: WatchedLeaf): boolean {
    return this.#seesAll || !this.registers.dependsOnVcpu(leaf.vcpu ?? 0, pageOf(leaf));
  }

  #msr(event: Of<'msr'>): void {
    const { vcpu: id, msr, value, byHost, tid } = event;
    const vcpu = this.registers.vcpu(id);
    const before = { mtrr: vcpu.mtrr, value: vcpu.readMsr(msr, this.policy.msrs) };
    const outcome = vcpu.writeMsr(msr, value, this.policy.msrs);
    const name = describeMsr(msr);
    const who = byHost ? `VMM for vCPU ${id}` : `vCPU ${id}`;
    const range =
      outcome?.ok && outcome.msr.kind !== 'pat'
        ? this.policy.zaps.mtrr(this.registers, vcpu, outcome.msr)
        : undefined;
    const cause = `${name}, by ${byHost ? 'the VMM for ' : ''}vCPU ${id}`;
    this.zaps.expect(tid, range && this.#zap(cause, true, clamped(range)));
    const isKnown = this.registers.noteWrite(id, msr) || this.#seesAll;
    const from = before.value === undefined || !isKnown ? '' : ` ${hex(before.value)} to`;
    const refused = outcome?.ok ? '' : ': refused';
    const text = `${who}: ${name}${from} ${hex(value)}${refused}`;
    // A monitor writes all registers at each reset: what changes nothing and zaps nothing is no news.
    if (!isKnown || before.value !== value || range !== undefined || refused !== '')
      this.#note(event, 'msr', text, id);
    if (!sameMtrrs(before.mtrr, vcpu.mtrr, value, before.value)) this.#epoch(event, text, 'mtrr');
  }

  #cr0(event: Of<'cr0'>): void {
    const vcpu = this.registers.vcpu(event.vcpu);
    const before = vcpu.cd;
    vcpu.cr0 = event.value;
    if (vcpu.cd === before) return;
    const text = `vCPU ${event.vcpu}: CR0.CD to ${vcpu.cd ? 1 : 0}`;
    if (this.policy.zaps.cr0(this.registers)) this.zaps.expect(event.tid, this.#zap(text, false));
    this.#note(event, 'cr0', text, event.vcpu);
    this.#epoch(event, text, 'cr0-guest');
  }

  #zap = (cause: string, must: boolean, range: GfnRange = ALL_GFNS): ExpectedZap => ({
    ...{ cause, range },
    must: must && this.#seesAll,
    epoch: this.epochs.length,
  });

  #dma(event: Of<'dma'>): void {
    const before = this.registers.noncoherent;
    const now = Math.max(0, before + event.delta);
    this.registers.noncoherent = now;
    const text = `non-coherent DMA ${event.delta > 0 ? 'comes' : 'goes'}: ${now} ${now === 1 ? 'device' : 'devices'}`;
    this.#note(event, 'dma', text);
    if (before > 0 === now > 0) return;
    const zaps = this.policy.zaps.noncoherent(this.registers);
    this.zaps.expect(event.tid, zaps ? this.#zap(text, true) : undefined);
    this.#epoch(event, text, 'noncoherent');
  }

  #quirks(event: Of<'quirks'>): void {
    const { quirks, update } = { quirks: this.registers.host.quirks, ...this.policy.quirks };
    if (event.cap === 'quirks2' && (event.mask & ~quirks) !== 0) return; // EINVAL
    const { registers } = this;
    const before = registers.disabledQuirks;
    registers.disabledQuirks = update === 'assign' ? event.mask : before | (event.mask & quirks);
    const text = `quirks disabled: 0x${registers.disabledQuirks.toString(16)}`;
    this.#note(event, 'quirks', text);
    if (before !== registers.disabledQuirks) this.#epoch(event, text, 'quirks');
  }

  #zapped(event: Of<'zapped'>): void {
    const call = this.zaps.end(event.tid, event.at);
    if (call === undefined) return;
    const { cause, leaves, us } = call;
    this.#note(event, 'zap', `zap of ${leavesText(leaves)} in ${us} µs: ${cause}`);
  }

  #drop(event: Of<'zap-all'>): void {
    for (const leaf of this.story ? this.leaves.all() : []) this.story?.gone(leaf);
    const leaves = this.leaves.drop();
    const cause = 'a memslot goes or moves';
    this.zaps.gone(event.tid, leaves, cause);
    this.#note(event, 'drop', `${leavesText(leaves)} dropped: ${cause}`);
  }

  #epoch({ at, tid }: VmEvent, text: string, cause: keyof Policy['stale']): void {
    const [before, after] = [this.#latest, this.registers.snapshot()];
    this.#latest = after;
    this.epochs.push({ ...{ at, tid, text, before, after }, erratum: this.policy.stale[cause] });
    this.story?.begin(text);
  }

  #note({ at }: VmEvent, kind: WatchNote['kind'], text: string, vcpu?: number): void {
    this.#notes.push({ at, kind, text, ...(vcpu !== undefined && { vcpu }) });
  }
}
