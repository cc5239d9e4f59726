import { existsSync, readFileSync } from 'node:fs';
import { cpus, release, version } from 'node:os';
import { DMA_WAYS } from '../arch/dma-ways.js';
import { KVM_X86_QUIRK_CD_NW_CLEARED, KVM_X86_QUIRK_SLOT_ZAP_ALL } from '../arch/kvm-flags.js';
import { CPUID_VMX } from '../arch/vmx.js';
import { missingQuirk, type NoncoherentDma } from '../dma/index.js';
import { listPci, pciDir } from '../dma/pci.js';
import {
  type CpuidEntry,
  KVM_CAP_DISABLE_QUIRKS2,
  KVM_CAP_PRE_FAULT_MEMORY,
  type Kvm,
} from '../kvm/index.js';
import { tracesChanges } from '../observe/spte-observer.js';
import { findTracefs } from '../observe/tracefs.js';
import { hasLegacyMmu } from '../recording/mmu.js';
import type { Environment } from '../recording/recording.js';
import { GUEST_MAXPHYADDR, type Need } from '../scenario/types.js';
import type { Missing } from '../text/missing.js';
import { type GibPage, missingGib } from './memory/gib-page.js';

const PARAMS = [
  'kvm.tdp_mmu',
  'kvm.nx_huge_pages',
  'kvm.eager_page_split',
  'kvm.ignore_msrs',
  'kvm_intel.ept',
  'kvm_intel.pml',
  'kvm_intel.unrestricted_guest',
  'kvm_intel.nested',
  'kvm_amd.npt',
  'vfio.enable_unsafe_noiommu_mode',
] as const;

const paramPath = (name: string): string => `/sys/module/${name.replace('.', '/parameters/')}`;

function readParams(asked: readonly string[]): Record<string, string> {
  const present = [...new Set([...PARAMS, ...asked])].filter((name) => existsSync(paramPath(name)));
  return Object.fromEntries(present.map((name) => [name, readFileSync(paramPath(name), 'utf8').trim()]));
}

/** Memory encryption keeps address bits to itself, which the kernel then does not count. */
const ENCRYPTION = ['tme', 'sme', 'sev'] as const;

interface Cpuinfo {
  flags: Set<string>;
  microcode?: string;
  /** MAXPHYADDR in bits. */
  physBits?: number;
}

/** What /proc/cpuinfo says of the first processor: flags, and what else it has. */
export function readCpuinfo(text: string): Cpuinfo {
  const field = (name: string): string | undefined =>
    new RegExp(`^${name}\\s*:(.*)$`, 'm').exec(text)?.[1]?.trim();
  const microcode = field('microcode');
  const flags = new Set(field('flags')?.split(/\s+/));
  const bits = /^(\d+) bits physical/.exec(field('address sizes') ?? '')?.[1];
  const isWhole = bits !== undefined && !ENCRYPTION.some((flag) => flags.has(flag));
  return { flags, ...(microcode && { microcode }), ...(isWhole && { physBits: Number(bits) }) };
}

/** Whose module runs guests: where both are built in, the parameters of the one that does not fit the CPU are there too. */
export function vendorOf(
  params: Readonly<Record<string, string>>,
  flags: ReadonlySet<string>,
): Environment['vendor'] {
  if ('kvm_intel.ept' in params && flags.has('vmx')) return 'intel';
  return 'kvm_amd.npt' in params && flags.has('svm') ? 'amd' : 'other';
}

const on = (value: string | undefined): boolean => value === 'Y' || value === '1';

/** How the module of `vendor` maps guests. */
export function pagingOf(
  params: Readonly<Record<string, string>>,
  vendor: Environment['vendor'],
): Environment['paging'] {
  if (vendor === 'intel' && on(params['kvm_intel.ept'])) return 'ept';
  return vendor === 'amd' && on(params['kvm_amd.npt']) ? 'npt' : 'shadow';
}

/** Addresses that four levels of EPT map. */
const FOUR_LEVELS = 48;

/**
 * Bits of the addresses that KVM maps: GuestPhysAddrSize (EAX 23:16), which 6.9 and later fill in, else MAXPHYADDR; nothing tells
 * there whether EPT has a fifth level, for more than 48.
 */
