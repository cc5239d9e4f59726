import type { Decision, PageView, Policy, ProposalName, VcpuView, VmView } from '../../policy.js';
import type { Rule } from '../../types.js';
import { hostMmio, wbWithPat } from '../decisions.js';
import { policyA } from '../eras/a.js';
import { policyE } from '../eras/e.js';
import { policyE612 } from '../eras/e-6.12.js';
import { kvmMtrrType, mtrrErrata } from '../guest-mtrr.js';
import { proposed } from './proposed.js';

type Flagged = (vm: VmView, vcpu: VcpuView, page: PageView, why?: Rule[]) => Decision;

const NON_COHERENT = 'KVM_MEM_NON_COHERENT_DMA, proposal of January 2024';
const HONOR_PAT = 'KVM_MEM_HONOR_GUEST_PAT, an earlier spelling of the proposal';

const flaggedWb: Flagged = (_vm, _vcpu, _page, why) =>
  wbWithPat('the memslot has the flag: the guest PAT decides', NON_COHERENT, why, 'flag');

const flaggedMtrr: Flagged = (_vm, vcpu, page, why) => {
  why?.push({
    text: `the memslot has the flag: the MTRRs of vCPU ${vcpu.id} decide, IPAT 0`,
    source: HONOR_PAT,
  });
  return { type: kvmMtrrType(vcpu.mtrr, vcpu.mtrrCpuid, page.gfn, why), ipat: false };
};

function withFlag(base: Policy, kernel: string, form: ProposalName, flagged: Flagged): Policy {
  return {
    ...base,
    decide: (vm, vcpu, page, why) => {
      if (page.mmio) return hostMmio(why);
      const has = (page.slotFlags & vm.memslotFlag) !== 0;
      return has ? flagged(vm, vcpu, page, why) : base.decide(vm, vcpu, page, why);
    },
    ...proposed(base, form, kernel),
    title: `${base.title}; memslot flag`,
    kernels: `${kernel} with the patch for proposal P5, memslot flag`,
    memslotFlag: true,
  };
}

/** Proposal P5, second form: WB and the guest's PAT for the slots that have the flag. */
export const policyMemslot = withFlag(policyE, '7.2', 'P5-memslot', flaggedWb);

/** The same on 6.12.y. */
export const policyMemslot612 = withFlag(policyE612, '6.12', 'P5-memslot', flaggedWb);

/**
 * Its earlier spelling, on a kernel that still looks up guest MTRRs: their type, and the guest's PAT, for those slots. MTRR
 * writes zap as long as there is one (virtualizedMtrrs() asks for that), and CR0.CD means nothing in it.
 */
export const policyMemslotMtrr: Policy = {
  ...withFlag(policyA, '6.1', 'P5-memslot-mtrr', flaggedMtrr),
  errata: (vm, vcpu, page) => {
    if (page.mmio || (page.slotFlags & vm.memslotFlag) === 0) return policyA.errata(vm, vcpu, page);
    return mtrrErrata(vcpu.mtrr, vcpu.mtrrCpuid, page.gfn);
  },
};
