import { ALL_GFNS, type GfnRange, gpaOf } from '../../../arch/units.js';
import {
  checkedMsr,
  classifyMsr,
  type Decision,
  describeMsr,
  type Effect,
  type ErratumId,
  faultOf,
  type MsrWrite,
  MtrrState,
  missingMtrr,
  type Rule,
  refusals,
  type Situation,
  SlotMap,
  type VmModel,
} from '../../../memtype/index.js';
import { UsageError } from '../../errors.js';
import type { OfVcpu } from '../args.js';
import type { Guest } from '../guest.js';
import { TD_CD } from '../refusals/refused.js';
import { ept, hex } from '../text.js';
import { groupOf, groupsOf } from '../vcpus.js';
import { slotCalled, type ThenEvent } from './events.js';
import { countOf, cr0Of, situationIn, slotsOf, vmOf } from './vm.js';

/** One event, and what followed from it. */
export interface ThenRow {
  readonly what: string;
  readonly outcome: string;
  readonly why: readonly Rule[];
  readonly errata: readonly ErratumId[];
}

/** A leaf that is not what its own vCPU would make of the page now. */
export interface StaleLeaf {
  readonly gfn: number;
  readonly vcpu: number;
  readonly leaf: Decision;
  readonly fresh: Decision;
}

/** What followed from all events, and the guest as it is after them. */
export interface ThenResult {
  readonly rows: readonly ThenRow[];
  readonly stale: readonly StaleLeaf[];
  readonly guest: Guest;
}

/** What MTRRs a VMM loses that saves the MSRs which KVM names to it. */
const RESTORE: Rule = {
  text: 'a VMM that saves what KVM_GET_MSR_INDEX_LIST names brings back the PAT, and leaves all MTRRs 0: the list names none',
  source:
    'msrs_to_save_all[] (later msrs_to_save_base[]) and emulated_msrs_all[] of arch/x86/kvm/x86.c, 5.10 to 7.3',
};

const isAll = ({ start, end }: GfnRange): boolean => start === ALL_GFNS.start && end === ALL_GFNS.end;
const spanOf = ({ start, end }: GfnRange): string => `${hex(gpaOf(start))}-${hex(gpaOf(end) - 1n)}`;

/** What goes, in words. */
function zapText({ zapCalls, fastZap }: Effect): string {
  if (fastZap || zapCalls.some(isAll)) return 'zaps every leaf';
  const [range] = zapCalls;
  if (range === undefined) return 'zaps nothing';
  return range.end <= range.start ? 'zaps nothing: the range is empty' : `zaps ${spanOf(range)}`;
}

function row(what: string, outcome: string, effect?: Pick<Effect, 'why' | 'notes'>): ThenRow {
  return { what, outcome, why: effect?.why ?? [], errata: [...new Set(effect?.notes ?? [])] };
}

/** The events carried out one after another. */
class Run {
  private model: VmModel;
  private readonly gone = new Set<number>();

  constructor(private readonly before: Guest) {
    this.model = vmOf(before);
  }

  take({ vcpu = 0, value: event }: OfVcpu<ThenEvent>): ThenRow {
    groupOf(this.before.groups, vcpu);
    switch (event.kind) {
      case 'msr':
        return this.write(vcpu, event);
      case 'cd':
        return this.cacheDisable(vcpu, event.on);
      case 'touch':
        return this.touch(vcpu, event.gfn);
      case 'dma':
        return this.dma(event.on);
      case 'quirks':
        return this.quirks(event.mask);
      case 'delete':
        return this.remove(event.slot);
      case 'restore':
        return this.restore();
    }
  }

  private write(vcpu: number, write: MsrWrite): ThenRow {
    const { msr, value } = write;
    const { maxphyaddr } = this.before.situation;
    const what = `vCPU ${vcpu}: ${describeMsr(msr)} = ${hex(value)}`;
    const known = classifyMsr(msr);
    const fault = known === undefined ? missingMtrr(msr) : faultOf(known, value, maxphyaddr)?.reason;
    if (fault !== undefined) return row(what, `#GP(0): ${fault}`);
    checkedMsr(write, maxphyaddr);
    const effect = this.model.apply({ kind: 'wrmsr', vcpu, msr, value, by: 'guest' });
    return row(what, zapText(effect), effect);
  }

  private cacheDisable(vcpu: number, on: boolean): ThenRow {
    if (on && this.before.situation.vmType === 'tdx') throw new UsageError(`--then cd=on: ${TD_CD}`);
    const effect = this.model.apply({ kind: 'cr0', vcpu, value: cr0Of(on), by: 'guest' });
    return row(`vCPU ${vcpu}: CR0.CD=${on ? 1 : 0}`, zapText(effect), effect);
  }

