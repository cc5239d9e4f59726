import type { GfnRange, Level } from '../../arch/units.js';
import type { ErratumId } from '../errata.js';
import type { Decision } from '../policy.js';
import type { Rule } from '../types.js';
import type { HostPageChange } from './host-pages.js';
import type { Leaf } from './leaves.js';

/** One step of a guest or of its VMM that can bear on memory types. */
export type ModelEvent =
  | MemslotEvent
  | { kind: 'wrmsr'; vcpu: number; msr: number; value: bigint; by: 'guest' | 'host' }
  | { kind: 'msrs'; vcpu: number; ops: readonly MsrAccess[]; by: 'guest' | 'host' }
  /** These MSRs of vCPU `from` are written to `vcpu` by the host, in order. */
  | { kind: 'restore'; vcpu: number; from: number; msrs: readonly number[] }
  | { kind: 'cr0'; vcpu: number; value: bigint; by: 'guest' | 'host' }
  | { kind: 'noncoherent'; delta: 1 | -1; via?: 'vfio' | 'virtio' }
  | { kind: 'disable-quirks'; mask: number; cap?: 'quirks' | 'quirks2' }
  | { kind: 'cpuid'; vcpu: number; maxphyaddr: number; mtrr: boolean }
  | AccessEvent
  | NestedAccessEvent
  | HostMemoryEvent
  | PreFaultEvent
  | { kind: 'dirty-log'; slot: number; on: boolean }
  | { kind: 'get-dirty-log'; slot: number }
  | { kind: 'clear-dirty-log'; slot: number; first: number; npages: number }
  | { kind: 'manual-protect'; initiallySet: boolean }
  /** These vCPUs run something that bears on no memory type by itself. */
  | { kind: 'run'; vcpus: readonly number[] };

/** One access of an MSR: a write if there is a value, else a read. */
export interface MsrAccess {
  readonly msr: number;
  readonly value?: bigint;
  /** KVM's filter denies it and nobody answers in KVM's stead. */
  readonly denied?: true;
}

/** What became of an access: a write was done, a value was read, or KVM refuses for this KVM_MSR_EXIT_REASON_. */
export type MsrAnswer = 'ok' | bigint | MsrRefusal;

/** A KVM_MSR_EXIT_REASON_. */
export type MsrRefusal = 'INVAL' | 'UNKNOWN' | 'FILTER';

/** Whether KVM refuses the access. */
export const isRefusal = (answer: MsrAnswer): answer is MsrRefusal =>
  answer === 'INVAL' || answer === 'UNKNOWN' || answer === 'FILTER';

/** KVM_SET_USER_MEMORY_REGION; `npages` 0 deletes the slot. */
export interface MemslotEvent {
  kind: 'memslot';
  slot: number;
  gfn: number;
  npages: number;
  backing: 'ram' | 'mmio';
  flags: number;
  /** The largest leaf that the host's memory allows (page size, congruence of gpa and hva); 3 if not told. */
  hostLevel?: Level;
  /** The leaf that it allows for certain; 1 if not told. */
  sureLevel?: Level;
  /** Which of the host's memory is behind it, that of the number of its own slot if not told. */
  memory?: number;
  /** How many pages of that lie before the slot; none if not told. */
  offset?: number;
}

/** The host takes memory away, or changes what may be done with it. */
export type HostMemoryEvent = HostPageChange & { kind: 'host-memory' };

/** A guest access, after which the page is mapped. */
export interface AccessEvent {
  kind: 'access';
  vcpu: number;
  gfn: number;
  access: 'read' | 'write' | 'fetch';
  /** The level that was really mapped, if it was seen; the least that is right if not told. */
  level?: Level;
}

/**
 * Accesses by a guest (L2) of the guest (L1), after which the pages are mapped in KVM's shadow of L1's EPT. `mapping` tells apart the
 * leaves of L1's EPT, of size `level`, through which it reaches them.
 */
export interface NestedAccessEvent {
  kind: 'nested-access';
  vcpu: number;
  pages: readonly { mapping: number; gfn: number; level: Level }[];
}

/** KVM_PRE_FAULT_MEMORY of a vCPU. */
export interface PreFaultEvent {
  kind: 'pre-fault';
  vcpu: number;
  gfn: number;
  npages: number;
}

/** What one event must bring about, and why. */
export interface Effect {
  /** Leaves that come into being. */
  made: Leaf[];
  /** Leaves that come into being in the shadow of L1's EPT. Those that go are not told of: the next access makes them again. */
  shadowMade: Leaf[];
  /** Leaves that go. */
  zapped: Leaf[];
  /** Huge leaves replaced by 512 of the next size with the same type and IPAT. */
  split: Leaf[];
  /** Each call of kvm_zap_gfn_range(), also one that finds no leaf; the end may lie at or below the start (D5). */
  zapCalls: GfnRange[];
  /** Leaves in these ranges may go, as the host's memory decides. */
  mayZap: GfnRange[];
  /** Every root is dropped at once, with all of its leaves: kvm_mmu_zap_all_fast(). */
  fastZap: boolean;
  /** Leaves in these ranges may change in their permissions and in their accessed and dirty bits, as logging asks. */
  mayRewrite: GfnRange[];
  /** A write made this leaf writable again without a lock, which nothing tells of (`fast_page_fault()`). */
  fixed?: Leaf;
  /** Leaves that are made anew in the place of those at the same frames. */
  remade: Leaf[];
  /** How many pages of those that KVM_PRE_FAULT_MEMORY was given it leaves, as the rest is in no memslot. */
  left?: number;
  /** The access ends in an MMIO exit: nothing may be mapped there for it. */
  mmio?: true;
  /** Pages of the slot, from its start, that KVM_GET_DIRTY_LOG names, in order. */
  dirty?: readonly number[];
  /** These huge leaves may replace the small ones that they cover, as the host's memory decides. */
  mayMerge: Leaf[];
  /** An access found a leaf that is not what a fault now would make; it stays. */
  stale?: { leaf: Leaf; fresh: Decision };
  /** The write succeeded, or failed: #GP in the guest, or one entry not processed by KVM_SET_MSRS. */
  msr?: 'ok' | 'gp';
  /** KVM_MSR_EXIT_REASON_ of a failed write. */
  msrReason?: 'INVAL' | 'UNKNOWN';
  /** Of several MSR accesses, what became of each; of those by an ioctl, up to the first that is refused. */
  msrs?: MsrAnswer[];
  /** The guest's write to CR0 faults. */
  cr0?: 'ok' | 'gp';
  /** The ioctl fails with this errno, and changes nothing. */
  refused?: 'EINVAL' | 'EEXIST' | 'ENODEV' | 'ENOENT' | 'EINTR';
  /** Errata in play. */
  notes: ErratumId[];
  /** Why leaves were zapped, or were not although their inputs changed. */
  why: Rule[];
}

/** An effect in which nothing happened yet. */
export function emptyEffect(): Effect {
  return {
    made: [],
    shadowMade: [],
    zapped: [],
    split: [],
    zapCalls: [],
    mayZap: [],
    fastZap: false,
    mayRewrite: [],
    mayMerge: [],
    remade: [],
    notes: [],
    why: [],
  };
}

/** A reference to something the VM does not have, or a number out of range: a mistake of the caller, not of the guest. */
export class ModelError extends Error {
  override readonly name = 'ModelError';
  readonly code = 'MEMTYPE_EVENT';
}
