import { KVM_MEM_LOG_DIRTY_PAGES, KVM_MEM_READONLY } from '../../arch/kvm-flags.js';
import { ALL_GFNS, type GfnRange } from '../../arch/units.js';
import type { ErratumId } from '../errata.js';
import type { StaleCause } from '../policy.js';
import type { MtrrMsr } from '../sdm/msrs.js';
import { applyBitmap, changeFlags } from './dirty-log.js';
import {
  type Effect,
  isRefusal,
  type MemslotEvent,
  type ModelEvent,
  type MsrAccess,
  type MsrAnswer,
} from './events.js';
import type { Leaf } from './leaves.js';
import { classifyChange, type SlotState, slotRange } from './memslots.js';
import { VcpuModel } from './vcpu.js';
import { agrees, type VmState } from './vm-state.js';

type EventOf<K extends ModelEvent['kind']> = Extract<ModelEvent, { kind: K }>;

/** The leaves of these frames go, L2's with them. */
export function zapFrames(state: VmState, range: GfnRange, effect: Effect): void {
  effect.zapped.push(...state.leaves.zap(range));
  state.shadow.zap(range);
}

/** Call kvm_zap_gfn_range(). */
function zapGfnRange(state: VmState, range: GfnRange, effect: Effect): void {
  effect.zapCalls.push(range);
  zapFrames(state, range, effect);
  if (range.end <= range.start) effect.notes.push('D5');
}

/** Name the erratum if this change left a leaf that its own vCPU would now make otherwise. */
function noteLeftovers(state: VmState, cause: StaleCause, effect: Effect): void {
  const id: ErratumId | undefined = state.policy.stale[cause];
  if (id === undefined) return;
  const differs = (leaf: Leaf): boolean => {
    const fresh = state.redecide(leaf, state.vcpu(leaf.vcpu));
    return fresh !== undefined && !agrees(leaf, fresh);
  };
  const leaves = [...state.leaves.within(ALL_GFNS), ...state.shadow.within(ALL_GFNS)];
  if (leaves.some(differs)) effect.notes.push(id);
}

/** What follows from a write that succeeded. */
function afterWrite(state: VmState, vcpu: VcpuModel, msr: MtrrMsr, effect: Effect): void {
  if (msr.kind === 'pat') {
    effect.why.push({
      text: 'a write to the PAT zaps nothing: leaves do not depend on it',
      source: 'kvm_set_msr_common()',
    });
    return;
  }
  const range = state.policy.zaps.mtrr(state, vcpu, msr);
  if (range === undefined) return;
  effect.why.push({ text: 'an MTRR write zaps what it covers', source: 'update_mtrr(), up to 6.10' });
  zapGfnRange(state, range, effect);
  noteLeftovers(state, 'mtrr', effect);
}

function writeMsr(
  state: VmState,
  event: Omit<EventOf<'wrmsr'>, 'kind' | 'by'>,
  effect: Effect,
): MsrAnswer | undefined {
  const vcpu = state.vcpu(event.vcpu);
  const outcome = vcpu.writeMsr(event.msr, event.value, state.policy.msrs);
  if (outcome === undefined) return undefined;
  if (!outcome.ok) return outcome.reason === 'UNKNOWN' && state.options.ignoreMsrs ? 'ok' : outcome.reason;
  afterWrite(state, vcpu, outcome.msr, effect);
  return 'ok';
}

/** WRMSR of a guest, or one entry of KVM_SET_MSRS. */
export function applyWrmsr(state: VmState, event: EventOf<'wrmsr'>, effect: Effect): void {
  const answer = writeMsr(state, event, effect);
  if (answer === undefined) return;
  effect.msr = answer === 'ok' ? 'ok' : 'gp';
  if (answer === 'INVAL' || answer === 'UNKNOWN') effect.msrReason = answer;
}

function readAnswer(state: VmState, vcpu: VcpuModel, msr: number): MsrAnswer {
  const { msrs } = state.policy;
  const value = vcpu.readMsr(msr, msrs);
  if (value !== undefined) return value;
  const reason = vcpu.refusalOf(msr, msrs) ?? 'UNKNOWN';
  return reason === 'UNKNOWN' && state.options.ignoreMsrs ? 0n : reason;
}

/** MSR accesses of a guest, each by itself, or of KVM_SET_MSRS or KVM_GET_MSRS (`__msr_io()`). */
export function applyMsrs(state: VmState, { vcpu, ops, by }: EventOf<'msrs'>, effect: Effect): void {
  const answer = ({ msr, value, denied }: MsrAccess): MsrAnswer => {
    if (denied) return 'FILTER';
    if (value === undefined) return readAnswer(state, state.vcpu(vcpu), msr);
    return writeMsr(state, { vcpu, msr, value }, effect) ?? 'UNKNOWN';
  };
  const answers: MsrAnswer[] = [];
  for (const op of ops) {
    const one = answer(op);
    if (by === 'host' && isRefusal(one)) break;
    answers.push(one);
  }
  effect.msrs = answers;
}

