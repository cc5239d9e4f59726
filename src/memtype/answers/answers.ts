import {
  KVM_CAP_DISABLE_QUIRKS2,
  KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
  KVM_CAP_X86_USER_SPACE_MSR,
} from '../../arch/kvm-caps.js';
import { KVM_MEM_LOG_DIRTY_PAGES, KVM_MEM_READONLY } from '../../arch/kvm-flags.js';
import { MSR } from '../../arch/msrs.js';
import type { Question } from '../../arch/questions.js';
import { compareVersion } from '../policies/versions.js';
import type { Policy } from '../policy.js';
import { classifyMsr } from '../sdm/msrs.js';
import { type HostCpu, supportedCpuid } from './cpuid.js';
import type { ExpectedAnswer } from './expected.js';
import { EXTENSIONS, type ExtensionFact } from './extensions.js';
import { quirkBits } from './quirk-bits.js';
import { shareOf, type VersionSpan, versionSpan } from './span.js';

/** A kernel, as far as its answers depend on it. */
export interface AnsweringKernel {
  readonly policy: Policy;
  /** `uname -r` */
  readonly release: string;
  /** The host CPU snoops its own caches. */
  readonly selfSnoop: boolean;
  /** Device type of KVM_DEV_TYPE_VIRTIO, where the policy has it. */
  readonly virtioType: number;
  /** KVM_MEM_NON_COHERENT_DMA, where the policy has it. */
  readonly memslotFlag: number;
  /** VMX is given to guests (kvm_intel.nested); undefined if nobody knows. */
  readonly nested?: boolean | undefined;
  /** What the kernel found its processor to be. */
  readonly cpu?: HostCpu | undefined;
}

type Answer = (kernel: AnsweringKernel, span: VersionSpan, number: number) => ExpectedAnswer | undefined;

const UNSURE = (1n << 64n) - 1n;
const KVM_DEV_TYPE_VFIO = 4;
const KVM_DEV_VFIO_GROUP = 1;
/** KVM_DEV_VFIO_GROUP_ADD and _DEL, by their numbers; _SET_SPAPR_TCE is POWER's. */
const VFIO_ATTRIBUTES = (1 << 1) | (1 << 2);

const sure = (value: number, source: string): ExpectedAnswer => ({
  value: BigInt(value >>> 0),
  unsure: 0n,
  source,
});

function valueAt({ since }: ExtensionFact, number: readonly number[]): number {
  const [, value] = since.findLast(([version]) => compareVersion(number, version) >= 0) ?? [[], 0];
  return value;
}

function extensionAnswer(
  fact: ExtensionFact,
  { policy }: AnsweringKernel,
  span: VersionSpan,
): ExpectedAnswer {
  const { source, unread, needsTdp } = fact;
  if (needsTdp && policy.paging === 'shadow') return sure(0, source);
  const [oldest, newest] = [valueAt(fact, span.first), valueAt(fact, span.last)];
  const isRead = unread === undefined || shareOf(span, unread) === 'none';
  return isRead && oldest === newest ? sure(newest, source) : { value: 0n, unsure: UNSURE, source };
}

const quirks = (source: string): Answer =>
  function answer({ policy, selfSnoop }, span) {
    const { all, some } = quirkBits(policy, span, selfSnoop);
    return { value: BigInt(all >>> 0), unsure: BigInt(some), source };
  };

const extension: Answer = (kernel, span, cap) => {
  if (cap === KVM_CAP_DISABLE_QUIRKS2)
    return quirks('KVM_X86_VALID_QUIRKS, kvm_x86_vendor_init(), vmx_hardware_setup()')(kernel, span, cap);
  const fact = EXTENSIONS.find((one) => one.cap === cap);
  return fact && extensionAnswer(fact, kernel, span);
};

/** The capabilities whose arguments the model knows: bits that may be set alone, where the capability is there at all. */
const ARGUMENTS: ReadonlyMap<number, readonly [bits: number, source: string]> = new Map([
  [KVM_CAP_X86_USER_SPACE_MSR, [0b111, 'kvm_vm_ioctl_enable_cap(): KVM_MSR_EXIT_REASON_VALID_MASK']],
  [
    KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
    [1, 'kvm_vm_ioctl_enable_cap_generic(): INITIALLY_SET only with ENABLE'],
  ],
]);

