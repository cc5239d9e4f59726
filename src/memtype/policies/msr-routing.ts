import { byteOf, decodeMemType } from '../../arch/memory-types.js';
import type { MsrRules } from '../policy.js';
import { classifyMsr, isValidMsrValue } from '../sdm/msrs.js';

/** Up to 6.4: 0x200..0x27f and 0x2a0..0x2ff go to the MTRR code; the numbers between are machine-check banks. */
const wideRouting = (msr: number): boolean =>
  (msr >= 0x200 && msr <= 0x27f) || (msr >= 0x2a0 && msr <= 0x2ff);

/** From 6.5: only the numbers up to the last fixed MTRR, and the default type, go there. */
const narrowRouting = (msr: number): boolean => (msr >= 0x200 && msr <= 0x26f) || msr === 0x2ff;

/** kvm_set_msr_common() and kvm_mtrr_get_msr(), 6.0 to 6.4. */
export const WIDE_MSRS: MsrRules = {
  invalidNotUnknown: wideRouting,
  mayRepeatGp: false,
  initMaySetCd: false,
  masksReservedOnRead: true,
};

/**
 * The same up to 5.19. 5.10 calls kvm_inject_gp() in kvm_mtrr_valid(), and vmx_vcpu_reset() and init_vmcb() set CD and NW in it; 6.1 does
 * neither. The series between were not read.
 */
export const OLD_MSRS: MsrRules = { ...WIDE_MSRS, mayRepeatGp: true, initMaySetCd: true };

/** The same, 6.5 to 6.10. */
export const NARROW_MSRS: MsrRules = { ...WIDE_MSRS, invalidNotUnknown: narrowRouting };

/** The same from 6.11, where MTRRs are plain storage. */
export const STORED_MSRS: MsrRules = { ...NARROW_MSRS, masksReservedOnRead: false };

/**
 * Whether a write of this value may give two #GPs (D6): #DF in the guest, or one #GP that KVM_SET_MSRS leaves it. `kvm_mtrr_valid()` looks
 * at the bits of a variable MTRR once its type is legal.
 */
export function mayRepeatGp(rules: MsrRules, msr: number, value: bigint, maxphyaddr: number): boolean {
  const known = classifyMsr(msr);
  if (!rules.mayRepeatGp || known === undefined || isValidMsrValue(known, value, maxphyaddr)) return false;
  return known.kind === 'mask' || (known.kind === 'base' && decodeMemType(byteOf(value, 0)) !== undefined);
}