/** KVM_GET_MSRS of one vCPU, and KVM_SET_MSRS of another, or of the same, with what it gave. */
export function applyRestore(state: VmState, { vcpu, from, msrs }: EventOf<'restore'>, effect: Effect): void {
  const { policy } = state;
  const ops = msrs.flatMap((msr): MsrAccess[] => {
    const value = state.vcpu(from).readMsr(msr, policy.msrs);
    return value === undefined ? [] : [{ msr, value }];
  });
  applyMsrs(state, { kind: 'msrs', vcpu, ops, by: 'host' }, effect);
}

/** MOV to CR0 of a guest, or KVM_SET_SREGS. */
export function applyCr0(state: VmState, event: EventOf<'cr0'>, effect: Effect): void {
  const vcpu = state.vcpu(event.vcpu);
  if (event.by === 'guest') {
    effect.cr0 = VcpuModel.isValidCr0(event.value) ? 'ok' : 'gp';
    if (effect.cr0 === 'gp') return;
  }
  const before = vcpu.cd;
  // KVM_SET_SREGS with another CR0 makes the vCPU's page tables anew (kvm_mmu_reset_context()).
  if (event.by === 'host' && vcpu.cr0 !== event.value) state.obsoleteRoots.delete(event.vcpu);
  vcpu.cr0 = event.value;
  if (vcpu.cd === before) return;
  if (event.by === 'guest' && state.policy.zaps.cr0(state)) {
    effect.why.push({ text: 'toggling CR0.CD zaps everything', source: 'kvm_post_set_cr0(), up to 6.10' });
    zapGfnRange(state, ALL_GFNS, effect);
  }
  noteLeftovers(state, event.by === 'guest' ? 'cr0-guest' : 'cr0-host', effect);
}

/** A non-coherent DMA device was registered with the VM, or unregistered. */
export function applyNoncoherent(state: VmState, event: EventOf<'noncoherent'>, effect: Effect): void {
  if (event.via === 'virtio' && !state.policy.virtioDevice) {
    effect.refused = 'ENODEV';
    return;
  }
  const before = state.noncoherent;
  if (before + event.delta < 0) {
    effect.refused = 'EINVAL';
    return;
  }
  state.noncoherent = before + event.delta;
  if (before > 0 && state.noncoherent > 0) return;
  if (state.policy.zaps.noncoherent(state)) {
    const source = 'kvm_noncoherent_dma_assignment_start_or_stop(), from 6.7';
    effect.why.push({ text: 'the first and the last non-coherent device zap everything', source });
    zapGfnRange(state, ALL_GFNS, effect);
  }
  noteLeftovers(state, 'noncoherent', effect);
}

/** KVM_CAP_DISABLE_QUIRKS2, or KVM_CAP_DISABLE_QUIRKS, which refuses nothing. */
export function applyQuirks(state: VmState, event: EventOf<'disable-quirks'>, effect: Effect): void {
  const { quirksSupported } = state.options;
  const { update } = state.policy.quirks;
  // A kernel that names no quirk does not know KVM_CAP_DISABLE_QUIRKS2: it came with 6d8491910fcd, in 5.18.
  const unknown = quirksSupported === 0 || (event.mask & ~quirksSupported) !== 0;
  if (unknown && event.cap !== 'quirks') {
    effect.refused = 'EINVAL';
    return;
  }
  state.askedQuirks = update === 'assign' ? event.mask : state.askedQuirks | (event.mask & quirksSupported);
  noteLeftovers(state, 'quirks', effect);
}

function removeSlot(state: VmState, old: SlotState, effect: Effect): void {
  const all = state.policy.zaps.memslot(state) === 'all';
  state.slots.delete(old.slot);
  if (all) state.obsoleteRoots = new Set(state.vcpus.map(({ id }) => id));
  effect.fastZap = all;
  effect.why.push({
    text: all
      ? 'deleting or moving a memslot zaps every leaf of the VM'
      : 'deleting or moving a memslot zaps its own leaves',
    source: 'kvm_arch_flush_shadow_memslot()',
  });
  zapFrames(state, all ? ALL_GFNS : slotRange(old), effect);
}

/** KVM_SET_USER_MEMORY_REGION. */
export function applyMemslot(state: VmState, event: MemslotEvent, effect: Effect): void {
  const extra = state.policy.memslotFlag ? state.options.memslotFlag : 0;
  const change = classifyChange(state.slots, event, KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY | extra);
  switch (change.kind) {
    case 'refused':
      effect.refused = change.errno;
      return;
    case 'create':
      state.slots.set(event.slot, change.slot);
      applyBitmap(state, change.slot);
      return;
    case 'flags':
      changeFlags(state, change.old, change.slot, effect);
      return;
    case 'move':
      removeSlot(state, change.old, effect);
      state.slots.set(event.slot, change.slot);
      applyBitmap(state, change.slot);
      return;
    case 'delete':
      removeSlot(state, change.old, effect);
      state.dirty.delete(event.slot);
  }
}

/** KVM_SET_CPUID2. */
export function applyCpuid(state: VmState, event: EventOf<'cpuid'>): void {
  const vcpu = state.vcpu(event.vcpu);
  state.obsoleteRoots.delete(event.vcpu);
  vcpu.maxphyaddr = event.maxphyaddr;
  vcpu.mtrrCpuid = event.mtrr;
}
