import { hasLegacyMmu } from '../../src/recording/mmu.js';
import type { Environment } from '../../src/recording/recording.js';
import type { Scenario } from '../../src/scenario/types.js';
import type { Tampered } from './tamper.js';

/** Where a recording was changed. */
interface Place {
  env: Environment;
  scenario: Scenario;
  tampered: Tampered;
}

/** A sort of change that no verdict can or should notice, and why. */
export interface Harmless {
  kinds: RegExp;
  /** Only there; anywhere if not told. */
  where?: (at: Place) => boolean;
  reason: string;
}

/** Whether the step reads what is in memory with this backing, some time. */
function readsBacking({ scenario, tampered }: Place, backing: 'pci-bar' | 'gib-ram'): boolean {
  const step = scenario.steps[tampered.step ?? -1];
  return (
    (step?.do === 'access' || step?.do === 'nested-access') &&
    scenario.steps.some(
      (s) =>
        s.do === 'memslot' &&
        s.backing === backing &&
        step.gpa >= s.gpa &&
        step.gpa < s.gpa + BigInt(s.pages) * 0x1000n,
    )
  );
}

/** Whether the event is of a page of the guest's own, or of the group of eight that the legacy MMU maps with one. */
function isNearOwnPage({ gfn, recording }: Tampered): boolean {
  if (gfn === undefined || recording.outcome !== 'ran') return false;
  return recording.infra.some((own) => gfn >= own.gfn - 8 && gfn < own.gfn + own.npages + 8);
}

/** Whether the event is of a neighbour that the legacy MMU mapped along with the page that the step touches. */
function isNeighbour(scenario: Scenario, { gfn, step: at }: Tampered): boolean {
  const step = scenario.steps[at ?? -1];
  if (gfn === undefined || step?.do !== 'access') return false;
  const touched = Number(step.gpa >> 12n);
  return gfn !== touched && gfn >> 3 === touched >> 3;
}

/** Whether a memslot was deleted, and no zap of a leaf is told. */
function isSilentDelete(scenario: Scenario, { step: at, recording }: Tampered): boolean {
  if (scenario.steps[at ?? -1]?.do !== 'delete-memslot' || recording.outcome !== 'ran') return false;
  const record = recording.steps.find(({ step }) => step === at);
  return record?.events?.every(({ kind }) => kind === 'zap-all') === true;
}

const FREE_BITS = '(read|execute|huge|accessed|dirty|lowest of the software|highest of the software)';

