import type { MsrRules } from '../policy.js';

/** Up to 6.4: 0x200..0x27f and 0x2a0..0x2ff go to the MTRR code; the numbers between are machine-check banks. */
const wideRouting = (msr: number): boolean =>
  (msr >= 0x200 && msr <= 0x27f) || (msr >= 0x2a0 && msr <= 0x2ff);

/** From 6.5: only the numbers up to the last fixed MTRR, and the default type, go there. */
const narrowRouting = (msr: number): boolean => (msr >= 0x200 && msr <= 0x26f) || msr === 0x2ff;

/** kvm_set_msr_common() and kvm_mtrr_get_msr() up to 6.4. */
export const WIDE_MSRS: MsrRules = { invalidNotUnknown: wideRouting, masksReservedOnRead: true };

/** The same, 6.5 to 6.10. */
export const NARROW_MSRS: MsrRules = { invalidNotUnknown: narrowRouting, masksReservedOnRead: true };

/** The same from 6.11, where MTRRs are plain storage. */
export const STORED_MSRS: MsrRules = { invalidNotUnknown: narrowRouting, masksReservedOnRead: false };
