import { quirkName } from '../../arch/quirk-names.js';
import type { Policy } from '../policy.js';

function quirkText(bit: number): string {
  const name = quirkName(bit);
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
    if (unknown % 2 === 1) refused.push(quirkText(bit));
  if (slotFlag && !policy.memslotFlag) refused.push('the memslot flag of proposal P5');
  return refused;
}
