import type { GfnRange } from '../../arch/units.js';
import { type Effect, leafRange, type VmModel } from '../../memtype/index.js';
import { type Evidence, show } from '../evidence/index.js';
import type { Fail } from '../verdict.js';
import type { SeenLeaves } from './seen-leaves.js';

const contains = (ranges: readonly GfnRange[], gfn: number): boolean =>
  ranges.some(({ start, end }) => gfn >= start && gfn < end);

/** What of a step nothing tells: the write that makes a leaf writable again, and all that the legacy MMU does in place. */
function silentRanges({ fixed, mayRewrite }: Effect, evidence: Evidence): readonly GfnRange[] {
  if (!evidence.tellsZaps) return mayRewrite;
  return fixed === undefined ? [] : [leafRange(fixed)];
}

/** Hold what may be written, once a step is taken, against the model, where logging had a hand in it. */
export function judgePermissions(
  model: VmModel,
  effect: Effect,
  seenLeaves: SeenLeaves,
  evidence: Evidence,
  fail: Fail,
): void {
  const silent = silentRanges(effect, evidence);
  for (const leaf of effect.mayRewrite.flatMap((range) => model.leavesWithin(range))) {
    const seen = seenLeaves.get(leaf.gfn, leaf.level);
    if (seen === undefined || seen.writable === leaf.writable) continue;
    if (!contains(silent, leaf.gfn)) fail('leaf', show(leaf), show(seen), leaf);
    seenLeaves.set({ ...seen, writable: leaf.writable });
  }
}
