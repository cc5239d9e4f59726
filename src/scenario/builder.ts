import { MT } from '../arch/memory-types.js';
import { addressMask, defType, MSR, PHYSMASK_VALID } from '../arch/msrs.js';
import type { Question } from '../arch/questions.js';
import { MIB, PAGE_SIZE } from '../arch/units.js';
import type {
  Actor,
  Claims,
  FilterRange,
  IoctlResult,
  LaneStep,
  MemslotStep,
  MsrExitReason,
  MsrOp,
  NestedAccessStep,
  NoncoherentStep,
  QuirkName,
  Scenario,
  Step,
  VirtioStep,
} from './types.js';
import { GUEST_MAXPHYADDR, type HostMemoryStep } from './types.js';

/** `mib(12)` is the gpa at 12 MiB. */
export const mib = (n: number): bigint => BigInt(n * MIB);

/** IA32_MTRR_PHYSMASKn for a power-of-two size in bytes, valid bit set. */
export const physMask = (size: bigint, maxphyaddr = GUEST_MAXPHYADDR): bigint =>
  addressMask(size, maxphyaddr) | PHYSMASK_VALID;

/** What a scenario is unless told. */
export const SCENARIO_DEFAULTS = {
  needs: ['ept-leaves'],
  vcpus: 1,
  msrMode: 'kernel',
  guestMtrr: true,
  startCd: false,
  maxphyaddr: GUEST_MAXPHYADDR,
  hugeRam: false,
} as const satisfies Partial<Scenario>;

/** Fill in the defaults of a scenario: one vCPU, MSRs emulated by KVM, CPUID.MTRR set, CR0.CD clear, EPT needed. */
export function scenario(
  name: string,
  title: string,
  options: Partial<Omit<Scenario, 'name' | 'title' | 'steps'>>,
  steps: readonly (Step | readonly Step[])[],
): Scenario {
  return { ...SCENARIO_DEFAULTS, ...options, name, title, steps: steps.flat() };
}

/** Write an MSR: the guest of vCPU 0 by WRMSR unless told, the host by KVM_SET_MSRS. */
export const wrmsr = (msr: number, value: bigint, o: { vcpu?: number; by?: Actor } = {}): Step => ({
  do: 'wrmsr',
  vcpu: o.vcpu ?? 0,
  msr,
  value,
  by: o.by ?? 'guest',
});

/** Read an MSR: the guest of vCPU 0 by RDMSR unless told, the host by KVM_GET_MSRS. */
export const rdmsr = (msr: number, o: { vcpu?: number; by?: Actor } = {}): Step => ({
  do: 'rdmsr',
  vcpu: o.vcpu ?? 0,
  msr,
  by: o.by ?? 'guest',
});

/** Access several MSRs in one go: the guest of vCPU 0 unless told, the host by KVM_SET_MSRS or KVM_GET_MSRS. */
export const msrs = (ops: readonly MsrOp[], o: { vcpu?: number; by?: Actor } = {}): Step => ({
  do: 'msrs',
  vcpu: o.vcpu ?? 0,
  ops,
  by: o.by ?? 'guest',
});

/** Save vCPU `from` and restore `vcpu` from that: what KVM's list of MSRs names, and the MTRRs unless told. */
export const restore = (vcpu: number, from: number, o: { mtrrs?: boolean } = {}): Step => ({
  do: 'restore',
  vcpu,
  from,
  mtrrs: true,
  ...o,
});

/** Ask for exits to user space for these reasons, and for no others. */
export const msrExits = (...reasons: MsrExitReason[]): Step => ({ do: 'msr-exits', reasons });

/** Set KVM's filter; `deny`: what no range is about is denied. */
export const msrFilter = (
  ranges: readonly FilterRange[],
  o: { deny?: boolean; result?: IoctlResult } = {},
): Step => ({ do: 'msr-filter', deny: false, ranges, ...o });

/** Read one page through PAT entry `pat` (default 0). */
export function touch(
  gpa: bigint,
  o: { vcpu?: number; pat?: number; access?: 'read' | 'write' | 'fetch'; claims?: Claims } = {},
): Step {
  const step = { do: 'access', vcpu: o.vcpu ?? 0, gpa, access: o.access ?? 'read', pat: o.pat ?? 0 } as const;
  return o.claims === undefined ? step : { ...step, claims: o.claims };
}

/** Read `count` pages from `gpa` on, `stride` bytes apart. */
export const touchMany = (gpa: bigint, count: number, o: { vcpu?: number; stride?: bigint } = {}): Step[] =>
  Array.from({ length: count }, (_, i) => touch(gpa + BigInt(i) * (o.stride ?? BigInt(PAGE_SIZE)), o));

/** Have L2 read one page of L1's through a leaf of L1's EPT, of 4 KiB, WB and without IPAT unless told. */
export function touchNested(
  gpa: bigint,
  o: Partial<Pick<NestedAccessStep, 'vcpu' | 'access' | 'size' | 'type' | 'ipat' | 'claims'>> = {},
): Step {
  return { do: 'nested-access', vcpu: 0, gpa, access: 'read', size: '4K', type: 'WB', ipat: false, ...o };
}

/** INVEPT of L1's EPT by the guest of a vCPU. */
export const invept = (vcpu = 0): Step => ({ do: 'invept', vcpu });

