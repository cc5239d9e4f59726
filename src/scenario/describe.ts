import { msrName } from '../arch/msrs.js';
import { capName } from '../memtype/answers/extensions.js';
import { lanesText } from './lanes.js';
import type {
  AskStep,
  HostMemoryStep,
  MemslotStep,
  MsrOp,
  MsrsStep,
  NestedAccessStep,
  NoncoherentStep,
  Step,
  VirtioStep,
} from './types.js';

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

/** An MSR for people: its name, where it has one. */
const msrText = (msr: number): string => msrName(msr) ?? `MSR ${hex(msr)}`;

function describeNoncoherent({ on, via, device, close, again }: NoncoherentStep): string {
  const how = close ? ' by closing KVM’s device' : '';
  if (again) return `add the VFIO file of non-coherent DMA ${device} once more`;
  const what = on ? 'attach non-coherent DMA' : `detach non-coherent DMA${how}`;
  return `${what}${device === undefined ? '' : ` ${device}`}${via === undefined ? '' : ` by ${via}`}`;
}

function describeVirtio({ op, device, group, attr }: VirtioStep): string {
  const attribute = op.endsWith('attr') ? ` group ${group} attribute ${attr}` : '';
  return `KVM_DEV_TYPE_VIRTIO ${device}: ${op}${attribute}`;
}

function describeNested({ vcpu, access, gpa, size, type, ipat }: NestedAccessStep): string {
  const leaf = `a ${size} leaf of L1's EPT, ${type}${ipat ? '+IPAT' : ''}`;
  return `vCPU ${vcpu}: L2 ${access}s gpa ${hex(gpa)} of L1 through ${leaf}`;
}

function memoryText({ offset, memoryOf }: MemslotStep): string {
  if (memoryOf === undefined) return offset === undefined ? '' : ` from its page ${offset}`;
  return `, those of memslot ${memoryOf} from its memory's page ${offset ?? 0} on,`;
}

const capText = (cap: number): string => capName(cap) ?? `capability ${cap}`;

/** Each question as the ioctl that asks it. */
const QUESTION_TEXTS: Readonly<Record<AskStep['of'], (number: number) => string>> = {
  extension: (cap) => `KVM_CHECK_EXTENSION(${capText(cap)})`,
  'vm-extension': (cap) => `KVM_CHECK_EXTENSION(${capText(cap)}) of the VM`,
  'extension-arguments': (cap) => `the bits that KVM_ENABLE_CAP(${capText(cap)}) takes`,
  'saved-msr': (msr) => `how often KVM_GET_MSR_INDEX_LIST names ${msrText(msr)}`,
  'feature-msr': (msr) => `how often KVM_GET_MSR_FEATURE_INDEX_LIST names ${msrText(msr)}`,
  'kept-msr': (msr) => `whether KVM_SET_CPUID2 leaves ${msrText(msr)} as it was written`,
  'supported-cpuid': (leaf) => `what KVM_GET_SUPPORTED_CPUID says of memory in leaf ${hex(leaf)}`,
  'device-types': () => 'the types of KVM_CREATE_DEVICE, as bits',
  'vfio-misuse': () => 'which misuses of KVM_DEV_TYPE_VFIO go through, as bits',
  'filter-misuse': () => 'which filters of MSRs KVM takes that are none, as bits',
  'vfio-attributes': (group) => `the attributes of KVM_DEV_TYPE_VFIO in group ${group}, as bits`,
  'memslot-flags': () => 'the flags that KVM_SET_USER_MEMORY_REGION takes',
};

/** One access of a batch. */
export const describeOp = ({ msr, value }: MsrOp): string =>
  value === undefined ? msrText(msr) : `${msrText(msr)} = ${hex(value)}`;

function describeMsrs({ vcpu, ops, by }: MsrsStep): string {
  const writes = ops.filter(({ value }) => value !== undefined).length;
  const ioctl = writes > 0 ? 'KVM_SET_MSRS' : 'KVM_GET_MSRS';
  const what =
    by === 'host' ? `${ioctl} of ${ops.length}` : `${ops.length} MSR accesses, ${writes} of them writes`;
  const [first, last] = [ops[0], ops.at(-1)].map((op) => (op === undefined ? '' : describeOp(op)));
  return `vCPU ${vcpu}: ${what}, from ${first} to ${last}`;
}
const HOST_OPS: Readonly<Record<HostMemoryStep['op'], string>> = {
  discard: 'MADV_DONTNEED of',
  unmap: 'munmap of',
  protect: 'mprotect for reading only of',
  unprotect: 'mprotect for writing too of',
};

