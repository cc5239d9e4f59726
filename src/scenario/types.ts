import type { CountedWay, DmaWay } from '../arch/dma-ways.js';
import type { MemType } from '../arch/memory-types.js';
import type { Question } from '../arch/questions.js';

/** What a scenario needs of the machine that runs it; each need that is not met is a skip with its reason. */
export type Need =
  | 'ept-leaves' // EPT and a way to see its leaves
  | 'noncoherent' // a way to register non-coherent DMA with the VM, any
  | DmaWay // this way
  | 'no-virtio-device' // a kernel without KVM_DEV_TYPE_VIRTIO
  | 'no-memslot-flag' // a kernel without KVM_MEM_NON_COHERENT_DMA
  | 'pci-bar' // a PCI BAR to use as a memslot
  | 'tdp-mmu' // the TDP MMU maps guests, not the legacy one
  | 'huge-pages' // transparent huge pages for memory that asks for them
  | 'gib-pages' // a page of 1 GiB that the host keeps for hugetlbfs, and EPT leaves as large
  | 'quirk-cd-nw-cleared' // KVM_X86_QUIRK_CD_NW_CLEARED can be disabled
  | 'quirk-slot-zap-all' // KVM_X86_QUIRK_SLOT_ZAP_ALL can be disabled
  | 'pre-fault' // KVM_PRE_FAULT_MEMORY
  | 'nested' // VMX for the guest, so that it can run a guest of its own
  | 'known-vendor'; // kvm_intel or kvm_amd, whose MSR rules the model knows

/** Who makes a change: the guest's own instruction, or the VMM through an ioctl. */
export type Actor = 'guest' | 'host';

/** A quirk of KVM that bears on memory types, and that a scenario can disable. */
export type QuirkName = 'ignore-guest-pat' | 'cd-nw-cleared' | 'slot-zap-all';

/** A short literal such as `WB+IPAT` that an access must give under the named policies. */
export type Claims = Readonly<Record<string, string>>;

/** `ok`, or the name of the errno with which an ioctl must fail. */
export type IoctlResult = 'ok' | 'EINVAL' | 'EEXIST' | 'ENODEV' | 'ENOENT' | 'ENXIO' | 'EBUSY';

/** The result of a step about something that is not there, or that makes what is there: no ioctl is made. */
export const NOT_TAKEN = 'not-taken';

/** Attach non-coherent DMA, or detach it: the device of the given name, or else the one attached last. */
export interface NoncoherentStep {
  do: 'noncoherent';
  on: boolean;
  /** The default provider if not told. */
  via?: CountedWay;
  device?: string;
  /** Close KVM's VFIO device to detach, with the file still in it. */
  close?: true;
  /** Add the file of `device`, which is attached, once more. */
  again?: true;
}

/** One ioctl about a KVM_DEV_TYPE_VIRTIO device; `device` is the scenario's own name for it. */
export interface VirtioStep {
  do: 'virtio';
  op: 'create-test' | 'create' | 'has-attr' | 'set-attr' | 'close';
  device: string;
  /** KVM_DEV_VIRTIO_NONCOHERENT, or a wrong one. */
  group: number;
  /** KVM_DEV_VIRTIO_NONCOHERENT_SET, or a wrong one. */
  attr: number;
  result: IoctlResult;
}

/** A KVM_MEM_ flag of a memslot. */
export type MemslotFlag = 'log-dirty-pages' | 'readonly' | 'non-coherent-dma';

/** KVM_SET_USER_MEMORY_REGION; a slot that exists keeps its memory. */
export interface MemslotStep {
  do: 'memslot';
  slot: number;
  gpa: bigint;
  pages: number;
  /** `huge-ram` is backed by transparent huge pages, `gib-ram` by the one page of 1 GiB that all scenarios of a run share. */
  backing: 'ram' | 'huge-ram' | 'gib-ram' | 'pci-bar';
  /** How many pages of its memory lie before the slot; none unless told. */
  offset?: number;
  /** A slot whose memory a new one takes, from page `offset` on, instead of memory of its own. */
  memoryOf?: number;
  flags?: readonly MemslotFlag[];
  result?: IoctlResult;
}

