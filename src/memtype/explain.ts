import { KVM_X86_QUIRK_CD_NW_CLEARED } from '../arch/kvm-flags.js';
import { MEM_TYPES, type MemType, type PatType } from '../arch/memory-types.js';
import { PAT_RESET } from '../arch/msrs.js';
import { ALL_GFNS, type GfnRange, type Level, levelWithin } from '../arch/units.js';
import type { ErratumId } from './errata.js';
import { ALL_POLICIES } from './policies/index.js';
import { hasQuirk, supportedQuirks } from './policies/quirks.js';
import { refusals } from './policies/refusals.js';
import type { Decision, PageView, Policy, VcpuView, VmView } from './policy.js';
import { effectiveCell, effectiveType } from './sdm/effective.js';
import { archMtrrType, MtrrState } from './sdm/mtrr.js';
import { patType } from './sdm/pat.js';
import type { ArchType, Rule, VmType } from './types.js';
import { hasVmType, L2_RULE, quirksOfType, TD_PRIVATE, tdRule } from './vm-types.js';

/** All that the type of a page depends on, frozen at one moment. */
export interface Situation {
  readonly mtrr: MtrrState;
  /** Value of IA32_PAT. */
  readonly pat: bigint;
  /** The PAT entry that the guest's page tables choose; undefined while CR0.PG=0. */
  readonly patEntry: number | undefined;
  readonly cd: boolean;
  readonly noncoherent: boolean;
  readonly mmio: boolean;
  /** Quirks that were disabled, beyond those that the policy disables itself. */
  readonly disabledQuirks: number;
  readonly maxphyaddr: number;
  readonly mtrrCpuid: boolean;
  readonly selfSnoop: boolean;
  /** The frames of its memslot; undefined where that is not told. */
  readonly slot?: GfnRange | undefined;
  /** The memslot has the flag of proposal P5. */
  readonly slotFlag: boolean;
  /** The vCPU in question; 0 if it is not told. */
  readonly vcpu?: number;
  /** The MTRRs of vCPU 0, where the one in question is another. */
  readonly bootMtrr?: MtrrState;
  /** The VM hides its memory from the host. */
  readonly vmType?: VmType | undefined;
  /** The page is one that the host cannot read: of guest_memfd. */
  readonly isPrivate?: boolean;
  /** The access is one of the guest's guest. */
  readonly l2?: boolean;
}

/** A vCPU and a page of RAM as KVM starts with them: MTRRs off, the PAT of a reset, no non-coherent DMA. */
export const INITIAL_SITUATION: Situation = {
  mtrr: MtrrState.initial,
  pat: PAT_RESET,
  patEntry: 0,
  cd: false,
  noncoherent: false,
  mmio: false,
  disabledQuirks: 0,
  maxphyaddr: 40,
  mtrrCpuid: true,
  selfSnoop: true,
  slotFlag: false,
};

/** What one policy makes of a page. */
export interface Explanation extends Decision {
  readonly policy: Policy;
  /** The largest leaf that the memory types and the memslot allow. */
  readonly maxLevel: Level;
  /** What its kernels answer EINVAL to, of what the situation asks for; the explanation is as if it had not been asked. */
  readonly refuses: readonly string[];
  /** The type of the guest's access; `none` where KVM has no say (shadow paging). */
  readonly effective: MemType;
  readonly why: readonly Rule[];
  readonly errata: readonly ErratumId[];
}

/** What the architecture makes of it: the type by MTRR and by page tables, as on hardware without a hypervisor. */
export interface ArchExplanation {
  readonly mtrr: ArchType;
  readonly pat: PatType;
  readonly effective: ArchType;
  readonly why: readonly Rule[];
}

const FLAG = 1 << 3;
const NESTED_PAGING = 'AMD manual, "Combining Memory Types, MTRRs" of nested paging';
const EPT_TYPES = 'SDM, "Memory Type Used for Translated Guest-Physical Addresses"';
const SVM_CR0 = 'svm_set_cr0(), all versions';

