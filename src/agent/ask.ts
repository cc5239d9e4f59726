import { closeSync, openSync } from 'node:fs';
import { CPUID_ADDRESS_SIZES, CPUID_CACHES } from '../arch/cpuid.js';
import { MT } from '../arch/memory-types.js';
import { defType, MSR } from '../arch/msrs.js';
import type { Question } from '../arch/questions.js';
import { PAGE_SIZE } from '../arch/units.js';
import { CPUID_VMX } from '../arch/vmx.js';
import {
  HostMemory,
  KVM_DEV_TYPE_VFIO,
  KVM_DEV_VFIO_FILE,
  KVM_DEV_VFIO_FILE_ADD,
  KVM_DEV_VFIO_FILE_DEL,
  KVM_MSR_FILTER_DEFAULT_DENY,
  KVM_MSR_FILTER_READ,
  KVM_MSR_FILTER_WRITE,
  type Kvm,
  type MsrFilter,
  type Vm,
} from '../kvm/index.js';
import type { AskStep } from '../scenario/types.js';
import { ioctlResult } from './dma-steps.js';

/** Who is asked. */
interface Asked {
  kvm: Kvm;
  /** The scenario's own VM, which no question changes. */
  vm: Vm;
}

const WIDTH = 32;
const PLACES = Array.from({ length: WIDTH }, (_, i) => i);

/** A bit for each of the first 32 things that are so. */
const bitsOf = (isSo: (i: number) => boolean): number =>
  PLACES.reduce((bits, i) => bits + (isSo(i) ? 2 ** i : 0), 0);

const countOf = (list: readonly number[], wanted: number): number =>
  list.filter((one) => one === wanted).length;

/** Whether an ioctl goes through; any error but the kernel's own is the agent's. */
const takes = (ioctl: () => void): boolean => ioctlResult(ioctl) === 'ok';

/** What is enabled stays so: take another VM. */
function argumentBits({ kvm }: Asked, cap: number): number {
  using vm = kvm.createVm();
  return bitsOf((i) => takes(() => vm.enableCap(cap, [1n << BigInt(i)])));
}

function vfioAttributes({ kvm }: Asked, group: number): number {
  using vm = kvm.createVm();
  if (!vm.hasDevice(KVM_DEV_TYPE_VFIO)) return 0;
  using device = vm.createDevice(KVM_DEV_TYPE_VFIO);
  return bitsOf((attr) => device.hasAttr({ group, attr }));
}

/** A legal value of each MTRR and of the PAT, other than that of a reset. */
const WRITTEN = new Map<number, bigint>([
  [MSR.DEF_TYPE, defType(MT.WB)],
  [MSR.PHYSBASE0, 0x40_0000n | BigInt(MT.WB)],
]);
const ALL_WB = 0x0606_0606_0606_0606n;

/** Of a vCPU that has not run yet. */
function keptMsr({ kvm }: Asked, msr: number): number {
  const value = WRITTEN.get(msr) ?? ALL_WB;
  using vm = kvm.createVm();
  using vcpu = vm.createVcpu(0);
  if (vcpu.setMsrs([{ index: msr, value }]) !== 1) return 0;
  vcpu.setCpuid2(kvm.supportedCpuid());
  return vcpu.getMsrs([msr])[0] === value ? 1 : 0;
}

/** The bits of a leaf that are asked about. */
function cpuidBits({ kvm }: Asked, leaf: number): number {
  const entry = kvm.supportedCpuid().find((one) => one.function === leaf);
  if (entry === undefined) return 0;
  if (leaf !== 1) return entry.eax & CPUID_ADDRESS_SIZES;
  return (entry.edx & CPUID_CACHES) | (entry.ecx & CPUID_VMX);
}

const VFIO_GROUP = KVM_DEV_VFIO_FILE;
const NO_FILE = 0x7fff_ffff;

