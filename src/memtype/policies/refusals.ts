import { KVM_X86_QUIRK_IGNORE_GUEST_PAT, KVM_X86_QUIRK_SLOT_ZAP_ALL } from '../../arch/kvm-flags.js';
import type { Policy } from '../policy.js';

/** Those that some kernels do not know. */
const QUIRK_NAMES = new Map([
  [KVM_X86_QUIRK_SLOT_ZAP_ALL, 'SLOT_ZAP_ALL'],
  [KVM_X86_QUIRK_IGNORE_GUEST_PAT, 'IGNORE_GUEST_PAT'],
]);

function quirkName(bit: number): string {
  const name = QUIRK_NAMES.get(bit);
  return `quirk 0x${bit.toString(16)}${name === undefined ? '' : ` (${name})`}`;
}

/** What a VMM may ask of a kernel that only some kernels take. */
export interface Request {
  /** Quirks to disable, by KVM_CAP_DISABLE_QUIRKS2: bits 0 to 31. */
  readonly disabledQuirks: number;
  /** A memslot with the flag of proposal P5. */
  readonly slotFlag: boolean;
}

/**
 * What of a request a kernel of this policy answers EINVAL to, on any CPU. A CPU without self-snoop takes IGNORE_GUEST_PAT
 * away too; the policy's decisions count with that.
 */
export function refusals(policy: Policy, { disabledQuirks, slotFlag }: Request): string[] {
  const refused: string[] = [];
  let unknown = (disabledQuirks & ~policy.quirks.supported) >>> 0;
  for (let bit = 1; unknown > 0; bit *= 2, unknown >>>= 1)
    if (unknown % 2 === 1) refused.push(quirkName(bit));
  if (slotFlag && !policy.memslotFlag) refused.push('the memslot flag of proposal P5');
  return refused;
}