/** What a policy looks at. */
interface Views {
  readonly vm: VmView;
  readonly vcpu: VcpuView;
  readonly page: PageView;
}

function viewsOf(situation: Situation, policy: Policy, gfn: number): Views {
  const { mtrr, pat, cd, maxphyaddr, mtrrCpuid, selfSnoop, mmio } = situation;
  const { vcpu: id = 0, bootMtrr } = situation;
  const vcpu: VcpuView = { id, mtrr, pat, cd, maxphyaddr, mtrrCpuid };
  const hasFlag = situation.slotFlag && policy.memslotFlag;
  return {
    vcpu,
    vm: {
      vcpus: bootMtrr === undefined ? [vcpu] : [{ ...vcpu, id: 0, mtrr: bootMtrr }, vcpu],
      noncoherent: situation.noncoherent ? 1 : 0,
      disabledQuirks:
        policy.quirks.disabledAtCreation |
        ((situation.disabledQuirks | quirksOfType(situation.vmType)) & supportedQuirks(policy, selfSnoop)),
      selfSnoop,
      memslotFlag: FLAG,
      flagged: hasFlag ? [ALL_GFNS] : [],
    },
    page: { gfn, mmio, slotFlags: hasFlag ? FLAG : 0 },
  };
}

/** The type of an access through a leaf that has none: the host's own MTRRs apply, UC for MMIO and WB for RAM. */
function effectiveWithoutEpt(
  paging: 'npt' | 'shadow',
  situation: Situation,
  vm: VmView,
  pat: PatType,
): { effective: MemType; why: Rule[] } {
  const host = situation.mmio ? 'UC' : 'WB';
  if (paging === 'npt') {
    if (situation.cd && situation.vmType === 'snp') {
      const text = 'CR0.CD=1, which KVM cannot clear, as the CR0 of an SNP guest is its own: UC';
      return { effective: 'UC', why: [{ text, source: 'sev_es_init_vmcb(), 6.1 to 7.3' }] };
    }
    if (situation.cd && !hasQuirk(vm, KVM_X86_QUIRK_CD_NW_CLEARED)) {
      const text = 'CR0.CD=1 and the quirk CD_NW_CLEARED is disabled: the processor itself has CD=1: UC';
      return { effective: 'UC', why: [{ text, source: SVM_CR0 }] };
    }
    const effective = effectiveCell(host, pat).type;
    const text = `the PAT type ${pat} combines with the host's MTRRs to ${effective}`;
    return { effective, why: [{ text, source: NESTED_PAGING }] };
  }
  const text = `shadow entries do not carry the guest's PAT bits: ${host} by the host's MTRRs`;
  const why: Rule[] = [{ text, source: 'make_spte(), all versions' }];
  // This policy is both vendors': say where they differ.
  if (situation.cd && (situation.disabledQuirks & KVM_X86_QUIRK_CD_NW_CLEARED) !== 0) {
    const cd =
      'so by kvm_intel; kvm_amd leaves CR0.CD=1 to the processor once CD_NW_CLEARED is disabled: UC there';
    why.push({ text: cd, source: SVM_CR0 });
  }
  return { effective: host, why };
}

/** What the policy makes of the page, or what is there in its stead. */
function decide(policy: Policy, situation: Situation, { vm, vcpu, page }: Views, why: Rule[]): Decision {
  const { vmType, isPrivate = false, l2 } = situation;
  if (l2) why.push(L2_RULE);
  if (vmType === 'tdx') why.push(tdRule(isPrivate));
  if (vmType === 'tdx' && isPrivate) return TD_PRIVATE;
  return policy.decide(vm, vcpu, page, why);
}

/**
 * MTRRs bound no leaf of L2 (`FNAME(page_fault)()`), and private pages of a TD are small (`tdx_gmem_max_mapping_level()`). A leaf lies
 * within its memslot (`kvm_alloc_memslot_metadata()`, all versions); the host's memory is taken for aligned as the guest's is.
 */
