import type { TraceEvent } from '../../observe/events.js';
import { PRESENT } from '../../observe/spte.js';
import type { Evidence, Move } from './evidence.js';
import { leafOf } from './seen-leaf.js';

type Change = Extract<TraceEvent, { kind: 'change' }>;

/** tdp_mmu_map_handle_target_level() tells of the entry that it has just changed. */
const belongs = (set: TraceEvent | undefined, change: Change): boolean =>
  set?.kind === 'set' && set.gfn === change.gfn && set.level === change.level && set.spte === change.new;

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

/** Read each event once: a fault's change is told once more right after it. */
function movesOf(events: readonly TraceEvent[]): Move[] {
  const moves: Move[] = [];
  for (let i = 0; i < events.length; i++) {
    const event = events[i] as TraceEvent;
    if (event.kind === 'zap-all') moves.push(event);
    else if (event.kind === 'set') moves.push(shadowMove(event));
    else {
      const fault = belongs(events[i + 1], event);
      moves.push(changeMove(event, fault));
      if (fault) i++;
    }
  }
  return moves;
}

/** The trace of the TDP MMU, which tells of each change of an entry. */
export const tdpTrace: Evidence = {
  tellsZaps: true,
  hasCounts: false,
  faultGroup: 1,
  read: ({ events }) => events && { moves: movesOf(events), counts: undefined },
};
