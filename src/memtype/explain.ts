import { effectiveCell, effectiveType } from './arch/effective.js';
import { archMtrrType, fixedCursor, type MtrrState } from './arch/mtrr.js';
import { patType } from './arch/pat.js';
import { type ChangeCursor, type MappedRange, mapRanges, nextChange } from './arch/ranges.js';
import type { ErratumId } from './errata.js';
import { kvmRanges } from './policies/guest-mtrr.js';
import { ALL_POLICIES } from './policies/index.js';
import type { Decision, Policy, VcpuView, VmView } from './policy.js';
import type { ArchType, MemType, PatType, Rule } from './types.js';

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
  /** The memslot has the flag of proposal P5. */
  readonly slotFlag: boolean;
}

/** What one policy makes of a page. */
export interface Verdict extends Decision {
  readonly policy: Policy;
  /** The type of the guest's access; `none` where KVM has no say (shadow paging). */
  readonly effective: MemType;
  readonly why: readonly Rule[];
  readonly errata: readonly ErratumId[];
}

/** What the architecture makes of it: the type by MTRR and by page tables, as on hardware without a hypervisor. */
export interface ArchVerdict {
  readonly mtrr: ArchType;
  readonly pat: PatType;
  readonly effective: ArchType;
  readonly why: readonly Rule[];
}

const FLAG = 1 << 3;
const NESTED_PAGING = 'AMD manual, "Combining Memory Types, MTRRs" of nested paging';
const EPT_TYPES = 'SDM, "Memory Type Used for Translated Guest-Physical Addresses"';

function vmOf(situation: Situation, policy: Policy): { vm: VmView; vcpu: VcpuView } {
  const { mtrr, pat, cd, maxphyaddr, mtrrCpuid, selfSnoop } = situation;
  const vcpu: VcpuView = { id: 0, mtrr, pat, cd, maxphyaddr, mtrrCpuid };
  const { supported, disabledAtCreation } = policy.quirks;
  const disabledQuirks = disabledAtCreation | (situation.disabledQuirks & supported);
  return {
    vcpu,
    vm: {
      vcpus: [vcpu],
      noncoherent: situation.noncoherent ? 1 : 0,
      disabledQuirks,
      selfSnoop,
      memslotFlag: FLAG,
      flagged: [],
    },
  };
}

/** The type of the guest's accesses to one page under a policy, and the chain of rules behind it. */
export function judge(policy: Policy, situation: Situation, gfn: number): Verdict {
  const { vm, vcpu } = vmOf(situation, policy);
  const page = { gfn, mmio: situation.mmio, slotFlags: situation.slotFlag && policy.memslotFlag ? FLAG : 0 };
  const why: Rule[] = [];
  const decision = policy.decide(vm, vcpu, page, why);
  const errata = policy.errata(vm, vcpu, page);
  const pat = patType(situation.pat, situation.patEntry);
  if (policy.paging !== 'ept') {
    // The host's own MTRRs apply: UC for MMIO, WB for RAM.
    const host = situation.mmio ? 'UC' : 'WB';
    const nested = policy.paging === 'npt';
    const effective = nested ? effectiveCell(host, pat).type : host;
    const text = nested
      ? `the PAT type ${pat} combines with the host's MTRRs to ${effective}`
      : `shadow entries do not carry the guest's PAT bits: ${effective} by the host's MTRRs`;
    why.push({ text, source: nested ? NESTED_PAGING : 'make_spte(), all versions' });
    return { policy, ...decision, effective, why, errata };
  }
  const effective = effectiveType(decision.type, decision.ipat, pat);
  const text = decision.ipat
    ? `IPAT 1: the PAT type ${pat} is ignored`
    : `IPAT 0: the PAT type ${pat} combines to ${effective}`;
  why.push({ text, source: EPT_TYPES });
  return { policy, ...decision, effective, why, errata };
}

/** The type that the same settings give on hardware (SDM, "Memory Cache Control"). */
export function judgeArch(situation: Situation, gfn: number): ArchVerdict {
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
  const effective = mtrr === 'undefined' ? mtrr : effectiveType(mtrr, false, pat);
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
): Verdict[][] {
  const groups = new Map<string, Verdict[]>();
  for (const policy of candidates) {
    const verdict = judge(policy, situation, gfn);
    const key = `${verdict.type} ${verdict.ipat} ${verdict.effective}`;
    groups.set(key, [...(groups.get(key) ?? []), verdict]);
  }
  return [...groups.values()];
}

/** Where a variable range begins for KVM. It ends where the SDM's last match ends, so that end needs no cursor. */
const hullCursor =
  ({ start }: { start: number }): ChangeCursor =>
  (gfn) =>
    gfn < start ? start : Number.POSITIVE_INFINITY;

/** A stretch of guest-physical memory of one kind. */
export interface MapEntry extends Decision {
  readonly effective: MemType;
  readonly arch: ArchType;
}

/** Within one situation IPAT and PAT are the same everywhere, so the effective type follows from the type in the leaf. */
const sameEntry = (a: MapEntry, b: MapEntry): boolean => a.type === b.type && a.arch === b.arch;

/**
 * The whole guest-physical map under a policy, as if all of it were backed alike.
 *
 * @param end first frame not to map
 * @throws RangeError if the MTRRs cut it into more than 100,000 ranges
 */
export function explainMap(policy: Policy, situation: Situation, end: number): MappedRange<MapEntry>[] {
  const { mtrr } = situation;
  const cursors = [
    fixedCursor,
    ...mtrr.active.map(
      (range): ChangeCursor =>
        (gfn) =>
          nextChange(range.pattern, gfn),
    ),
    ...kvmRanges(mtrr).map(hullCursor),
  ];
  const entryAt = (gfn: number): MapEntry => {
    const { type, ipat, effective } = judge(policy, situation, gfn);
    return { type, ipat, effective, arch: judgeArch(situation, gfn).effective };
  };
  return mapRanges(end, entryAt, cursors, { same: sameEntry });
}