export function gpaBitsOf(cpuid: readonly CpuidEntry[]): number {
  const eax = cpuid.find((entry) => entry.function === 0x80000008)?.eax ?? GUEST_MAXPHYADDR;
  return Math.min(eax & 0xff, (eax >> 16) & 0xff || FOUR_LEVELS);
}

/** Path of a PCI BAR of the device `bdf` that can be mapped, or undefined. */
export function pciBarOf(bdf: string): string | undefined {
  return [`${pciDir(bdf)}/resource0`].find((path) => existsSync(path));
}

type Mmu = Pick<Environment, 'paging' | 'params' | 'tracesChanges'>;

/** What of the trace there is, where it can be read. */
function traceOf(): Pick<Environment, 'tracesChanges'> {
  const tracefs = findTracefs();
  return 'root' in tracefs ? { tracesChanges: tracesChanges(tracefs.root) } : {};
}

function missingLeaves({ paging, params, tracesChanges }: Mmu): Missing | undefined {
  if (paging === 'shadow') {
    return {
      reason: 'this KVM maps guests by shadow paging: there are no EPT leaves',
      lift: 'run on an Intel host with kvm_intel.ept=Y, or in the lab with --kernel',
    };
  }
  if (tracesChanges === false && on(params['kvm.tdp_mmu'])) {
    return {
      reason: 'no event of this kernel’s trace tells of changes by the TDP MMU, which maps guests',
      lift: 'load kvm with tdp_mmu=N, in the lab without --param kvm.tdp_mmu=Y',
    };
  }
  const tracefs = findTracefs();
  return 'root' in tracefs ? undefined : tracefs;
}

/** kvm_rmap_zap_collapsible_sptes() and kvm_tdp_mmu_recover_huge_pages(): the end of dirty logging. */
const NO_TDP_MMU: Missing = {
  reason: 'the legacy MMU maps guests: it drops small leaves where the TDP MMU replaces them by a huge one',
  lift: 'load kvm with tdp_mmu=Y, in the lab without --param kvm.tdp_mmu=N',
};

const NO_PRE_FAULT: Missing = {
  reason: 'this kernel has no KVM_PRE_FAULT_MEMORY',
  lift: 'run on Linux 6.11 or later',
};

/** Why leaves that are faulted in ahead cannot be followed. */
function missingPreFault(kvm: Kvm, paging: Environment['paging']): Missing | undefined {
  if (kvm.checkExtension(KVM_CAP_PRE_FAULT_MEMORY) === 0) return NO_PRE_FAULT;
  if (paging === 'ept') return undefined;
  return {
    reason:
      'leaves that are faulted in ahead have their accessed bit clear, which entries without memory types have among the bits of the type',
    lift: 'run on an Intel host with kvm_intel.ept=Y, or in the lab with --kernel',
  };
}

const THP = '/sys/kernel/mm/transparent_hugepage/enabled';

function missingHugePages(): Missing | undefined {
  const enabled = existsSync(THP) ? readFileSync(THP, 'utf8') : '';
  if (/\[(always|madvise)\]/.test(enabled)) return undefined;
  return { reason: 'this host gives no transparent huge pages', lift: `echo madvise > ${THP} (as root)` };
}

/** Why the guest cannot run a guest of its own whose leaves are told from the guest's. */
function missingNested(kvm: Kvm, mmu: Mmu): Missing | undefined {
  const { paging, params } = mmu;
  if (paging !== 'ept')
    return {
      reason: 'a guest of the guest has leaves with memory types only where kvm_intel maps guests by EPT',
      lift: 'run on an Intel host with kvm_intel.ept=Y, or in the lab with --kernel',
    };
  if (hasLegacyMmu(mmu))
    return {
      reason:
        'the legacy MMU maps guests: its trace does not tell leaves of a guest’s guest from the guest’s',
      lift: 'load kvm with tdp_mmu=Y, in the lab without --param kvm.tdp_mmu=N',
    };
  if (!kvm.supportedCpuid().some((leaf) => leaf.function === 1 && (leaf.ecx & CPUID_VMX) !== 0))
    return { reason: 'this KVM gives guests no VMX', lift: 'load kvm_intel with nested=Y' };
  if (on(params['kvm_intel.unrestricted_guest'])) return undefined;
  return {
    reason: 'the processor cannot run a guest without paging, as the guest of the guest is',
    lift: 'run on a processor with unrestricted guests, and kvm_intel.unrestricted_guest=Y',
  };
}

