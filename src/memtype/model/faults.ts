import { KVM_MEM_READONLY } from '../../arch/kvm-flags.js';
import { type GfnRange, type Level, levelBase, pagesOf } from '../../arch/units.js';
import type { Decision, VcpuView } from '../policy.js';
import { overlaps } from '../sdm/ranges.js';
import type { Rule } from '../types.js';
import type { AccessEvent, Effect, NestedAccessEvent, PreFaultEvent } from './events.js';
import { type Leaf, leafRange } from './leaves.js';
import { isLogged, type SlotState, slotLevel } from './memslots.js';
import { agrees, pageOf, type VmState } from './vm-state.js';

type Access = AccessEvent['access'];

/** The levels at which a fault may map: KVM takes the largest that slot, memory and policy allow (kvm_mmu_hugepage_adjust()). */
function levelBounds(
  state: VmState,
  vcpu: VcpuView,
  slot: SlotState,
  gfn: number,
  access: Access,
): Pick<Leaf, 'minLevel' | 'maxLevel'> {
  if (access === 'fetch' && state.options.nxHugePages) return { minLevel: 1, maxLevel: 1 };
  const allowed = state.policy.maxLevel(state, vcpu, gfn);
  const bound = (memory: Level): Level => Math.min(slotLevel(slot, gfn, memory), allowed) as Level;
  return { minLevel: bound(slot.sureLevel), maxLevel: bound(slot.hostLevel) };
}

/** The leaf that a fault of this vCPU makes now; undefined where the VM has no memory or no second-level paging. */
export function freshLeaf(
  state: VmState,
  vcpu: VcpuView,
  gfn: number,
  access: Access,
  seenLevel?: Level,
): Leaf | undefined {
  const slot = state.slotAt(gfn);
  if (slot === undefined || state.policy.paging === 'shadow') return undefined;
  const readOnly = (slot.flags & KVM_MEM_READONLY) !== 0;
  if (readOnly && access === 'write') return undefined;
  // The fault asks the host for the page (hva_to_pfn()), and takes it read-only where it may not be written.
  const host = state.hostAccess(slot, gfn);
  if (host === 'none' || (host === 'read' && access === 'write')) return undefined;
  const why: Rule[] = [];
  const bounds = levelBounds(state, vcpu, slot, gfn, access);
  const level = seenLevel ?? bounds.minLevel;
  const base = levelBase(gfn, level);
  return {
    gfn: base,
    level,
    ...state.decide(vcpu, slot, base, why),
    why,
    writable: !readOnly && host === 'write',
    clean: false,
    vcpu: vcpu.id,
    ...bounds,
    errata: state.policy.errata(state, vcpu, pageOf(slot, base)),
  };
}

/** The leaves of the next size that a huge leaf is split into: they copy its type and IPAT. */
function children(leaf: Leaf): Leaf[] {
  const level = leaf.level === 3 ? 2 : 1;
  return Array.from({ length: 512 }, (_, i) => ({ ...leaf, level, gfn: leaf.gfn + i * pagesOf(level) }));
}

/** Split a huge leaf until the frames of a range are mapped at 4 KiB; what it maps beside them stays as large as it can. */
export function split(state: VmState, leaf: Leaf, effect: Effect, range: GfnRange): void {
  if (leaf.level === 1) return;
  effect.split.push(leaf);
  const parts = children(leaf);
  state.leaves.split(leaf, parts);
  for (const part of parts) {
    if (overlaps(leafRange(part), range)) split(state, part, effect, range);
  }
}

/** A huge leaf cannot serve a write that is to be logged, nor a fetch where huge leaves are not executable. */
function needsSmallLeaf(state: VmState, leaf: Leaf, slot: SlotState, access: Access): boolean {
  if (leaf.level === 1) return false;
  if (access === 'fetch') return state.options.nxHugePages;
  return access === 'write' && !leaf.writable && isLogged(slot);
}

/** Note why an existing leaf is not what this vCPU would have made of it. */
function noteStale(state: VmState, leaf: Leaf, vcpu: VcpuView, effect: Effect): void {
  const fresh = state.redecide(leaf, vcpu);
  if (fresh === undefined || agrees(leaf, fresh)) return;
  effect.stale = { leaf, fresh };
  const maker = state.redecide(leaf, state.vcpu(leaf.vcpu)) as Decision;
  if (agrees(leaf, maker)) effect.notes.push('P3');
}

/** Take a write through a leaf that is there, which logging may have protected. */
function writeThrough(state: VmState, leaf: Leaf, gfn: number, effect: Effect): void {
  if (leaf.writable && !leaf.clean) return;
  const fixed = { ...leaf, writable: true, clean: false };
  state.leaves.put(fixed);
  state.markDirty(gfn);
  effect.mayRewrite.push(leafRange(leaf));
  effect.fixed = fixed;
}

/** Let a small leaf come in the place of a huge one: split that (`kvm_tdp_mmu_map()`), or drop it (`drop_large_spte()` of the legacy MMU). */
function makeRoom(state: VmState, leaf: Leaf, gfn: number, effect: Effect): void {
  if (state.options.legacyMmu || state.policy.hugeLeaves.inTheWay === 'zap')
    effect.zapped.push(...state.leaves.zap(leafRange(leaf)));
  else split(state, leaf, effect, { start: gfn, end: gfn + 1 });
}

