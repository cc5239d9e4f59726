import { pagesOf } from '../arch/units.js';
import type { ErratumId } from '../memtype/index.js';
import type { WatchedLeaf } from './leaves.js';
import type { WatchedVm } from './vm.js';

/** Leaves that a fault now would make otherwise, of one origin. */
export interface StaleGroup {
  readonly leaves: number;
  /** From the first frame of the first one to behind the last one. */
  readonly start: number;
  readonly end: number;
  readonly type: string;
  readonly ipat: boolean;
  readonly now: { readonly type: string; readonly ipat: boolean };
  /** The change since which they are stale. */
  readonly since: string;
  readonly erratum: ErratumId | undefined;
}

const UNKNOWN = { text: 'a change that was not seen', erratum: undefined };

/** The first change after a leaf was made that would have given it another type. */
function changeThatBreaks(
  vm: WatchedVm,
  leaf: WatchedLeaf,
): { text: string; erratum: ErratumId | undefined } {
  const since = vm.epochs.slice(leaf.epoch).find(({ after }) => {
    const then = vm.decide(leaf, after);
    return then.type !== leaf.type || then.ipat !== leaf.ipat;
  });
  return since ?? UNKNOWN;
}

/** Leaves that stayed although what they were made from has changed, by origin and by what they would be now. */
export function staleGroups(vm: WatchedVm, leaves: readonly WatchedLeaf[] = vm.leaves.all()): StaleGroup[] {
  if (!vm.seesAll) return [];
  const groups = new Map<string, StaleGroup>();
  for (const leaf of leaves) {
    const now = vm.decide(leaf);
    if (now.type === leaf.type && now.ipat === leaf.ipat) continue;
    const { text, erratum } = changeThatBreaks(vm, leaf);
    const key = [text, leaf.type, leaf.ipat, now.type, now.ipat].join('\n');
    const { gfn, type, ipat } = leaf;
    const known = groups.get(key) ?? {
      leaves: 0,
      start: gfn,
      end: gfn,
      type,
      ipat,
      now,
      since: text,
      erratum,
    };
    groups.set(key, { ...known, leaves: known.leaves + 1, end: gfn + pagesOf(leaf.level) });
  }
  return [...groups.values()];
}
