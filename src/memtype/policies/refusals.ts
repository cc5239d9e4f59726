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
  /** The host CPU snoops its own caches; taken for granted where it is not told. */
  readonly selfSnoop?: boolean;
}

/** Something that is answered with EINVAL. */
export interface Refusal {
  readonly what: string;
  /** The kernel does not know it, or knows it but takes it away on this CPU. */
  readonly by: 'kernel' | 'cpu';
}

/** The bits that are set, lowest first. */
const bitsOf = (mask: number): number[] =>
  Array.from({ length: 32 }, (_, i) => 2 ** i).filter((bit) => Math.floor(mask / bit) % 2 === 1);

/**
 * What of a request a kernel of this policy answers EINVAL to. On a CPU without self-snoop that is IGNORE_GUEST_PAT too:
 * `vmx_hardware_setup()` takes it out of the supported quirks.
 */
export function refusals(policy: Policy, { disabledQuirks, slotFlag, selfSnoop = true }: Request): Refusal[] {
  const { supported, needSelfSnoop } = policy.quirks;
  const unknown = (disabledQuirks & ~supported) >>> 0;
  const takenAway = selfSnoop ? 0 : disabledQuirks & supported & needSelfSnoop;
  return [
    ...bitsOf(unknown).map((bit): Refusal => ({ what: quirkText(bit), by: 'kernel' })),
    ...bitsOf(takenAway).map((bit): Refusal => ({ what: quirkText(bit), by: 'cpu' })),
    ...(slotFlag && !policy.memslotFlag
      ? [{ what: 'the memslot flag of proposal P5', by: 'kernel' } as const]
      : []),
  ];
}
