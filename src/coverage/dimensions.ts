import {
  KVM_MEM_LOG_DIRTY_PAGES,
  KVM_MEM_READONLY,
  KVM_X86_QUIRK_CD_NW_CLEARED,
  KVM_X86_QUIRK_IGNORE_GUEST_PAT,
} from '../arch/kvm-flags.js';
import { MIB } from '../arch/units.js';
import type { Policy, TypeSource } from '../memtype/index.js';
import type { Moment } from './moment.js';

/** One way in which the moments of guests differ. */
export interface Dimension {
  readonly name: string;
  /** Each value, and what it means. */
  readonly values: Readonly<Record<string, string>>;
  /** Read a moment's value off the state of the model. */
  readonly read: (moment: Moment) => string;
}

const SOURCES: Record<TypeSource | 'none', string> = {
  coherent: 'no DMA is non-coherent',
  device: 'the host says that the page is a device',
  cd: 'CR0.CD of the vCPU that faults',
  'mtrrs-off': 'MTRRs that are disabled',
  fixed: 'a fixed-range MTRR',
  variable: 'one variable range',
  overlap: 'several variable ranges',
  default: 'the default type of the MTRRs',
  dma: 'non-coherent DMA',
  'self-snoop': 'a CPU that snoops its own caches',
  quirk: 'IGNORE_GUEST_PAT is disabled',
  flag: 'the flag of the memslot',
  none: 'there is no leaf',
};

function pageOf({ slot, leaf }: Moment): string {
  if (slot === undefined) return 'hole';
  if (slot.backing === 'mmio') return 'device';
  if ((slot.flags & KVM_MEM_READONLY) !== 0) return 'read-only';
  if ((slot.flags & KVM_MEM_LOG_DIRTY_PAGES) !== 0) return 'logged';
  if (leaf !== undefined && leaf.level > 1) return 'large';
  return slot.hostLevel === 2 && slot.sureLevel === 2 ? 'small of large' : 'plain';
}

function placeOf({ step: { gpa } }: Moment): string {
  if (gpa < BigInt(MIB)) return 'first MiB';
  return gpa < 1n << 32n ? 'below 4 GiB' : 'from 4 GiB';
}

function cdOf({ vm, vcpu, hadCd }: Moment): string {
  if (vcpu.cd) return 'set';
  if (vm.vcpus.some(({ cd }) => cd)) return 'of another';
  return hadCd ? 'was set' : 'clear';
}

function quirksOf({ vm }: Moment, atCreation: number): string {
  const by = vm.disabledQuirks & ~atCreation;
  const cd = (by & KVM_X86_QUIRK_CD_NW_CLEARED) !== 0;
  const pat = (by & KVM_X86_QUIRK_IGNORE_GUEST_PAT) !== 0;
  if (cd && pat) return 'both off';
  return cd ? 'CD off' : pat ? 'PAT off' : 'as created';
}

function mtrrsOf({ vcpu: { mtrr } }: Moment): string {
  if (!mtrr.enabled) return 'off';
  return mtrr.fixedEnabled ? 'fixed too' : 'on';
}

/** All dimensions, as far as a kernel of this policy has values for them. */
export function dimensionsFor(policy: Policy): readonly Dimension[] {
  const { disabledAtCreation } = policy.quirks;
  return [
    { name: 'era', values: { [policy.era]: 'of the kernel' }, read: () => policy.era },
    {
      name: 'source',
      values: SOURCES,
      read: ({ leaf }) => leaf?.why.findLast(({ by }) => by !== undefined)?.by ?? 'none',
    },
    {
      name: 'page',
      values: {
        plain: 'RAM in pages of any size',
        large: 'a leaf of 2 MiB',
        'small of large': 'a leaf of 4 KiB, of memory in huge pages',
        'read-only': 'a read-only memslot',
        logged: 'a memslot whose writes are logged',
        device: 'a PCI BAR',
        hole: 'no memslot',
      },
      read: pageOf,
    },
    {
      name: 'place',
      values: { 'first MiB': '', 'below 4 GiB': '', 'from 4 GiB': '' },
      read: placeOf,
    },
    {
      name: 'guest',
      values: { L1: 'the guest', L2: 'the guest’s own guest' },
      read: ({ step }) => (step.do === 'access' ? 'L1' : 'L2'),
    },
    {
      name: 'DMA',
      values: {
        never: 'coherent all along',
        early: 'non-coherent before the first access',
        late: 'non-coherent since',
        gone: 'coherent again',
        again: 'non-coherent once more',
      },
      read: ({ coherence }) => coherence,
    },
    {
      name: 'CD',
      values: {
        clear: 'on every vCPU, always',
        set: 'on the vCPU that faults',
        'of another': 'set on another vCPU alone',
        'was set': 'and is clear again',
      },
      read: cdOf,
    },
    {
      name: 'quirks',
      values: {
        'as created': '',
        'CD off': 'CD_NW_CLEARED',
        'PAT off': 'IGNORE_GUEST_PAT',
        'both off': '',
      },
      read: (moment) => quirksOf(moment, disabledAtCreation),
    },
    {
      name: 'access',
      values: { read: '', write: '', fetch: '' },
      read: ({ step }) => step.access,
    },
    {
      name: 'vCPU',
      values: { first: 'vCPU 0', other: '' },
      read: ({ vcpu }) => (vcpu.id === 0 ? 'first' : 'other'),
    },
    {
      name: 'outcome',
      values: {
        made: 'the first leaf of the page',
        again: 'a leaf where one had gone',
        kept: 'the leaf that was there, still right',
        stale: 'the leaf that was there, as none would be made now',
        exit: 'no leaf',
      },
      read: ({ outcome }) => outcome,
    },
    {
      name: 'change',
      values: {
        none: 'none before',
        'default type': 'a write of MTRRdefType',
        range: 'a write of another MTRR',
        PAT: 'a write of the PAT',
        CD: '',
        DMA: 'a device came or went',
        quirk: 'disabled',
        slot: 'a memslot came, moved or went',
        log: 'of a memslot began, ended or was read',
        discard: 'the host took memory back',
      },
      read: ({ change }) => change,
    },
    {
      name: 'MTRRs',
      values: { off: '', on: 'with variable ranges', 'fixed too': '' },
      read: mtrrsOf,
    },
  ];
}
