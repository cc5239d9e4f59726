import type { GfnRange } from '../../arch/units.js';
import { type Effect, leafRange, type VmModel } from '../../memtype/index.js';
import { type Evidence, matches, show } from '../evidence/index.js';
import type { Fail } from '../verdict.js';
import type { SeenLeaves } from './seen-leaves.js';

/** Whether a frame is in one of these ranges. */
export const contains = (ranges: readonly GfnRange[], gfn: number): boolean =>
  ranges.some(({ start, end }) => gfn >= start && gfn < end);

/** What of a step nothing tells: the write that makes a leaf writable again, and all that the legacy MMU does in place. */
function silentRanges({ fixed, mayRewrite }: Effect, evidence: Evidence): readonly GfnRange[] {
  if (!evidence.tellsZaps) return mayRewrite;
  return fixed === undefined ? [] : [leafRange(fixed)];
}

/** Hold what may be written, once a step is taken, against the model, where logging had a hand in it or leaves were made anew. */
export function judgePermissions(
  model: VmModel,
  effect: Effect,
  seenLeaves: SeenLeaves,
  evidence: Evidence,
  fail: Fail,
): void {
  judgeSplits(effect, seenLeaves, fail);
  judgeRemade(effect, seenLeaves, fail);
  const silent = silentRanges(effect, evidence);
  for (const leaf of effect.mayRewrite.flatMap((range) => model.leavesWithin(range))) {
    const seen = seenLeaves.get(leaf.gfn, leaf.level);
    if (seen === undefined || seen.writable === leaf.writable) continue;
    if (!contains(silent, leaf.gfn)) fail('leaf', show(leaf), show(seen), leaf);
    seenLeaves.set({ ...seen, writable: leaf.writable });
  }
}

/** A huge leaf that must give way to small ones is there no more. */
function judgeSplits({ split }: Effect, seenLeaves: SeenLeaves, fail: Fail): void {
  for (const huge of split) {
    const seen = seenLeaves.get(huge.gfn, huge.level);
    if (seen === undefined) continue;
    fail('zap', `${show(huge)} split`, 'the huge leaf stayed', huge);
    seenLeaves.split(seen);
  }
}

/** A leaf that is made anew must be as it would be made now; nothing is told of one that is so already. */
function judgeRemade({ remade }: Effect, seenLeaves: SeenLeaves, fail: Fail): void {
  for (const leaf of remade) {
    const seen = seenLeaves.get(leaf.gfn, leaf.level);
    if (seen !== undefined && !matches(leaf, seen))
      fail('leaf', `${show(leaf)} in its place`, show(seen), leaf);
  }
}