/** Set or clear CR0.CD, and NW with it: the guest of vCPU 0 by MOV to CR0 unless told, the host by KVM_SET_SREGS. */
export const cd = (on: boolean, o: { vcpu?: number; by?: Actor; nw?: true } = {}): Step => ({
  do: 'cd',
  vcpu: 0,
  on,
  by: 'guest',
  ...o,
});

/** Have a vCPU take an INIT, and a SIPI with this vector if there is one. */
export const init = (vcpu = 0, o: { sipi?: number; from?: number } = {}): Step => ({
  do: 'init',
  vcpu,
  ...o,
});

/** Attach a device with non-coherent DMA, or detach it; `via` is the way, by default the first that can be had. */
export const noncoherent = (
  on: boolean,
  o: Pick<NoncoherentStep, 'via' | 'device' | 'close' | 'again'> = {},
): Step => ({
  do: 'noncoherent',
  on,
  ...o,
});

/** One ioctl about a KVM_DEV_TYPE_VIRTIO device; the attribute is the only one that there is, unless told. */
export const virtio = (
  op: VirtioStep['op'],
  device: string,
  o: Partial<Pick<VirtioStep, 'group' | 'attr' | 'result'>> = {},
): Step => ({ do: 'virtio', op, device, group: 1, attr: 1, result: 'ok', ...o });

/** Disable a quirk, or a mask of any, by KVM_CAP_DISABLE_QUIRKS2, or by the older KVM_CAP_DISABLE_QUIRKS. */
export const disableQuirk = (quirk: QuirkName | number, o: { old?: true } = {}): Step => ({
  do: 'disable-quirk',
  quirk,
  ...o,
});

/** Make or change a memslot of `pages` pages at `gpa`; a slot that exists keeps its memory. */
export const memslot = (
  slot: number,
  gpa: bigint,
  pages: number,
  backing: MemslotStep['backing'] = 'ram',
  o: Pick<MemslotStep, 'flags' | 'offset' | 'memoryOf' | 'result'> = {},
): Step => ({ do: 'memslot', slot, gpa, pages, backing, ...o });

/** Delete a memslot. */
export const deleteMemslot = (slot: number): Step => ({ do: 'delete-memslot', slot });

/** KVM_GET_DIRTY_LOG. */
export const getDirtyLog = (slot: number, o: { result?: IoctlResult } = {}): Step => ({
  do: 'get-dirty-log',
  slot,
  ...o,
});

/** KVM_CLEAR_DIRTY_LOG. */
export const clearDirtyLog = (
  slot: number,
  first: number,
  pages: number,
  o: { result?: IoctlResult } = {},
): Step => ({ do: 'clear-dirty-log', slot, first, pages, ...o });

/** Give memory of the guest back to the host (MADV_DONTNEED), so that KVM must drop its leaves. */
export const discard = (gpa: bigint, pages: number): Step => ({ do: 'discard', gpa, pages });

/** Have vCPUs and the VMM take steps at the same time, each its own in order. */
export const together = (seed: number, ...steps: readonly (Step | readonly Step[])[]): Step => ({
  do: 'together',
  seed,
  // Whether each may be among them the rules of scenarios say.
  steps: steps.flat() as LaneStep[],
});

/** Have the host change how pages of the memory of a slot may be used, from page `first` of the slot on. */
export const hostMemory = (op: HostMemoryStep['op'], slot: number, first: number, pages: number): Step => ({
  do: 'host-memory',
  op,
  slot,
  first,
  pages,
});

/** KVM_PRE_FAULT_MEMORY by vCPU 0 unless told. */
export const preFault = (
  gpa: bigint,
  pages: number,
  o: { vcpu?: number; result?: IoctlResult } = {},
): Step => ({ do: 'pre-fault', vcpu: 0, gpa, pages, ...o });

/** Ask KVM about itself: a capability, an MSR, a group of attributes, or, where the question needs none, nothing. */
export const ask = (of: Question, number = 0): Step => ({ do: 'ask', of, number });

/** One variable range: type, base and power-of-two size in bytes. */
export type MtrrRange = readonly [type: number, base: bigint, size: bigint];

/** Program MTRRs as the SDM asks ("MTRR Considerations in MP Systems"): disable, write, enable. */
export function mtrrs(o: {
  def?: number;
  fe?: boolean;
  ranges?: readonly MtrrRange[];
  fixed?: readonly (readonly [msr: number, value: bigint])[];
  vcpu?: number;
  by?: Actor;
  maxphyaddr?: number;
}): Step[] {
  const ranges = o.ranges ?? [];
  return [
    wrmsr(MSR.DEF_TYPE, defType(o.def ?? MT.WB, { e: false }), o),
    ...(o.fixed ?? []).map(([msr, value]) => wrmsr(msr, value, o)),
    ...ranges.flatMap(([type, base, size], i) => [
      wrmsr(MSR.PHYSBASE0 + 2 * i, base | BigInt(type), o),
      wrmsr(MSR.PHYSMASK0 + 2 * i, physMask(size, o.maxphyaddr), o),
    ]),
    wrmsr(MSR.DEF_TYPE, defType(o.def ?? MT.WB, { e: true, fe: o.fe ?? false }), o),
  ];
}