/** Every change that passes, by kind. A change of another kind that passes is a fault of the judge. */
export const HARMLESS: readonly Harmless[] = [
  {
    kinds: /^change (old|new) of an empty (huge )?entry: (?!present$)/,
    reason:
      'what an entry holds that maps nothing is KVM’s own affair: zero, bit 63, a frozen entry’s value, a generation of MMIO',
  },
  {
    kinds: /^change (old|new) of an empty huge entry: present$/,
    reason:
      'a huge leaf may give way to a table, and a fault may put a huge leaf in the place of one (tdp_mmu_map_handle_target_level()), and a table that holds no leaf maps nothing, as an empty entry does',
  },
  {
    kinds: new RegExp(`^change (old|new) of a leaf: ${FREE_BITS}$`),
    reason:
      'of a leaf that goes, permissions, accessed, dirty and software bits: the processor and KVM’s fast page fault change them, and no event tells',
  },
  {
    kinds: new RegExp(`^set spte: (${FREE_BITS}|lowest of the frame|highest of the frame)$`),
    where: ({ env }) => hasLegacyMmu(env),
    reason:
      'the legacy MMU tells of an entry once, so that its frame and permissions are held against nothing',
  },
  {
    kinds: new RegExp(`^set spte: (${FREE_BITS}|lowest of the frame|highest of the frame)$`),
    where: ({ scenario, tampered }) => scenario.steps[tampered.step ?? -1]?.do === 'nested-access',
    reason:
      'of a leaf of L2 one event tells, so that its permissions are held against nothing, and its frame only against a leaf that maps the same for L1',
  },
  {
    kinds: /^(set spte|change new of a leaf): (type [012]|IPAT)$/,
    where: ({ env }) => env.paging === 'npt',
    reason: 'entries of nested page tables have no memory type: these bits mean something else there',
  },
  {
    kinds: /^change deleted$/,
    where: ({ scenario, tampered }) => isNearOwnPage(tampered) && isSilentDelete(scenario, tampered),
    reason:
      'the only zap that is told as a memslot goes: from 5.18 to 6.5 a kernel thread takes all leaves then, which is not traced (kvm_tdp_mmu_zap_invalidated_roots())',
  },
  {
    kinds: /^set gfn$/,
    where: ({ env, scenario, tampered }) =>
      hasLegacyMmu(env) && (isNearOwnPage(tampered) || isNeighbour(scenario, tampered)),
    reason:
      'which of its own pages the guest faulted in, and which neighbours of a page were mapped with it, cannot be foreseen, and the legacy MMU tells of each once; their number and types are held',
  },
  {
    kinds: /^set deleted$/,
    where: ({ env, tampered }) => hasLegacyMmu(env) && isNearOwnPage(tampered),
    reason:
      'a page of the guest’s own that it faults in before and after a zap of the same step: the legacy MMU tells of no zap, so that one of the two is enough',
  },
  {
    kinds: /^set twice$/,
    where: ({ scenario, tampered }) => scenario.steps[tampered.step ?? -1]?.do === 'together',
    reason:
      'where vCPUs fault at the same time the slower one reports the leaf that it finds, up to 6.13 (tdp_mmu_map_handle_target_level())',
  },
  {
    kinds: /^change deleted$/,
    where: ({ scenario, tampered }) => scenario.steps[tampered.step ?? -1]?.do === 'pre-fault',
    reason:
      'an entry that KVM_PRE_FAULT_MEMORY makes anew just as it was: it is told of once more, and changed only if the processor has set its accessed bit (tdp_mmu_map_handle_target_level(), 6.11 and 6.12)',
  },
  {
    kinds: /^infra (twice|wider)$/,
    reason: 'more pages than the guest’s own explain nothing here: no event is in them',
  },
  {
    kinds: /^infra narrower$/,
    where: ({ env, scenario }) => hasLegacyMmu(env) || scenario.hugeRam,
    reason:
      'the legacy MMU maps pages beside those that fault, and a large leaf maps all that lie in it, so the ends of the range are not sharp',
  },
  {
    kinds: /^infra /,
    where: ({ env }) => env.paging === 'shadow',
    reason: 'where no leaves are seen nobody asks which pages are the guest’s own',
  },
  {
    kinds: /^value changed$/,
    where: (at) => readsBacking(at, 'pci-bar'),
    reason: 'what a device’s register holds is the device’s affair: reads of a PCI BAR only',
  },
  {
    kinds: /^value changed$/,
    where: (at) => readsBacking(at, 'gib-ram'),
    reason: 'what the page of 1 GiB holds at first is other scenarios’ affair: reads of it only',
  },
  {
    kinds: /^kernel log, a warning: (deleted|twice)$/,
    reason:
      'a warning passes only where the model allows it, and the kernel gives such a one once a boot: it may come or not, and its number is held against nothing',
  },
  {
    kinds: /^kernel log, a line around one: (deleted|twice|step)$/,
    reason: 'the call trace under a warning that the model allows says nothing of its own',
  },
  { kinds: /^durationMs$/, reason: 'time decides nothing' },
];

/** The reason why a change that passed is harmless; undefined if there is none. */
export const harmless = (at: Place): Harmless | undefined =>
  HARMLESS.find(({ kinds, where }) => kinds.test(at.tampered.kind) && (where === undefined || where(at)));