  private touch(vcpu: number, gfn: number): ThenRow {
    const { maxphyaddr } = this.before.situation;
    if (gfn >= 2 ** (maxphyaddr - 12))
      throw new UsageError(
        `--then touch=${hex(gpaOf(gfn))} lies above the guest's ${maxphyaddr} address bits`,
      );
    const isPrivate = this.before.memory.slots?.at(gfn)?.backing.kind === 'guest-memfd';
    if (this.before.situation.vmType === 'tdx' && isPrivate)
      return row(`vCPU ${vcpu}: touch ${hex(gpaOf(gfn))}`, 'private: the TDX module maps it WB');
    const effect = this.model.apply({ kind: 'access', vcpu, gfn, access: 'read' });
    return row(`vCPU ${vcpu}: touch ${hex(gpaOf(gfn))}`, this.touchText(effect, gfn), {
      why: effect.made.at(-1)?.why.slice(-1) ?? [],
      notes: effect.notes,
    });
  }

  private touchText({ mmio, made: [made], stale }: Effect, gfn: number): string {
    if (mmio) return 'in no memslot: the VMM emulates it';
    if (made !== undefined) return `makes ${ept(made)}`;
    if (stale !== undefined) return `finds ${ept(stale.leaf)}: a fault now would make ${ept(stale.fresh)}`;
    const leaf = this.model.leafAt(gfn);
    return leaf === undefined ? 'no EPT: no leaf' : `finds ${ept(leaf)}`;
  }

  private dma(on: boolean): ThenRow {
    if (this.model.state.noncoherent > 0 === on)
      throw new UsageError(`--then dma=${on ? 'on' : 'off'}: so it is already`);
    const effect = this.model.apply({ kind: 'noncoherent', delta: on ? 1 : -1 });
    return row(`non-coherent DMA ${on ? 'comes' : 'goes'}`, zapText(effect), effect);
  }

  private quirks(mask: number): ThenRow {
    const { policy, situation } = this.before;
    const effect = this.model.apply({ kind: 'disable-quirks', mask });
    const asked = { disabledQuirks: mask, slotFlag: false, selfSnoop: situation.selfSnoop };
    const [refused] = refusals(policy, asked);
    const outcome = effect.refused === undefined ? zapText(effect) : `EINVAL: ${refused?.what}`;
    return row(`quirks ${hex(BigInt(mask))} disabled`, outcome, effect);
  }

  private remove(name: string): ThenRow {
    const slots = slotsOf(this.before);
    const slot = slotCalled(slots, name);
    if (this.gone.has(slot)) throw new UsageError(`--then delete=${name}: it is gone already`);
    this.gone.add(slot);
    const effect = this.deleteSlot(slot);
    const own = slots[slot] as GfnRange;
    return row(`memslot ${name} deleted`, effect.fastZap ? zapText(effect) : `zaps ${spanOf(own)}`, effect);
  }

  private deleteSlot(slot: number): Effect {
    return this.model.apply({ kind: 'memslot', slot, gfn: 0, npages: 0, backing: 'ram', flags: 0 });
  }

  private restore(): ThenRow {
    const now = this.after(0);
    const lost = (situation: Situation): Situation => ({ ...situation, mtrr: MtrrState.initial });
    const groups = groupsOf(countOf(now), (id) => lost(situationIn(this.model, this.before, id)));
    this.model = vmOf({ ...this.before, groups, situation: lost(now.situation) });
    for (const slot of this.gone) this.deleteSlot(slot);
    return row('restored from a snapshot', 'a new VM without leaves', { why: [RESTORE], notes: [] });
  }

  /** The guest as it is now, with this vCPU in question. */
  after(vcpu: number): Guest {
    const { before } = this;
    const groups = groupsOf(countOf(before), (id) => situationIn(this.model, before, id));
    const left = before.memory.slots?.slots.filter((_, slot) => !this.gone.has(slot));
    return {
      ...before,
      groups,
      situation: groupOf(groups, vcpu).situation,
      memory: { ...before.memory, slots: left && new SlotMap(left) },
    };
  }

  stale(): StaleLeaf[] {
    return this.model.leaves().flatMap((leaf) => {
      const fresh = this.model.expectedLeaf(leaf.vcpu, leaf.gfn);
      if (fresh === undefined || (fresh.type === leaf.type && fresh.ipat === leaf.ipat)) return [];
      return [{ gfn: leaf.gfn, vcpu: leaf.vcpu, leaf, fresh }];
    });
  }
}

/** Let events come over a guest, one after another; `vcpu` is the one that is asked about. */
export function runThen(guest: Guest, vcpu: number, events: readonly OfVcpu<ThenEvent>[]): ThenResult {
  const run = new Run(guest);
  const rows = events.map((event) => run.take(event));
  return { rows, stale: run.stale(), guest: run.after(vcpu) };
}