/** A guest access: a leaf is made if none maps the page, else the one that does stays, right or stale. */
export function applyAccess(state: VmState, event: AccessEvent, effect: Effect): void {
  const vcpu = state.vcpu(event.vcpu);
  const slot = state.slotAt(event.gfn);
  if (slot === undefined || (event.access === 'write' && (slot.flags & KVM_MEM_READONLY) !== 0)) {
    effect.mmio = true;
    return;
  }
  const leaf = state.leaves.find(event.gfn);
  if (leaf !== undefined && !needsSmallLeaf(state, leaf, slot, event.access)) {
    if (event.access === 'write') writeThrough(state, leaf, event.gfn, effect);
    noteStale(state, leaf, vcpu, effect);
    return;
  }
  if (leaf !== undefined) makeRoom(state, leaf, event.gfn, effect);
  const made = freshLeaf(state, vcpu, event.gfn, event.access, event.level);
  if (made !== undefined) make(state, made, event.gfn, effect);
}

/** Map a leaf for a fault on a frame. */
function make(state: VmState, made: Leaf, gfn: number, effect: Effect): void {
  // The leaf that a split left here is replaced, not zapped.
  state.leaves.zap({ start: gfn, end: gfn + 1 });
  effect.zapped.push(...state.leaves.put(made));
  effect.made.push(made);
  // make_spte() takes a page as written as soon as it may be.
  if (made.writable) state.markDirty(gfn);
  effect.notes.push(...made.errata);
}

/** Put a leaf in its own place: it is written like a new one, and may have another type. */
function remake(state: VmState, made: Leaf, gfn: number, effect: Effect): void {
  state.leaves.put(made);
  effect.remade.push(made);
  if (made.writable) state.markDirty(gfn);
}

/** The leaf that maps a frame, once a huge one that cannot stay under a log gave way (`kvm_mmu_hugepage_adjust()` asks for a small one). */
function leafToKeep(state: VmState, slot: SlotState, gfn: number, effect: Effect): Leaf | undefined {
  const leaf = state.leaves.find(gfn);
  if (leaf === undefined || leaf.level === 1 || !isLogged(slot)) return leaf;
  makeRoom(state, leaf, gfn, effect);
  return state.leaves.find(gfn);
}

/** Fault in one page of a range that begins at `first`. */
function preFaultPage(state: VmState, vcpu: VcpuView, first: number, gfn: number, effect: Effect): void {
  const slot = state.slotAt(gfn) as SlotState;
  const leaf = leafToKeep(state, slot, gfn, effect);
  if (leaf !== undefined && state.policy.preFault === 'keep') return;
  const made = freshLeaf(state, vcpu, gfn, 'read', leaf?.level);
  if (made === undefined) return;
  if (leaf === undefined) make(state, made, gfn, effect);
  // The legacy MMU maps a page's neighbours with it, and makes those anew in their turn (direct_pte_prefetch(), direct_map()).
  if (leaf === undefined && state.options.legacyMmu && state.policy.preFault === 'remake')
    effect.remade.push(made);
  if (leaf !== undefined && gfn === Math.max(leaf.gfn, first)) remake(state, made, gfn, effect);
}

/**
 * KVM_PRE_FAULT_MEMORY: a read fault for each page in turn, up to the first that is in no memslot; that is an error only if it is the
 * first of all (kvm_vcpu_pre_fault_memory(), 6.11 to 7.3). Up to 6.15 it does not look whether the vCPU's page tables are to go
 * (kvm_mmu_reload()), and then faults again and again until a signal comes (is_page_fault_stale()).
 */
export function applyPreFault(state: VmState, event: PreFaultEvent, effect: Effect): void {
  const vcpu = state.vcpu(event.vcpu);
  const end = event.gfn + event.npages;
  if (state.policy.preFaultSticks && state.obsoleteRoots.has(event.vcpu)) {
    effect.refused = 'EINTR';
    effect.notes.push('s8');
    return;
  }
  for (let gfn = event.gfn; gfn < end; gfn++) {
    if (state.slotAt(gfn) === undefined) {
      if (gfn === event.gfn) effect.refused = 'ENOENT';
      else effect.left = end - gfn;
      return;
    }
    preFaultPage(state, vcpu, event.gfn, gfn, effect);
  }
}

/**
 * Accesses of L2. KVM's shadow of L1's EPT gives a page the type that a leaf of L1's own would get: make_spte() asks for it in both, by
 * L1's frame number and with the CR0.CD of the vCPU, which is L2's while L2 runs. Type and IPAT of L1's EPT leaf are dropped:
 * FNAME(gpte_access)() takes only its permissions. Guest MTRRs bound no level here: FNAME(page_fault)() asks L1's leaf and the host.
 * (arch/x86/kvm/mmu/spte.c and paging_tmpl.h, 6.1 to 7.3; our L2 has the CR0.CD of L1.)
 */
export function applyNestedAccess(state: VmState, event: NestedAccessEvent, effect: Effect): void {
  const vcpu = state.vcpu(event.vcpu);
  for (const { mapping, gfn, level } of event.pages) {
    const known = state.shadow.find(mapping, gfn);
    if (known !== undefined) {
      noteStale(state, known, vcpu, effect);
      continue;
    }
    const made = freshLeaf(state, vcpu, gfn, 'read', level);
    if (made === undefined) continue;
    const leaf = { ...made, minLevel: level, maxLevel: level };
    state.shadow.put(mapping, leaf);
    effect.shadowMade.push(leaf);
    effect.notes.push(...made.errata);
  }
}
