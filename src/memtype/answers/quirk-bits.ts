import { KVM_X86_QUIRK_IGNORE_GUEST_PAT } from '../../arch/kvm-flags.js';
import { supportedQuirks } from '../policies/quirks.js';
import type { Policy, VersionRange } from '../policy.js';
import { shareOf, type VersionSpan } from './span.js';

/** What KVM_CAP_DISABLE_QUIRKS2 answers, before CPU and paging take bits away. */
interface QuirkRow {
  readonly versions: VersionRange;
  /** Bits that every kernel of these versions has. */
  readonly all: number;
  /** Bits that some may have. */
  readonly some: number;
}

/** Every bit that any kernel has. */
const KNOWN = 0xfff;
/** Bits of kernels that are newer than any that was read. */
const FUTURE = 0xffff_f000;

/**
 * KVM_X86_VALID_QUIRKS (asm/kvm_host.h, in 7.3 x86.c) as read in 5.10.262, 6.1.192, 6.12.107, 6.12.118, 7.2.13 and 7.3.4. Of series that
 * were not read the bits above those of their first release may be there: 6.12.78 and 6.18.44 got some from later kernels.
 */
const ROWS: readonly QuirkRow[] = [
  // The capability itself came with 6d8491910fcd, in 5.18: before, the answer is 0.
  { versions: { first: [0], last: [5, 17] }, all: 0, some: 0 },
  { versions: { first: [5, 18], last: [5, 19] }, all: 0x1f, some: 0x60 },
  { versions: { first: [6, 0], last: [6, 1] }, all: 0x7f, some: 0 },
  { versions: { first: [6, 2], last: [6, 11] }, all: 0x7f, some: KNOWN & ~0x7f },
  { versions: { first: [6, 12, 0, 0], last: [6, 12, 77] }, all: 0xff, some: 0x100 },
  { versions: { first: [6, 12, 78], last: [6, 12, 106] }, all: 0x3ff, some: 0x400 },
  { versions: { first: [6, 12, 107], last: [6, 12] }, all: 0x7ff, some: 0 },
  { versions: { first: [6, 13], last: [6, 15] }, all: 0xff, some: KNOWN & ~0xff },
  { versions: { first: [6, 16], last: [7, 1] }, all: 0x3ff, some: KNOWN & ~0x3ff },
  { versions: { first: [7, 2], last: [7, 3] }, all: 0xfff, some: 0 },
  { versions: { first: [7, 4] }, all: 0xfff, some: FUTURE },
];

/** Bits that are there, and those that may be. */
export interface QuirkBits {
  readonly all: number;
  readonly some: number;
}

/** The bits of the kernels of a span, whatever their CPU. */
function bitsOf(span: VersionSpan): QuirkBits {
  const rows = ROWS.filter(({ versions }) => shareOf(span, versions) !== 'none');
  const all = rows.reduce((bits, row) => bits & row.all, KNOWN);
  const any = rows.reduce((bits, row) => bits | row.all | row.some, 0);
  return { all, some: (any & ~all) >>> 0 };
}

/**
 * What KVM_CAP_DISABLE_QUIRKS2 answers on a kernel of these versions under a policy. Whether IGNORE_GUEST_PAT is among the bits is what
 * tells era E from D, so with EPT the policy decides it (`vmx_hardware_setup()` takes it away without self-snoop); without, it
 * goes with shadow paging (`kvm_x86_vendor_init()`), and stays on AMD. A kernel that a patch brought to a policy has the quirks of that.
 */
export function quirkBits(policy: Policy, span: VersionSpan, selfSnoop: boolean): QuirkBits {
  const { all, some } = policy.patched ? { all: policy.quirks.supported, some: 0 } : bitsOf(span);
  if (policy.paging === 'npt') return { all, some };
  const ignorePat = policy.paging === 'ept' ? supportedQuirks(policy, selfSnoop) : 0;
  const others = ~KVM_X86_QUIRK_IGNORE_GUEST_PAT;
  return {
    all: (all & others) | (ignorePat & KVM_X86_QUIRK_IGNORE_GUEST_PAT),
    some: (some & others) >>> 0,
  };
}
