/** Where a kernel's behaviour departs from the architecture, or leaves a mapping stale. */
export type ErratumId =
  | 'D1'
  | 'D2'
  | 'D3'
  | 'D4'
  | 'D5'
  | 'D6'
  | 's1'
  | 's2'
  | 's3'
  | 's4'
  | 's5'
  | 's6'
  | 's7'
  | 's8'
  | 'P3';

/** One named departure, with the kernels that have it. */
export interface Erratum {
  readonly id: ErratumId;
  readonly title: string;
  readonly kernels: string;
  readonly source: string;
  /** The kernel's function that may warn of it, once a boot. */
  readonly warns?: string;
}

const OLD = 'up to 6.10';
const LOOKUP = 'kvm_mtrr_get_guest_memory_type(), up to 6.10';

const LIST: readonly Erratum[] = [
  {
    id: 'D1',
    title:
      'UC loses to another type when its range has the higher base: WB [0,4G) with UC [3G,4G) gives WB at 3G',
    kernels: OLD,
    source: LOOKUP,
  },
  {
    id: 'D2',
    title: 'an overlap that the SDM leaves undefined, such as WC over WB, gives WB',
    kernels: OLD,
    source: LOOKUP,
  },
  {
    id: 'D3',
    title:
      'the base of a variable range is not masked: a base that is not aligned to the size starts the range late',
    kernels: OLD,
    source: 'var_mtrr_range(), up to 6.10',
  },
  {
    id: 'D4',
    title: 'a discontiguous mask covers every frame from its first match to its last',
    kernels: OLD,
    source: 'var_mtrr_range(), up to 6.10',
  },
  {
    id: 'D5',
    title:
      'PHYSBASE written before PHYSMASK ever was, with MTRRs on and non-coherent DMA: an empty zap and a host warning',
    kernels: OLD,
    source: 'update_mtrr() and kvm_zap_gfn_range(), up to 6.10',
    warns: 'kvm_zap_gfn_range',
  },
  {
    id: 'D6',
    title:
      'a reserved bit of a variable MTRR gives two #GPs at once: the guest takes #DF, and KVM_SET_MSRS leaves it a #GP',
    kernels: 'up to 5.10, and maybe to 5.19',
    source: 'kvm_mtrr_valid(), up to 5.19',
  },
  {
    id: 's1',
    title: 'the first and the last non-coherent device change the types, but nothing is zapped',
    kernels: 'up to 6.6',
    source: 'kvm_arch_register_noncoherent_dma(), up to 6.6',
  },
  {
    id: 's2',
    title:
      'a page first touched with CR0.CD=1 keeps that type after CD=0: no zap while the quirk CD_NW_CLEARED is on',
    kernels: OLD,
    source: 'kvm_post_set_cr0(), up to 6.10',
  },
  {
    id: 's3',
    title: 'disabling the quirk IGNORE_GUEST_PAT leaves IPAT set in the leaves that exist',
    kernels: '6.16 and later, 6.12.78 and later of its series',
    source: 'kvm_vm_ioctl_enable_cap(), from 6.16',
  },
  {
    id: 's4',
    title:
      'a non-coherent device added after the quirk was disabled zaps nothing, so old leaves still ignore the PAT',
    kernels: '6.16 and later, 6.12.78 and later of its series',
    source: 'kvm_arch_register_noncoherent_dma(), from 6.16',
  },
  {
    id: 's5',
    title:
      'dirty logging off: the huge leaf that replaces 4K leaves takes the IPAT of the first of them for all',
    kernels: '6.16 and later',
    source: 'tdp_mmu_make_huge_spte() and make_huge_spte(), from 6.16',
  },
  {
    id: 's6',
    title:
      'a variable MTRR that is moved or shrunk zaps its new range only: the frames that it left keep its type',
    kernels: OLD,
    source: 'update_mtrr(), up to 6.10',
  },
  {
    id: 's7',
    title: 'KVM_SET_SREGS that changes CR0.CD zaps nothing, whatever the quirk',
    kernels: OLD,
    source: '__set_sregs_common(), up to 6.10',
  },
  {
    id: 's8',
    title:
      'KVM_PRE_FAULT_MEMORY of a vCPU that has not run since a slot was deleted or moved never ends: its page tables are stale',
    kernels: '6.11 to 6.15, and 6.12 of any number',
    source: 'kvm_mmu_reload(), up to 6.15',
  },
  {
    id: 'P3',
    title: 'vCPUs that disagree share one leaf: the first to fault decides its type for all',
    kernels: OLD,
    source: 'vmx_get_mt_mask(), up to 6.10',
  },
];

/** Every erratum that the model knows, by its name. */
export const ERRATA: ReadonlyMap<ErratumId, Erratum> = new Map(LIST.map((erratum) => [erratum.id, erratum]));
