import * as caps from '../../arch/kvm-caps.js';
import type { VersionPrefix, VersionRange } from '../policy.js';

/** What KVM_CHECK_EXTENSION answers about one capability: 0 before the first of these versions. */
export interface ExtensionFact {
  readonly cap: number;
  readonly since: readonly (readonly [version: VersionPrefix, value: number])[];
  /** Versions of which it was not read when the answer changed. */
  readonly unread?: VersionRange;
  /** Only where guests are mapped by a second level of paging (`tdp_enabled`). */
  readonly needsTdp?: true;
  /** The kernel's function that answers. */
  readonly source: string;
}

const X86 = 'kvm_vm_ioctl_check_extension()';
const GENERIC = 'kvm_vm_ioctl_check_extension_generic()';
const ALWAYS: VersionPrefix = [0];
/** KVM_DIRTY_RING_MAX_ENTRIES of struct kvm_dirty_gfn. */
const DIRTY_RING_BYTES = 65536 * 16;
/** KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE and KVM_DIRTY_LOG_INITIALLY_SET. */
const MANUAL_CAPS = 3;

const there = (
  cap: number,
  version: VersionPrefix,
  source: string,
  more: Partial<ExtensionFact> = {},
): ExtensionFact => ({ cap, since: [[version, 1]], source, ...more });

/**
 * The capabilities that scenarios and the machine under them rest on, as 5.10.262, 6.1.192, 6.12.118, 7.2.13 and 7.3.4 have them. Those that a
 * build's configuration decides (CONFIG_KVM_SMM, CONFIG_KVM_GUEST_MEMFD, the number of vCPUs) are left out.
 */
export const EXTENSIONS: readonly ExtensionFact[] = [
  there(caps.KVM_CAP_USER_MEMORY, ALWAYS, GENERIC),
  {
    cap: caps.KVM_CAP_NR_MEMSLOTS,
    since: [
      [[0], 509],
      [[5, 12], 32764],
    ],
    unread: { first: [5, 11], last: [5, 13] },
    source: GENERIC,
  },
  there(caps.KVM_CAP_SYNC_MMU, ALWAYS, X86),
  there(caps.KVM_CAP_DESTROY_MEMORY_REGION_WORKS, ALWAYS, GENERIC),
  there(caps.KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, ALWAYS, GENERIC),
  there(caps.KVM_CAP_READONLY_MEM, ALWAYS, X86),
  there(caps.KVM_CAP_DEVICE_CTRL, [6, 10], GENERIC, { unread: { first: [6, 2], last: [6, 11] } }),
  there(caps.KVM_CAP_ENABLE_CAP_VM, [5, 0], GENERIC, { unread: { first: [0], last: [5, 0] } }),
  there(caps.KVM_CAP_CHECK_EXTENSION_VM, ALWAYS, GENERIC),
  there(caps.KVM_CAP_DISABLE_QUIRKS, ALWAYS, X86),
  there(caps.KVM_CAP_IMMEDIATE_EXIT, [4, 11], X86),
  there(caps.KVM_CAP_GET_MSR_FEATURES, [4, 17], X86, { unread: { first: [0], last: [4, 17] } }),
  {
    cap: caps.KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
    since: [[[5, 7], MANUAL_CAPS]],
    unread: { first: [5, 0], last: [5, 7] },
    source: GENERIC,
  },
  there(caps.KVM_CAP_X86_USER_SPACE_MSR, [5, 10], X86),
  there(caps.KVM_CAP_X86_MSR_FILTER, [5, 10], X86),
  { cap: caps.KVM_CAP_DIRTY_LOG_RING, since: [[[5, 11], DIRTY_RING_BYTES]], source: GENERIC },
  there(caps.KVM_CAP_BINARY_STATS_FD, [5, 14], GENERIC),
  there(caps.KVM_CAP_VM_DISABLE_NX_HUGE_PAGES, [6, 0], X86),
  {
    cap: caps.KVM_CAP_DIRTY_LOG_RING_ACQ_REL,
    since: [[[6, 1], DIRTY_RING_BYTES]],
    unread: { first: [6, 0], last: [6, 0] },
    source: GENERIC,
  },
  there(caps.KVM_CAP_USER_MEMORY2, [6, 8], GENERIC),
  there(caps.KVM_CAP_MEMORY_FAULT_INFO, [6, 8], X86),
  there(caps.KVM_CAP_PRE_FAULT_MEMORY, [6, 11], X86, { needsTdp: true }),
];

/** The name of a capability that the model knows, such as KVM_CAP_READONLY_MEM. */
export const capName = (cap: number): string | undefined =>
  Object.entries(caps).find(([, number]) => number === cap)?.[0];