/** What no kernel lets through: a second device; files to add that are none of VFIO's, or none; to take away what is not in; attributes that are not there; files whose number cannot be read. */
function vfioMisuse({ kvm }: Asked): number {
  using vm = kvm.createVm();
  if (!vm.hasDevice(KVM_DEV_TYPE_VFIO)) return 0;
  using device = vm.createDevice(KVM_DEV_TYPE_VFIO);
  const other = openSync('/dev/null', 'r');
  const set = (attr: number, value: number, group = VFIO_GROUP) => device.setAttr({ group, attr, value });
  const misuses = [
    () => vm.createDevice(KVM_DEV_TYPE_VFIO).close(),
    () => set(KVM_DEV_VFIO_FILE_ADD, other),
    () => set(KVM_DEV_VFIO_FILE_ADD, NO_FILE),
    () => set(KVM_DEV_VFIO_FILE_DEL, other),
    () => set(KVM_DEV_VFIO_FILE_DEL, NO_FILE),
    () => set(0, other),
    () => set(KVM_DEV_VFIO_FILE_DEL + 1, other),
    () => set(KVM_DEV_VFIO_FILE_ADD, other, VFIO_GROUP + 1),
    () => device.setAttr({ group: VFIO_GROUP, attr: KVM_DEV_VFIO_FILE_ADD }),
    () => device.setAttr({ group: VFIO_GROUP, attr: KVM_DEV_VFIO_FILE_DEL }),
  ];
  try {
    return bitsOf((i) => misuses[i] !== undefined && takes(misuses[i]));
  } finally {
    closeSync(other);
  }
}

/** What no kernel takes: a filter with a flag that there is not; ranges that are about no access, or about one that there is not; a bitmap that cannot be read. */
function filterMisuse({ kvm }: Asked): number {
  using vm = kvm.createVm();
  const range = { base: MSR.PAT, nmsrs: 1, bitmap: new Uint8Array(1) };
  const filters: MsrFilter[] = [
    { flags: KVM_MSR_FILTER_DEFAULT_DENY << 1, ranges: [{ ...range, flags: KVM_MSR_FILTER_READ }] },
    { ranges: [{ ...range, flags: 0 }] },
    { ranges: [{ ...range, flags: KVM_MSR_FILTER_WRITE << 1 }] },
    { ranges: [{ ...range, flags: KVM_MSR_FILTER_READ, bitmap: 'nowhere' }] },
  ];
  return bitsOf((i) => {
    const filter = filters[i];
    return filter !== undefined && takes(() => vm.setMsrFilter(filter));
  });
}

/** Each flag on a slot of its own: deleting one would zap leaves. */
function memslotFlags({ kvm }: Asked): number {
  using vm = kvm.createVm();
  using memory = HostMemory.memfd(PAGE_SIZE);
  const region = { size: BigInt(PAGE_SIZE), userspaceAddr: memory.address };
  const taken = (i: number): boolean =>
    takes(() =>
      vm.setUserMemoryRegion({ ...region, slot: i, gpa: BigInt(i * PAGE_SIZE), flags: (1 << i) >>> 0 }),
    );
  return bitsOf(taken);
}

const ANSWERS: Readonly<Record<Question, (asked: Asked, number: number) => number>> = {
  extension: ({ kvm }, cap) => kvm.checkExtension(cap),
  'vm-extension': ({ vm }, cap) => vm.checkExtension(cap),
  'extension-arguments': argumentBits,
  'saved-msr': ({ kvm }, msr) => countOf(kvm.msrIndexList(), msr),
  'feature-msr': ({ kvm }, msr) => countOf(kvm.msrFeatureIndexList(), msr),
  'kept-msr': keptMsr,
  'supported-cpuid': cpuidBits,
  'device-types': ({ vm }) => bitsOf((type) => vm.hasDevice(type)),
  'vfio-attributes': vfioAttributes,
  'vfio-misuse': vfioMisuse,
  'filter-misuse': filterMisuse,
  'memslot-flags': memslotFlags,
};

/** What KVM answers to a question about itself. */
export const askKvm = (asked: Asked, { of, number }: AskStep): bigint =>
  BigInt(ANSWERS[of](asked, number) >>> 0);