const extensionArguments: Answer = (kernel, span, cap) => {
  if (cap === KVM_CAP_DISABLE_QUIRKS2)
    return quirks('kvm_vm_ioctl_enable_cap(): what KVM_CHECK_EXTENSION names')(kernel, span, cap);
  const known = ARGUMENTS.get(cap);
  const isThere = extension(kernel, span, cap);
  if (known === undefined || isThere === undefined) return undefined;
  const [bits, source] = known;
  return isThere.unsure === 0n ? sure(isThere.value === 0n ? 0 : bits, source) : { ...isThere, source };
};

/** kvm_init_msr_list() and, of later kernels, kvm_init_msr_lists(); which MSRs without a memory type they name, the CPU decides. */
const listed =
  (kind: 'pat' | 'none', source: string): Answer =>
  (_kernel, _span, msr) => {
    const known = classifyMsr(msr);
    return known && sure(known.kind === kind ? 1 : 0, source);
  };

/**
 * A VMM may write MSRs before it sets CPUID. Of bases only the first is asked; masks are not: up to 6.10 one that was written while the
 * guest's address bits were others reads back with bits that it was not given (set_var_mtrr_msr()).
 */
const keptMsr: Answer = (_kernel, _span, msr) => {
  const known = classifyMsr(msr);
  const isAsked = known !== undefined && known.kind !== 'cap' && known.kind !== 'mask';
  return isAsked && (known.kind !== 'base' || msr === MSR.PHYSBASE0)
    ? sure(1, 'kvm_vcpu_after_set_cpuid(): it writes no MSR')
    : undefined;
};

const cpuid: Answer = ({ policy, selfSnoop, nested, cpu }, span, leaf) =>
  supportedCpuid(leaf, { paging: policy.paging, selfSnoop, nested, cpu }, span);

const deviceTypes: Answer = ({ policy, virtioType }) => {
  const virtio = policy.virtioDevice ? 1 << virtioType : 0;
  return sure(
    (1 << KVM_DEV_TYPE_VFIO) | virtio,
    'kvm_vfio_ops_init(): on x86 nothing else registers a device',
  );
};

const vfioAttributes: Answer = (_kernel, _span, group) =>
  sure(group === KVM_DEV_VFIO_GROUP ? VFIO_ATTRIBUTES : 0, 'kvm_vfio_has_attr()');

const memslotFlags: Answer = ({ policy, memslotFlag }) => {
  const proposed = policy.memslotFlag ? memslotFlag : 0;
  return sure(
    KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY | proposed,
    'check_memory_region_flags(), KVM_SET_USER_MEMORY_REGION_V1_FLAGS',
  );
};

/** Flags of the filter itself are checked since cf5029d5dd7c of 6.0, and where stable kernels took that. */
const filterMisuse: Answer = (_kernel, span) => {
  const answer = sure(0, 'kvm_vm_ioctl_set_msr_filter(), kvm_add_msr_filter()');
  return shareOf(span, { first: [6, 0] }) === 'all' ? answer : { ...answer, unsure: 1n };
};

const ANSWERS: Readonly<Record<Question, Answer>> = {
  extension,
  'vm-extension': extension,
  'extension-arguments': extensionArguments,
  'saved-msr': listed('pat', 'msrs_to_save_base, and msrs_to_save_all up to 6.2'),
  'feature-msr': listed('none', 'msr_based_features_all_except_vmx, and msr_based_features_all up to 6.2'),
  'kept-msr': keptMsr,
  'supported-cpuid': cpuid,
  'device-types': deviceTypes,
  'vfio-attributes': vfioAttributes,
  'vfio-misuse': () =>
    sure(0, 'kvm_vfio_create(), kvm_vfio_set_attr(), kvm_vfio_file_add(), kvm_vfio_file_del()'),
  'filter-misuse': filterMisuse,
  'memslot-flags': memslotFlags,
};

/** What a kernel must answer about itself; undefined if the model does not know that question. */
export function expectedAnswer(
  question: Question,
  number: number,
  kernel: AnsweringKernel,
): ExpectedAnswer | undefined {
  return ANSWERS[question](kernel, versionSpan(kernel.release), number);
}
