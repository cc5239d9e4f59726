import { CR0_CD } from '../../arch/cr0.js';
import type { Vcpu } from '../../kvm/index.js';

/** Set or clear CR0.CD by KVM_SET_SREGS, and give CR0 as KVM_GET_SREGS has it then. */
export function setCd(vcpu: Vcpu, on: boolean): bigint {
  const sregs = vcpu.getSregs();
  vcpu.setSregs({ ...sregs, cr0: on ? sregs.cr0 | CR0_CD : sregs.cr0 & ~CR0_CD });
  return vcpu.getSregs().cr0;
}