/**
 * The host takes a part of its memory away from a guest, or changes how it may be used: MADV_DONTNEED, munmap, mprotect for reading only,
 * and for writing again. `first` counts pages from where the slot begins; the part may go on behind the slot.
 */
export interface HostMemoryStep {
  do: 'host-memory';
  op: 'discard' | 'unmap' | 'protect' | 'unprotect';
  slot: number;
  first: number;
  pages: number;
}

/** What a VMM does with the log of the pages that a guest wrote. */
export type DirtyLogStep =
  /** KVM_GET_DIRTY_LOG; the model says which pages it must name. */
  | { do: 'get-dirty-log'; slot: number; result?: IoctlResult }
  /** KVM_CLEAR_DIRTY_LOG of so many pages, from page `first` of the slot on. */
  | { do: 'clear-dirty-log'; slot: number; first: number; pages: number; result?: IoctlResult }
  /** KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2: reading a log clears nothing; `initiallySet`: a log starts with every page in it. */
  | { do: 'manual-protect'; initiallySet: boolean };

/**
 * A guest of the guest's own (L2) accesses memory that the guest (L1) knows as `gpa`, through a leaf of L1's EPT with this size, memory
 * type and IPAT.
 */
export interface NestedAccessStep {
  do: 'nested-access';
  vcpu: number;
  gpa: bigint;
  access: 'read' | 'write';
  size: '4K' | '2M';
  type: MemType;
  ipat: boolean;
  claims?: Claims;
}

/** KVM_PRE_FAULT_MEMORY of a vCPU: leaves are made without the guest. */
export interface PreFaultStep {
  do: 'pre-fault';
  vcpu: number;
  gpa: bigint;
  pages: number;
  result?: IoctlResult;
}

/** KVM_CAP_DISABLE_QUIRKS2: a quirk by its name, which the scenario then needs, or a mask of any, which a kernel may refuse. */
export interface DisableQuirkStep {
  do: 'disable-quirk';
  quirk: QuirkName | number;
  /** By KVM_CAP_DISABLE_QUIRKS, the older capability, which refuses nothing. */
  old?: true;
}

/** A question that KVM answers about itself; `number` is what it is about, 0 where it needs none. */
export interface AskStep {
  do: 'ask';
  of: Question;
  number: number;
}

/** One access of an MSR: a write if there is a value, else a read. */
export interface MsrOp {
  msr: number;
  value?: bigint;
}

/**
 * Several accesses in one go. The guest makes every one, whatever becomes of those before it; by the host they are one
 * KVM_SET_MSRS or one KVM_GET_MSRS, which ends at the first that is refused.
 */
export interface MsrsStep {
  do: 'msrs';
  vcpu: number;
  ops: readonly MsrOp[];
  by: Actor;
}

/**
 * A VMM saves a vCPU and restores one: what KVM_GET_MSR_INDEX_LIST names is read from `from` and written to `vcpu` by one ioctl, and with
 * `mtrrs` the MTRRs too, which the list does not name; then CPUID is set again to what it is.
 */
export interface RestoreStep {
  do: 'restore';
  vcpu: number;
  from: number;
  mtrrs: boolean;
}

/** A KVM_MSR_EXIT_REASON_. */
export type MsrExitReason = 'INVAL' | 'UNKNOWN' | 'FILTER';

/** A range of a filter: of `count` MSRs from `base` on, accesses in these directions are denied but for those of the MSRs `allow`. */
export interface FilterRange {
  base: number;
  count: number;
  access: 'read' | 'write' | 'both';
  allow: readonly number[];
}

/** KVM_X86_SET_MSR_FILTER, which replaces the filter; `deny`: what no range is about is denied. */
export interface MsrFilterStep {
  do: 'msr-filter';
  deny: boolean;
  ranges: readonly FilterRange[];
  result?: IoctlResult;
}

