import type { TraceEvent } from '../../observe/events.js';
import type { Presence } from '../../observe/spte.js';
import type { Evidence, Move } from './evidence.js';
import { leafOf } from './seen-leaf.js';

/** PTE_PREFETCH_NUM: direct_pte_prefetch() maps pages of one aligned group. */
const PREFETCH = 8;

function moveOf(event: TraceEvent, presence: Presence): Move {
  if (event.kind === 'zap-all') return event;
  const { gfn, level } = event;
  if (event.kind === 'change') return { kind: 'stray', gfn, text: 'a change by the TDP MMU, which is off' };
  const leaf = leafOf(gfn, level, event.spte, presence);
  if (leaf === undefined) return { kind: 'stray', gfn, text: `no leaf at level ${level} was set` };
  return { kind: 'make', leaf, fault: true, over: 'untold' };
}

/** The trace of the legacy MMU, which tells of leaves as they are made and no more, and KVM's counters beside it. */
export const legacyTrace: Evidence = {
  tellsZaps: false,
  hasCounts: true,
  faultGroup: PREFETCH,
  read: ({ events, leaves }) =>
    events && { moves: events.map((event) => moveOf(event, 'marked')), counts: leaves },
};

/** The same on kernels whose entries have no bit for presence, and which count no leaves. */
export const unmarkedTrace: Evidence = {
  ...legacyTrace,
  hasCounts: false,
  read: ({ events }) =>
    events && { moves: events.map((event) => moveOf(event, 'unmarked')), counts: undefined },
};