function maxLevelOf(policy: Policy, situation: Situation, { vm, vcpu, page }: Views): Level {
  const { vmType, isPrivate, l2, slot = ALL_GFNS } = situation;
  if (vmType === 'tdx' && isPrivate) return 1;
  return levelWithin(slot, page.gfn, l2 ? 3 : policy.maxLevel(vm, vcpu, page.gfn));
}

/** The type of the guest's accesses to one page under a policy, and the chain of rules behind it. */
export function explainPage(policy: Policy, situation: Situation, gfn: number): Explanation {
  const { vm, vcpu, page } = viewsOf(situation, policy, gfn);
  const why: Rule[] = [];
  const decision = decide(policy, situation, { vm, vcpu, page }, why);
  const rest = {
    policy,
    ...decision,
    maxLevel: maxLevelOf(policy, situation, { vm, vcpu, page }),
    refuses: refusals(policy, situation).map(({ what }) => what),
    errata: policy.errata(vm, vcpu, page),
  };
  const pat = patType(situation.pat, situation.patEntry);
  if (policy.paging !== 'ept') {
    const { effective, why: more } = effectiveWithoutEpt(policy.paging, situation, vm, pat);
    return { ...rest, effective, why: [...why, ...more] };
  }
  const effective = effectiveType(decision.type, decision.ipat, pat);
  const text = decision.ipat
    ? `IPAT 1: the PAT type ${pat} is ignored`
    : `IPAT 0: the PAT type ${pat} combines to ${effective}`;
  why.push({ text, source: EPT_TYPES });
  return { ...rest, effective, why };
}

/** Combine by the table; a column that is one type over every row decides also where the row is undefined. */
function archEffective(mtrr: ArchType, pat: PatType): ArchType {
  if (mtrr !== 'undefined') return effectiveType(mtrr, false, pat);
  const [type, ...others] = new Set(MEM_TYPES.map((row) => effectiveCell(row, pat).type));
  return others.length === 0 ? (type as MemType) : 'undefined';
}

/** The type that the same settings give on hardware (SDM, "Memory Cache Control"). */
export function explainArch(situation: Situation, gfn: number): ArchExplanation {
  const pat = patType(situation.pat, situation.patEntry);
  const why: Rule[] = [];
  const mtrr = situation.mtrrCpuid ? archMtrrType(situation.mtrr, gfn, why) : 'WB';
  if (situation.cd) {
    why.push({
      text: 'CR0.CD=1: UC, whatever MTRRs and PAT say',
      source: 'SDM, "Cache Control Registers and Bits"',
    });
    return { mtrr, pat, effective: 'UC', why };
  }
  const effective = archEffective(mtrr, pat);
  const source =
    'SDM, "Effective Page-Level Memory Types for Pentium III and More Recent Processor Families"';
  why.push({ text: `MTRR type ${mtrr} and PAT type ${pat} give ${effective}`, source });
  return { mtrr, pat, effective, why };
}

/** How policies differ on one page: each distinct outcome with the policies that share it. */
export function compareAll(
  situation: Situation,
  gfn: number,
  candidates: readonly Policy[] = ALL_POLICIES,
): Explanation[][] {
  const groups = new Map<string, Explanation[]>();
  const able = ({ paging }: Policy): boolean => !situation.l2 || paging === 'ept';
  for (const policy of candidates.filter((one) => hasVmType(one, situation.vmType) && able(one))) {
    const explanation = explainPage(policy, situation, gfn);
    const key = `${explanation.type} ${explanation.ipat} ${explanation.effective}`;
    groups.set(key, [...(groups.get(key) ?? []), explanation]);
  }
  return [...groups.values()];
}

/** What one vCPU makes of a stretch of memory. */
export interface MapEntry extends Decision {
  readonly effective: MemType;
  readonly arch: ArchType;
}