const UNKNOWN_VENDOR: Missing = {
  reason:
    'neither kvm_intel nor kvm_amd runs guests here, and it is the vendor module that checks PAT writes',
  lift: 'run where kvm_intel or kvm_amd is loaded, or in the lab with --kernel',
};

/** Why a scenario that shows a feature's absence cannot run. */
const tooNew = (feature: string): Missing => ({
  reason: `this kernel has ${feature}`,
  lift: 'run on a kernel without the patch',
});

function missingDma(dma: NoncoherentDma): Partial<Record<Need, Missing | undefined>> {
  return {
    noncoherent: dma.missingAll,
    ...Object.fromEntries(DMA_WAYS.map((way) => [way, dma.missing(way)])),
    'no-virtio-device': dma.virtio.present ? tooNew('KVM_DEV_TYPE_VIRTIO') : undefined,
    'no-memslot-flag': dma.memslot.present ? tooNew('KVM_MEM_NON_COHERENT_DMA') : undefined,
  };
}

/**
 * Describe this machine's KVM, and say which needs of scenarios it cannot meet.
 * @param asked module parameters to tell of beside the usual ones
 * @param gib a page of 1 GiB that may be taken already
 */
export function describeEnvironment(
  kvm: Kvm,
  dma: NoncoherentDma,
  asked: readonly string[] = [],
  gib?: GibPage,
): Environment {
  const params = readParams(asked);
  const cpuinfo = readFileSync('/proc/cpuinfo', 'utf8');
  const { flags, microcode, physBits } = readCpuinfo(cpuinfo);
  const vendor = vendorOf(params, flags);
  const mmu: Mmu = { paging: pagingOf(params, vendor), params, ...traceOf() };
  const quirks = kvm.checkExtension(KVM_CAP_DISABLE_QUIRKS2);
  const noBar: Missing = {
    reason: 'no PCI device was named whose BAR may be mapped',
    lift: listPci().length > 0 ? 'name one with --vfio <pci address>' : 'run where there is a PCI device',
  };
  const candidates: Partial<Record<Need, Missing | undefined>> = {
    ...missingDma(dma),
    'ept-leaves': missingLeaves(mmu),
    'tdp-mmu': hasLegacyMmu(mmu) ? NO_TDP_MMU : undefined,
    'huge-pages': missingHugePages(),
    'gib-pages': missingGib(mmu.paging, cpuinfo, gib),
    'pci-bar': dma.device === undefined || pciBarOf(dma.device) === undefined ? noBar : undefined,
    'quirk-cd-nw-cleared': missingQuirk(quirks, KVM_X86_QUIRK_CD_NW_CLEARED),
    'quirk-slot-zap-all': missingQuirk(quirks, KVM_X86_QUIRK_SLOT_ZAP_ALL),
    'pre-fault': missingPreFault(kvm, mmu.paging),
    nested: missingNested(kvm, mmu),
    'known-vendor': vendor === 'other' ? UNKNOWN_VENDOR : undefined,
  };
  return {
    release: release(),
    version: version(),
    ...(microcode !== undefined && { microcode }),
    cpuModel: cpus()[0]?.model ?? 'unknown',
    vendor,
    ...mmu,
    quirks,
    selfSnoop: flags.has('ss'),
    cpu: { mtrr: flags.has('mtrr'), pat: flags.has('pat'), ...(physBits !== undefined && { physBits }) },
    gpaBits: gpaBitsOf(kvm.supportedCpuid()),
    virtioType: dma.virtio.type,
    memslotFlag: dma.memslot.flag,
    noncoherent: dma.default ?? null,
    missing: Object.fromEntries(Object.entries(candidates).filter(([, missing]) => missing !== undefined)),
  };
}
