import { CR0_CACHE, CR0_CD, CR0_NW } from '../../arch/cr0.js';
import type { Vcpu } from '../../kvm/index.js';

/** Set or clear CR0.CD and NW by KVM_SET_SREGS, and give CR0 as KVM_GET_SREGS has it then. */
export function setCd(vcpu: Vcpu, on: boolean, nw = false): bigint {
  const sregs = vcpu.getSregs();
  const cr0 = (sregs.cr0 & ~CR0_CACHE) | (on ? CR0_CD : 0n) | (nw ? CR0_NW : 0n);
  vcpu.setSregs({ ...sregs, cr0 });
  return vcpu.getSregs().cr0;
}
