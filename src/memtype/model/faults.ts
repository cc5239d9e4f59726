import { KVM_MEM_LOG_DIRTY_PAGES, KVM_MEM_READONLY } from '../../arch/kvm-flags.js';
import { type Level, levelBase, pagesOf } from '../../arch/units.js';
import type { Decision, VcpuView } from '../policy.js';
import type { Rule } from '../types.js';
import type { AccessEvent, Effect } from './events.js';
import { type Leaf, leafRange } from './leaves.js';
import { type SlotState, slotLevel } from './memslots.js';
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
  const why: Rule[] = [];
  const bounds = levelBounds(state, vcpu, slot, gfn, access);
  const level = seenLevel ?? bounds.minLevel;
  const base = levelBase(gfn, level);
  return {
    gfn: base,
    level,
    ...state.decide(vcpu, slot, base, why),
    why,
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

/** Split a huge leaf until `gfn` is mapped at 4 KiB, or everywhere if no frame is named. */
export function split(state: VmState, leaf: Leaf, effect: Effect, gfn?: number): void {
  if (leaf.level === 1) return;
  effect.split.push(leaf);
  const parts = children(leaf);
  state.leaves.split(leaf, parts);
  for (const part of parts) {
    const holds = gfn === undefined || (gfn >= part.gfn && gfn < part.gfn + pagesOf(part.level));
    if (holds) split(state, part, effect, gfn);
  }
}

/** A first write to a logged page makes its leaf writable again (fast_page_fault()). */
const isLogged = (state: VmState, leaf: Leaf): boolean =>
  ((state.slotAt(leaf.gfn)?.flags ?? 0) & KVM_MEM_LOG_DIRTY_PAGES) !== 0;

/** A huge leaf cannot serve a write under dirty logging, nor a fetch where huge leaves are not executable. */
function needsSmallLeaf(state: VmState, leaf: Leaf, access: Access): boolean {
  if (leaf.level === 1) return false;
  return (access === 'write' && isLogged(state, leaf)) || (access === 'fetch' && state.options.nxHugePages);
}

/** Note why an existing leaf is not what this vCPU would have made of it. */
function noteStale(state: VmState, leaf: Leaf, vcpu: VcpuView, effect: Effect): void {
  const fresh = state.redecide(leaf, vcpu);
  if (fresh === undefined || agrees(leaf, fresh)) return;
  effect.stale = { leaf, fresh };
  const maker = state.redecide(leaf, state.vcpu(leaf.vcpu)) as Decision;
  if (agrees(leaf, maker)) effect.notes.push('P3');
}

/** A guest access: a leaf is made if none maps the page, else the one that does stays, right or stale. */
export function applyAccess(state: VmState, event: AccessEvent, effect: Effect): void {
  const vcpu = state.vcpu(event.vcpu);
  const leaf = state.leaves.find(event.gfn);
  if (leaf !== undefined && !needsSmallLeaf(state, leaf, event.access)) {
    if (event.access === 'write' && isLogged(state, leaf)) effect.mayRewrite.push(leafRange(leaf));
    noteStale(state, leaf, vcpu, effect);
    return;
  }
  if (leaf !== undefined) split(state, leaf, effect, event.gfn);
  const made = freshLeaf(state, vcpu, event.gfn, event.access, event.level);
  if (made === undefined) return;
  // The leaf that a split left here is replaced, not zapped.
  state.leaves.zap({ start: event.gfn, end: event.gfn + 1 });
  effect.zapped.push(...state.leaves.put(made));
  effect.made.push(made);
  effect.notes.push(...made.errata);
}
