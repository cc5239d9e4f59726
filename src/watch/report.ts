import { pagesOf } from '../arch/units.js';
import { archMtrrType, type Finding, INITIAL_SITUATION, type NamedRange, review } from '../memtype/index.js';
import { departureText, type WatchedLeaf } from './leaves.js';
import { type StaleGroup, staleGroups } from './stale.js';
import type { WatchedVm } from './vm.js';
import type { ZapSum } from './zaps.js';

/** Neighbouring leaves that are alike; `end` is the first frame after them. */
export interface MapRow {
  readonly start: number;
  readonly end: number;
  readonly level: number;
  readonly type: string;
  readonly ipat: boolean;
  readonly mmio: boolean;
}

/** Frames that the guest's MTRRs call otherwise than the leaves do. */
interface Disagreement {
  readonly start: number;
  readonly end: number;
  readonly mtrr: string;
  readonly type: string;
  readonly ipat: boolean;
}

/** A VM at one moment: plain data. */
export interface VmReport {
  readonly policy: string;
  readonly fromStart: boolean;
  /** The kernel dropped events that may have been of this VM. */
  readonly lostTrack: boolean;
  /** As far as they are known. */
  readonly vcpus: readonly { id: number; cd: boolean; pat: string; defType: string; ranges: number }[];
  readonly noncoherent: number;
  readonly inferred: boolean;
  readonly disabledQuirks: number;
  readonly leaves: number;
  readonly smm: number;
  readonly map: readonly MapRow[];
  readonly verdict: { right: number; untold: number; wrong: number; sentences: readonly string[] };
  readonly zaps: readonly Readonly<ZapSum>[];
  readonly missingZaps: readonly string[];
  readonly stale: readonly StaleGroup[];
  readonly disagree: readonly Disagreement[];
  /** Pages of RAM where KVM has the processor ignore the guest's PAT. */
  readonly patIgnored: number;
  readonly findings: readonly Finding[];
}

const pages = ({ level }: { level: number }): number => pagesOf(level);

/** Join neighbours that are alike. */
function fold<T extends { start: number; end: number }>(
  rows: readonly T[],
  alike: (a: T, b: T) => boolean,
): T[] {
  const folded: T[] = [];
  for (const row of rows) {
    const before = folded.at(-1);
    if (before !== undefined && before.end === row.start && alike(before, row))
      folded[folded.length - 1] = { ...before, end: row.end };
    else folded.push(row);
  }
  return folded;
}

const rowOf = (leaf: WatchedLeaf): MapRow => {
  const { gfn, level, type, ipat, mmio } = leaf;
  return { start: gfn, end: gfn + pages(leaf), level, type, ipat, mmio };
};

const sameRow = (a: MapRow, b: MapRow): boolean =>
  a.level === b.level && a.type === b.type && a.ipat === b.ipat && a.mmio === b.mmio;

/** Where the MTRRs of the first vCPU say otherwise: the guest's system takes a type for real that it does not get. */
function disagreements(vm: WatchedVm, map: readonly WatchedLeaf[]): Disagreement[] {
  const mtrr = vm.registers.vcpus[0]?.mtrr;
  if (!vm.seesAll || mtrr?.enabled !== true) return [];
  const rows = map
    .filter(({ mmio }) => !mmio)
    .map((leaf): Disagreement => {
      const { gfn, type, ipat } = leaf;
      return { start: gfn, end: gfn + pages(leaf), mtrr: archMtrrType(mtrr, gfn), type, ipat };
    })
    .filter((row) => row.mtrr !== row.type);
  return fold(rows, (a, b) => a.mtrr === b.mtrr && a.type === b.type && a.ipat === b.ipat);
}

/** What `check` has to say of it. */
function findings(vm: WatchedVm, leaves: readonly WatchedLeaf[]): Finding[] {
  const { registers, policy } = vm;
  if (!vm.seesAll || registers.vcpus.length === 0) return [];
  const named = (mmio: boolean): NamedRange[] => {
    const name = mmio ? 'device memory' : 'RAM';
    const of = leaves.filter((leaf) => leaf.mmio === mmio);
    return fold(
      of.map((leaf) => ({ name, start: leaf.gfn, end: leaf.gfn + pages(leaf) })),
      () => true,
    );
  };
  const vcpus = registers.vcpus.map(({ id, mtrr, pat, cd, maxphyaddr }) => ({
    who: `vCPU ${id}`,
    situation: {
      ...INITIAL_SITUATION,
      ...{ mtrr, pat, cd, maxphyaddr, vcpu: id },
      noncoherent: registers.noncoherent > 0,
      disabledQuirks: registers.disabledQuirks,
      selfSnoop: registers.selfSnoop,
    },
  }));
  return review({ policy, vcpus, ram: named(false), mmio: named(true) });
}

/** What there is to say of a VM now. */
export function reportOf(vm: WatchedVm): VmReport {
  const {
    registers,
    verdict: { departures, ...verdict },
  } = vm;
  const leaves = vm.leaves.all();
  return {
    policy: vm.policy.name,
    fromStart: vm.fromStart && (vm.seesAll || vm.lostTrack),
    lostTrack: vm.lostTrack,
    vcpus: (vm.seesAll ? registers.vcpus : []).map(({ id, cd, pat, mtrr }) => ({
      ...{ id, cd },
      pat: `0x${pat.toString(16)}`,
      defType: `0x${mtrr.deftype.toString(16)}`,
      ranges: mtrr.active.length,
    })),
    noncoherent: registers.noncoherent,
    inferred: vm.inferred,
    disabledQuirks: registers.disabledQuirks,
    leaves: leaves.length,
    smm: vm.smm,
    map: fold(leaves.map(rowOf), sameRow),
    verdict: { ...verdict, sentences: departures.map(departureText) },
    zaps: vm.zaps.sums().map((sum) => ({ ...sum })),
    missingZaps: vm.zaps.missing.map(({ cause, frames }) => `${cause} should have zapped ${frames}`),
    stale: staleGroups(vm, leaves),
    disagree: disagreements(vm, leaves),
    patIgnored: leaves.filter(({ ipat, mmio }) => ipat && !mmio).reduce((sum, leaf) => sum + pages(leaf), 0),
    findings: findings(vm, leaves),
  };
}

/** Whether all that was seen is as the model expects. */
export const isAsExpected = ({ verdict, missingZaps }: VmReport): boolean =>
  verdict.wrong === 0 && missingZaps.length === 0;
