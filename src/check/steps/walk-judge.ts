import { byteOf, decodePatType } from '../../arch/memory-types.js';
import { gfnOf, PAGE_SHIFT, pagesOf } from '../../arch/units.js';
import { effectiveType, patType } from '../../memtype/index.js';
import { frameOf } from '../../observe/spte.js';
import type { Walk } from '../../observe/walk.js';
import { leafOf, matches, type SeenLeaf, sameMapping, show, typeOf } from '../evidence/index.js';
import type { Checks, Fail } from '../verdict.js';
import type { EffectiveView } from './effective.js';

const hex = (value: bigint): string => `0x${value.toString(16)}`;
const shown = (leaf: SeenLeaf): string => `${show(leaf)}, level ${leaf.level}, frame ${hex(leaf.frame)}`;

/** The leaf that the processor used for `gpa`; undefined if its entry is none. */
function walkedLeaf({ epte, level }: Walk, gpa: bigint): SeenLeaf | undefined {
  if (level < 1 || level > 3) return undefined;
  const gfn = gfnOf(gpa);
  return leafOf(gfn - (gfn % pagesOf(level as 1 | 2 | 3)), level, epte, 'unmarked');
}

/** The frame that a guest's entry gives its page or large page. */
const guestFrame = ({ pte, pteLevel }: Walk): bigint => frameOf(pte) >> BigInt(9 * (pteLevel - 1));

/** Index into the PAT: bits PWT, PCD and PAT of a guest's entry (SDM, "Determining the Memory Type Used by Paging"). */
const patIndex = ({ pte, pteLevel }: Walk): number =>
  Number((pte >> 3n) & 3n) + 4 * Number((pte >> (pteLevel === 1 ? 7n : 12n)) & 1n);

/**
 * Hold what the processor itself used for an access against what the trace told and against the model: the leaf, where in the host's memory
 * it led, and the type that the leaf gives together with the guest's entry and the PAT in the processor.
 */
export function judgeWalk(
  walk: Walk | undefined,
  { gpa, pat }: { gpa: bigint; pat: number },
  { seen, leaf, modelPat }: Pick<EffectiveView, 'seen' | 'leaf' | 'modelPat'>,
  { checks, fail }: { checks: Checks; fail: Fail },
): void {
  if (walk === undefined) return;
  const gfn = gfnOf(gpa);
  const tell = (what: string, expected: string, got: string): void =>
    fail(`${what} by the processor's own walk`, expected, got, { gfn, why: leaf?.why ?? [] });
  checks.walks = (checks.walks ?? 0) + 1;
  const used = walkedLeaf(walk, gpa);
  if (used === undefined) {
    tell('leaf', 'an entry of EPT that maps the page', hex(walk.epte));
    return;
  }
  if (seen === undefined) tell('leaf', 'none, as the trace tells', shown(used));
  else if (!sameMapping(seen, used)) tell('leaf', `${shown(seen)}, as the trace tells`, shown(used));
  const host = ((used.frame + BigInt(gfn - used.gfn)) << PAGE_SHIFT) + (gpa & 0xfffn);
  if (walk.host !== host) tell('host address', hex(host), hex(walk.host));
  const frame = BigInt(gfn) >> BigInt(9 * (walk.pteLevel - 1));
  if (guestFrame(walk) !== frame) tell('guest frame', hex(frame), hex(guestFrame(walk)));
  if (patIndex(walk) !== pat) tell('PAT index', String(pat), String(patIndex(walk)));
  if (modelPat !== undefined && walk.pat !== modelPat) tell('IA32_PAT', hex(modelPat), hex(walk.pat));
  if (leaf === undefined || leaf.type === 'none' || modelPat === undefined) return;
  if (!matches(leaf, used)) tell('leaf', show(leaf), show(used));
  const expected = effectiveType(leaf.type, leaf.ipat, patType(modelPat, pat));
  const [type, entry] = [typeOf(used), decodePatType(byteOf(walk.pat, pat))];
  const got = type && entry ? effectiveType(type, used.ipat, entry) : 'a reserved type';
  if (got !== expected) tell('effective type', expected, got);
}
