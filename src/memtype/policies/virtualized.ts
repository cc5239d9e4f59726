import { KVM_X86_QUIRK_CD_NW_CLEARED } from '../../arch/kvm-flags.js';
import { ALL_GFNS, type GfnRange, type Level, levelBase, pagesOf } from '../../arch/units.js';
import type { Decision, PageView, Policy, VcpuView, VmView } from '../policy.js';
import type { MtrrMsr } from '../sdm/msrs.js';
import { fixedMsrFrames, type VariableRange } from '../sdm/mtrr.js';
import type { Rule } from '../types.js';
import { forcedWb, hostMmio, wbWithPat } from './decisions.js';
import { kvmMtrrType, kvmRangeConsistent, kvmZapRange, mtrrErrata } from './guest-mtrr.js';
import { hasQuirk } from './quirks.js';

/** The vCPU whose MTRRs count for a fault of `vcpu`: itself, or one for the whole VM. */
export type MtrrOwner = (vm: VmView, vcpu: VcpuView) => VcpuView;

/** Each vCPU has its own MTRRs; they share the EPT all the same. */
export const ownMtrrs: MtrrOwner = (_vm, vcpu) => vcpu;

const MT_MASK = 'vmx_get_mt_mask(), 4.4 to 6.10';

/** Where the kernels that virtualize guest MTRRs differ from each other. */
export interface Variant {
  readonly owner: MtrrOwner;
  /** IPAT of a page touched with CR0.CD=1 while the quirk CD_NW_CLEARED is on. */
  readonly cdIpat: boolean;
  /** MTRRs bound the size of a leaf whether or not its type comes from them (up to 5.19). */
  readonly boundsAllLeaves: boolean;
}

function cacheDisabled(vm: VmView, variant: Variant, why?: Rule[]): Decision {
  if (!hasQuirk(vm, KVM_X86_QUIRK_CD_NW_CLEARED)) {
    const off = 'CR0.CD=1 and the quirk CD_NW_CLEARED is disabled: UC, IPAT 1';
    why?.push({ text: off, source: MT_MASK, by: 'cd' });
    return { type: 'UC', ipat: true };
  }
  const text = 'CR0.CD=1 and the quirk CD_NW_CLEARED is on';
  return variant.cdIpat
    ? forcedWb(text, 'vmx_get_mt_mask(), 4.4 to 6.6', why, 'cd')
    : wbWithPat(text, 'vmx_get_mt_mask(), 6.7 to 6.10', why, 'cd');
}

/** Whether the type of a page comes out of the guest's MTRRs. */
function usesMtrrs(vm: VmView, vcpu: VcpuView, page: PageView): boolean {
  return !page.mmio && vm.noncoherent > 0 && !vcpu.cd;
}

function decide(variant: Variant, vm: VmView, vcpu: VcpuView, page: PageView, why?: Rule[]): Decision {
  if (page.mmio) return hostMmio(why);
  if (vm.noncoherent === 0) return forcedWb('RAM, and no non-coherent DMA device', MT_MASK, why);
  if (vcpu.cd) return cacheDisabled(vm, variant, why);
  const owner = variant.owner(vm, vcpu);
  why?.push({
    text: `RAM, and non-coherent DMA: the MTRRs of vCPU ${owner.id} decide, IPAT 0`,
    source: MT_MASK,
  });
  return { type: kvmMtrrType(owner.mtrr, owner.mtrrCpuid, page.gfn, why), ipat: false };
}

/** The largest leaf over which the MTRRs have one type (`kvm_tdp_page_fault()`). */
export function mtrrLevel({ mtrr }: VcpuView, gfn: number): Level {
  for (const level of [3, 2] as const) {
    const start = levelBase(gfn, level);
    if (kvmRangeConsistent(mtrr, { start, end: start + pagesOf(level) })) return level;
  }
  return 1;
}

function maxLevel(variant: Variant, vm: VmView, vcpu: VcpuView, gfn: number): Level {
  const isFlagged = vm.flagged.some(({ start, end }) => gfn >= start && gfn < end);
  const counts = variant.boundsAllLeaves || vm.noncoherent > 0 || isFlagged;
  return counts ? mtrrLevel(variant.owner(vm, vcpu), gfn) : 3;
}

/** update_mtrr(): what a write zaps, once it is stored. */
function mtrrZap(owner: MtrrOwner, vm: VmView, vcpu: VcpuView, msr: MtrrMsr): GfnRange | undefined {
  const isIgnored = vm.noncoherent === 0 && vm.flagged.length === 0;
  if (isIgnored || owner(vm, vcpu).id !== vcpu.id) return undefined;
  const { mtrr } = vcpu;
  if (msr.kind === 'deftype') return ALL_GFNS;
  if (!mtrr.enabled) return undefined;
  if (msr.kind === 'fixed') return mtrr.fixedEnabled ? fixedMsrFrames(msr.index) : undefined;
  return kvmZapRange(mtrr.variable[msr.index] as VariableRange);
}

/** The behaviour shared by the kernels that virtualize guest MTRRs (4.4 to 6.10). */
export function virtualizedMtrrs(
  variant: Variant,
): Pick<
  Policy,
  | 'paging'
  | 'decide'
  | 'maxLevel'
  | 'errata'
  | 'zaps'
  | 'dirtyLogOff'
  | 'hugeLeaves'
  | 'preFault'
  | 'preFaultSticks'
> {
  const { owner } = variant;
  return {
    paging: 'ept',
    decide: (vm, vcpu, page, why) => decide(variant, vm, vcpu, page, why),
    maxLevel: (vm, vcpu, gfn) => maxLevel(variant, vm, vcpu, gfn),
    errata: (vm, vcpu, page) => {
      if (!usesMtrrs(vm, vcpu, page)) return [];
      const { mtrr, mtrrCpuid } = owner(vm, vcpu);
      return mtrrErrata(mtrr, mtrrCpuid, page.gfn);
    },
    zaps: {
      mtrr: (vm, vcpu, msr) => mtrrZap(owner, vm, vcpu, msr),
      cr0: (vm) => vm.noncoherent > 0 && !hasQuirk(vm, KVM_X86_QUIRK_CD_NW_CLEARED),
      noncoherent: () => false,
      memslot: () => 'all',
    },
    dirtyLogOff: 'zap',
    preFault: 'keep',
    preFaultSticks: false,
    hugeLeaves: { inTheWay: 'zap', splitToEnd: false },
  };
}