function describeInit({ vcpu, sipi, from }: Extract<Step, { do: 'init' }>): string {
  const start = sipi === undefined ? '' : `, and SIPI with vector ${hex(sipi)}`;
  return `vCPU ${vcpu}: INIT${start}${from === undefined ? '' : `, from the APIC of vCPU ${from}`}`;
}

/** One line that names a step in reports. */
export function describeStep(step: Step): string {
  switch (step.do) {
    case 'wrmsr':
      return `vCPU ${step.vcpu}: ${step.by === 'host' ? 'KVM_SET_MSRS' : 'wrmsr'} ${msrText(step.msr)} = ${hex(step.value)}`;
    case 'rdmsr':
      return `vCPU ${step.vcpu}: ${step.by === 'host' ? 'KVM_GET_MSRS' : 'rdmsr'} ${msrText(step.msr)}`;
    case 'msrs':
      return describeMsrs(step);
    case 'restore':
      return `vCPU ${step.vcpu}: restored from vCPU ${step.from}, ${step.mtrrs ? 'MTRRs too' : 'without MTRRs'}`;
    case 'msr-filter':
      return `KVM_X86_SET_MSR_FILTER of ${step.ranges.length} ranges, ${step.deny ? 'deny' : 'allow'} by default`;
    case 'msr-exits':
      return `KVM_CAP_X86_USER_SPACE_MSR for ${step.reasons.join(', ') || 'no reason'}`;
    case 'access':
      return `vCPU ${step.vcpu}: ${step.access} gpa ${hex(step.gpa)} through PAT entry ${step.pat}`;
    case 'nested-access':
      return describeNested(step);
    case 'invept':
      return `vCPU ${step.vcpu}: INVEPT of L1's EPT`;
    case 'init':
      return describeInit(step);
    case 'cd':
      return `vCPU ${step.vcpu}: CR0.CD = ${step.on ? 1 : 0}${step.nw ? ', NW = 1' : ''}${step.by === 'host' ? ' by KVM_SET_SREGS' : ''}`;
    case 'noncoherent':
      return describeNoncoherent(step);
    case 'virtio':
      return describeVirtio(step);
    case 'disable-quirk':
      return `disable ${typeof step.quirk === 'number' ? `quirks ${hex(step.quirk)}` : `quirk ${step.quirk}`}${
        step.old ? ' by KVM_CAP_DISABLE_QUIRKS' : ''
      }`;
    case 'memslot':
      return `memslot ${step.slot}: ${step.pages} pages of ${step.backing}${memoryText(step)} at gpa ${hex(step.gpa)}${
        step.flags === undefined ? '' : `, flags ${step.flags.join('|') || '0'}`
      }`;
    case 'delete-memslot':
      return `delete memslot ${step.slot}`;
    case 'get-dirty-log':
      return `KVM_GET_DIRTY_LOG of memslot ${step.slot}`;
    case 'clear-dirty-log':
      return `KVM_CLEAR_DIRTY_LOG of memslot ${step.slot}: ${step.pages} pages from page ${step.first} on`;
    case 'manual-protect':
      return `manual dirty log protection${step.initiallySet ? ', every page dirty at first' : ''}`;
    case 'discard':
      return `discard ${step.pages} pages at gpa ${hex(step.gpa)}`;
    case 'together':
      return `steps at the same time, seed ${step.seed}: ${lanesText(step)}`;
    case 'pre-fault':
      return `vCPU ${step.vcpu}: KVM_PRE_FAULT_MEMORY of ${step.pages} pages at gpa ${hex(step.gpa)}`;
    case 'host-memory':
      return `${HOST_OPS[step.op]} ${step.pages} pages of the memory of memslot ${step.slot}, from page ${step.first} on`;
    case 'ask':
      return QUESTION_TEXTS[step.of](step.number);
  }
}
