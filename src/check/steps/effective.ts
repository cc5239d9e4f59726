import { byteOf, decodePatType } from '../../arch/memory-types.js';
import { effectiveType, type Leaf, patType } from '../../memtype/index.js';
import { type SeenLeaf, typeOf } from '../evidence/index.js';
import type { Checks, Fail } from '../verdict.js';

/** What is known of a page and of the PAT that it is reached through. */
export interface EffectiveView {
  /** The PAT as the guest read it back. */
  pat: bigint | undefined;
  modelPat: bigint | undefined;
  seen: SeenLeaf | undefined;
  leaf: Leaf | undefined;
}

/** Hold the type that the seen leaf and the PAT value read back give together against the model's. */
export function judgeEffective(
  index: number,
  { pat, modelPat, seen, leaf }: EffectiveView,
  { checks, fail }: { checks: Checks; fail: Fail },
): void {
  const seenType = typeOf(seen);
  if (pat === undefined || modelPat === undefined || seen === undefined || seenType === undefined) return;
  if (leaf === undefined || leaf.type === 'none') return;
  const expected = effectiveType(leaf.type, leaf.ipat, patType(modelPat, index));
  const entry = decodePatType(byteOf(pat, index));
  const got = entry === undefined ? 'a reserved PAT type' : effectiveType(seenType, seen.ipat, entry);
  checks.effective++;
  if (expected !== got) fail('effective type', expected, got, leaf);
}
