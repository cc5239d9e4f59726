import { pagesOf } from '../../arch/units.js';
import type { TraceEvent } from '../../observe/events.js';
import { PRESENT } from '../../observe/spte.js';
import type { Evidence, Move } from './evidence.js';
import { leafOf } from './seen-leaf.js';

type Change = Extract<TraceEvent, { kind: 'change' }>;

/** tdp_mmu_map_handle_target_level() tells of the entry that it has just changed. */
const belongs = (set: TraceEvent | undefined, change: Change): boolean =>
  set?.kind === 'set' && set.gfn === change.gfn && set.level === change.level && set.spte === change.new;

/** Entries of a table that goes with what it maps (handle_removed_pt()). */
const goesWith = (child: TraceEvent | undefined, { gfn, level }: Change): boolean =>
  child?.kind === 'change' &&
  child.level < level &&
  child.gfn >= gfn &&
  child.gfn < gfn + pagesOf(level) &&
  (child.new & PRESENT) === 0n;

/** Where a fault's report of a change is: right after it, or after those of the table that the new leaf took the place of. */
function reportOf(events: readonly TraceEvent[], at: number): number | undefined {
  const change = events[at] as Change;
  const isOverTable =
    (change.old & PRESENT) !== 0n && leafOf(change.gfn, change.level, change.old) === undefined;
  let next = at + 1;
  while (isOverTable && goesWith(events[next], change)) next++;
  return belongs(events[next], change) ? next : undefined;
}

function changeMove(change: Change, fault: boolean): Move {
  const { gfn, level } = change;
  const [old, leaf] = [leafOf(gfn, level, change.old), leafOf(gfn, level, change.new)];
  if (old !== undefined && leaf !== undefined) return { kind: 'rewrite', old, leaf, fault };
  const over = !fault && (change.old & PRESENT) !== 0n ? 'table' : 'nothing';
  if (leaf !== undefined) return { kind: 'make', leaf, fault, over };
  if (old !== undefined && !fault) return { kind: 'zap', leaf: old };
  return { kind: 'stray', gfn, text: `a change of what is no leaf at level ${level}` };
}

/** The TDP MMU changes each entry that it sets; mmu_set_spte(), which serves L2, tells of a leaf once, as it is set. */
function shadowMove({ gfn, level, spte }: Extract<TraceEvent, { kind: 'set' }>): Move {
  const leaf = leafOf(gfn, level, spte);
  return leaf === undefined
    ? { kind: 'stray', gfn, text: `no leaf at level ${level} was set` }
    : { kind: 'shadow', leaf };
}

/** Read each event once: a fault's change is told once more after it, when all that had been in its place is gone. */
function movesOf(events: readonly TraceEvent[]): Move[] {
  const told = new Map<number, Change>();
  return events.flatMap((event, i): Move[] => {
    if (event.kind === 'zap-all') return [event];
    if (event.kind === 'change') {
      const report = reportOf(events, i);
      if (report === undefined) return [changeMove(event, false)];
      told.set(report, event);
      return [];
    }
    const change = told.get(i);
    return [change === undefined ? shadowMove(event) : changeMove(change, true)];
  });
}

/** The trace of the TDP MMU, which tells of each change of an entry. */
export const tdpTrace: Evidence = {
  tellsZaps: true,
  hasCounts: false,
  faultGroup: 1,
  read: ({ events }) => events && { moves: movesOf(events), counts: undefined },
};
