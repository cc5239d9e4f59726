import type { GfnRange, Level } from '../arch/units.js';
import type { ErratumId } from './errata.js';
import type { MtrrMsr } from './sdm/msrs.js';
import type { MtrrState } from './sdm/mtrr.js';
import type { LeafType, Rule, VmType } from './types.js';

/** What a policy may know of a vCPU. */
export interface VcpuView {
  readonly id: number;
  readonly mtrr: MtrrState;
  readonly pat: bigint;
  /** CR0.CD as the guest sees it. */
  readonly cd: boolean;
  readonly maxphyaddr: number;
  /** The guest's CPUID.1:EDX says that there are MTRRs. */
  readonly mtrrCpuid: boolean;
}

/** What a policy may know of the VM. */
export interface VmView {
  readonly vcpus: readonly VcpuView[];
  /** Count of non-coherent DMA devices registered with the VM. */
  readonly noncoherent: number;
  /** Bits that KVM_CAP_DISABLE_QUIRKS2 has disabled, or that were disabled from the start. */
  readonly disabledQuirks: number;
  /** The host CPU snoops its own caches (X86_FEATURE_SELFSNOOP). */
  readonly selfSnoop: boolean;
  /** It hides its memory from the host; undefined for an ordinary VM. */
  readonly vmType?: VmType | undefined;
  /** KVM_MEM_ bit of the proposed memslot flag. */
  readonly memslotFlag: number;
  /** The frames of memslots that have the flag; none where the kernel does not know it. */
  readonly flagged: readonly GfnRange[];
}

/** The page that a leaf would map. */
export interface PageView {
  readonly gfn: number;
  /** The host considers the frame behind it MMIO (`kvm_is_mmio_pfn()`). */
  readonly mmio: boolean;
  /** KVM_MEM_ flags of its memslot. */
  readonly slotFlags: number;
}

/** What a policy decides for a page. */
export interface Decision {
  readonly type: LeafType;
  readonly ipat: boolean;
}

/** Why a leaf may be stale after an event that zapped nothing. */
export type StaleCause = 'mtrr' | 'cr0-guest' | 'cr0-host' | 'noncoherent' | 'quirks' | 'dirty-log-off';

/** How a kernel treats KVM_CAP_DISABLE_QUIRKS2. */
export interface QuirkRules {
  /** Bits that KVM_CHECK_EXTENSION reports, unless the model is told what it really said. */
  readonly supported: number;
  /** Those of them that are there only if the CPU snoops its own caches. */
  readonly needSelfSnoop: number;
  /** Bits disabled at VM creation because they do not apply to this hardware. */
  readonly disabledAtCreation: number;
  /** `assign`: the last call decides, so a quirk can come back; `or`: once disabled, disabled. */
  readonly update: 'assign' | 'or';
}

/** Which changes make a kernel drop leaves. */
export interface ZapRules {
  /** After a successful MTRR write: the argument of kvm_zap_gfn_range(), or undefined if it is not called. */
  mtrr(vm: VmView, vcpu: VcpuView, msr: MtrrMsr): GfnRange | undefined;
  /** After the guest toggled CR0.CD. */
  cr0(vm: VmView): boolean;
  /** After the count of non-coherent devices went from 0 to 1 or from 1 to 0. */
  noncoherent(vm: VmView): boolean;
  /** After a memslot was deleted or moved: every leaf of the VM, or the slot's. */
  memslot(vm: VmView): 'all' | 'slot';
}

/** What becomes of huge leaves where small ones are needed. */
export interface HugeLeafRules {
  /** A fault that needs a small leaf drops the huge one, or splits it (`kvm_tdp_mmu_map()`). */
  readonly inTheWay: 'zap' | 'split';
  /** KVM_CLEAR_DIRTY_LOG of a log that started full splits up to its last page, that included. */
  readonly splitToEnd: boolean;
}