/** What a vCPU or the VMM can do while others do something too: the guest's own accesses and writes, and ioctls of the VM. */
export type LaneStep =
  | { do: 'wrmsr'; vcpu: number; msr: number; value: bigint; by: 'guest' }
  | { do: 'access'; vcpu: number; gpa: bigint; access: 'read'; pat: number }
  | { do: 'cd'; vcpu: number; on: boolean; by: 'guest' }
  | NoncoherentStep
  | { do: 'discard'; gpa: bigint; pages: number };

/**
 * Several vCPUs and the VMM at the same time, each on a thread of its own: each takes its own of these steps in order, after waits that
 * come from the seed. In which order the steps of different ones come is not known: what must hold once all have stopped is judged.
 */
export interface TogetherStep {
  do: 'together';
  seed: number;
  steps: readonly LaneStep[];
}

/** One step of a scenario. Addresses and MSR values are `bigint`; `vcpu` counts from 0. */
export type Step =
  | { do: 'wrmsr'; vcpu: number; msr: number; value: bigint; by: Actor }
  | { do: 'rdmsr'; vcpu: number; msr: number; by: Actor }
  | MsrsStep
  | RestoreStep
  | MsrFilterStep
  /** KVM_CAP_X86_USER_SPACE_MSR: refused accesses exit to user space for these reasons, and no others. */
  | { do: 'msr-exits'; reasons: readonly MsrExitReason[] }
  | {
      do: 'access';
      vcpu: number;
      gpa: bigint;
      access: 'read' | 'write' | 'fetch';
      pat: number;
      claims?: Claims;
    }
  | NestedAccessStep
  | { do: 'invept'; vcpu: number }
  /** CR0.CD, and with `nw` CR0.NW, which the guest cannot set without CD. */
  | { do: 'cd'; vcpu: number; on: boolean; by: Actor; nw?: true }
  /** An INIT, and a SIPI with this vector if there is one, by the VMM or the local APIC of vCPU `from`; then the guest goes on where it was. */
  | { do: 'init'; vcpu: number; sipi?: number; from?: number }
  | NoncoherentStep
  | VirtioStep
  | DisableQuirkStep
  | MemslotStep
  | { do: 'delete-memslot'; slot: number }
  | DirtyLogStep
  | { do: 'discard'; gpa: bigint; pages: number }
  | TogetherStep
  | HostMemoryStep
  | PreFaultStep
  | AskStep;

/** How MTRR and PAT MSR accesses of the guest are handled. */
export type MsrMode = 'kernel' | 'filter' | 'filter-drop';

/** A scenario: plain data, run by the executor and judged against the model. */
export interface Scenario {
  /** `family/name`, lower case, unique in the catalogue. */
  name: string;
  /** One sentence that says what is checked. */
  title: string;
  needs: readonly Need[];
  /** 1 to 8. */
  vcpus: number;
  msrMode: MsrMode;
  /** Whether the guest's CPUID reports MTRRs. */
  guestMtrr: boolean;
  /** CR0.CD of every vCPU when the guest starts. */
  startCd: boolean;
  /** Guest MAXPHYADDR in bits, 36 to 52: how far its addresses go, and which bits of an MTRR may be set. */
  maxphyaddr: number;
  /** Whether guest RAM is backed by transparent huge pages. */
  hugeRam: boolean;
  steps: readonly Step[];
}

/** Guest MAXPHYADDR unless a scenario says otherwise, in bits. */
export const GUEST_MAXPHYADDR = 36;

/** Guest RAM of every scenario: slot 0 covers [0, RAM_SIZE); the guest itself lives from GUEST_BASE on. */
export const RAM_SIZE = 0x200_0000;

/** Where the guest's windows onto its memory end: beyond, it reaches only the large pages (2 MiB) that its tables have room for. */
export const WINDOW_END = 1n << 32n;
/** How many these are, each with one PAT entry. */
export const FAR_PAGES = 512;

/** Where the guest itself begins in its RAM. */
export const GUEST_BASE = 0x100_0000;