/** How a kernel routes and stores MTRR MSRs. */
export interface MsrRules {
  /** Whether a number in 0x200..0x2ff (no PAT, no MTRR) reaches the MTRR code: INVAL there, else UNKNOWN. */
  invalidNotUnknown(msr: number): boolean;
  /**
   * A reserved bit of a variable MTRR may give two #GPs (D6): one by `kvm_mtrr_valid()`, which KVM_SET_MSRS calls too, and one by who
   * called it.
   */
  readonly mayRepeatGp: boolean;
  /** An INIT may set CR0.CD and CR0.NW, which the SDM has stay as they are (`vmx_vcpu_reset()`). */
  readonly initMaySetCd: boolean;
  /** Values of variable MTRRs are read back without the bits above MAXPHYADDR. */
  readonly masksReservedOnRead: boolean;
}

/** The eras of what mainline KVM makes of guest MTRRs, PAT and CR0.CD. */
export type Era = 'A' | 'B' | 'C' | 'D' | 'E';

/** A change to KVM that was proposed. P5 stands for both of its forms in one kernel. */
export type ProposalName = 'P2' | 'P5' | 'P5-device' | 'P5-memslot' | 'P5-memslot-mtrr';

/** Major, minor, patch level and release candidate of a kernel, as many of them as matter. */
export type VersionPrefix = readonly [number, ...number[]];

/** Kernels by their numbers, both ends included: `[6, 4]` as the last is all of 6.4.y. */
export interface VersionRange {
  readonly first: VersionPrefix;
  /** Undefined where kernels are still so. */
  readonly last?: VersionPrefix;
}

/** What one kernel (or a proposed change to it) does. Pure data and pure functions. */
export interface Policy {
  /** `base`, and each proposal behind a plus. */
  readonly name: string;
  readonly era: Era;
  /** Name of the policy of the same kernels without the proposals. */
  readonly base: string;
  readonly proposals: readonly ProposalName[];
  /** The kernels that have it by their number; of a policy with a proposal, those that have its base. */
  readonly versions: VersionRange;
  readonly aliases: readonly string[];
  readonly title: string;
  /** The kernel at hand has it by a patch, and another version than these. */
  readonly patched?: true;
  /** The kernels that behave so, for people. */
  readonly kernels: string;
  /** Leaves carry EPT types, none (AMD nested paging), or there is no second level of paging at all. */
  readonly paging: 'ept' | 'npt' | 'shadow';
  readonly quirks: QuirkRules;
  readonly zaps: ZapRules;
  readonly msrs: MsrRules;
  /** The type and IPAT of the leaf that a fault of this vCPU on this page makes; `why` receives the chain of rules. */
  decide(vm: VmView, vcpu: VcpuView, page: PageView, why?: Rule[]): Decision;
  /** The largest leaf that the memory types allow at a frame. */
  maxLevel(vm: VmView, vcpu: VcpuView, gfn: number): Level;
  /** Departures from the SDM that decided the type of a page. */
  errata(vm: VmView, vcpu: VcpuView, page: PageView): ErratumId[];
  readonly stale: Readonly<Partial<Record<StaleCause, ErratumId>>>;
  /** When dirty logging ends: page tables that could be huge are zapped, or replaced by a huge leaf in place. */
  readonly dirtyLogOff: 'zap' | 'recover';
  readonly hugeLeaves: HugeLeafRules;
  /** KVM_PRE_FAULT_MEMORY of a page that a leaf maps leaves that as it is, or makes it anew in its place. */
  readonly preFault: 'keep' | 'remake';
  /** It never ends for a vCPU whose page tables have all gone since it ran. */
  readonly preFaultSticks: boolean;
  /** KVM's VFIO device lets go of what it has when its file is closed, or only with the VM (`kvm_vfio_ops`). */
  readonly vfioEnds: 'close' | 'vm';
  /** The kernel has KVM_DEV_TYPE_VIRTIO. */
  readonly virtioDevice: boolean;
  /** The kernel accepts the proposed memslot flag. */
  readonly memslotFlag: boolean;
}
