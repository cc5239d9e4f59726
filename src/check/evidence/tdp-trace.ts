import type { TraceEvent } from '../observe/events.js';
import { decodeLeaf, PRESENT } from '../observe/spte.js';
import { covers, pagesOf, type SeenLeaf } from './leaf-seen.js';

/** What happened to one entry, from one or two events. */
export type Move =
  /**
   * A leaf where there was none. `fault`: a guest's fault made it, else KVM did in passing. `overTable`: in passing, and
   * in the place of a table of smaller ones.
   */
  | { kind: 'make'; gfn: number; level: number; spte: bigint; fault: boolean; overTable: boolean }
  /** A leaf in the place of a leaf. */
  | { kind: 'rewrite'; gfn: number; level: number; old: bigint; spte: bigint }
  /** A leaf went. */
  | { kind: 'zap'; gfn: number; level: number; old: bigint }
  /** kvm_mmu_zap_all_fast() */
  | { kind: 'zap-all' }
  /** Events that no KVM gives in this place. */
  | { kind: 'stray'; gfn: number; text: string };

type Change = Extract<TraceEvent, { kind: 'change' }>;
type Set = Extract<TraceEvent, { kind: 'set' }>;

/** A leaf of 4 KiB, 2 MiB or 1 GiB, at a frame where one of that size can be. */
const isLeaf = (gfn: number, level: number, spte: bigint): boolean =>
  level >= 1 && level <= 3 && gfn % pagesOf(level) === 0 && decodeLeaf(spte, level) !== undefined;

/** tdp_mmu_map_handle_target_level() tells of the entry that it has just changed. */
const belongs = (set: TraceEvent | undefined, change: Change): boolean =>
  set?.kind === 'set' && set.gfn === change.gfn && set.level === change.level && set.spte === change.new;

function changeMove(change: Change, fault: boolean): Move {
  const { gfn, level, old, new: spte } = change;
  const [was, is] = [isLeaf(gfn, level, old), isLeaf(gfn, level, spte)];
  if (was && is) return { kind: 'rewrite', gfn, level, old, spte };
  if (is) return { kind: 'make', gfn, level, spte, fault, overTable: !fault && (old & PRESENT) !== 0n };
  if (was && !fault) return { kind: 'zap', gfn, level, old };
  return { kind: 'stray', gfn, text: `a change of what is no leaf at level ${level}` };
}

/** The TDP MMU tells of each change of an entry, and of a fault's once more right after it. */
function tdpMoves(events: readonly TraceEvent[]): Move[] {
  const moves: Move[] = [];
  for (let i = 0; i < events.length; i++) {
    const event = events[i] as TraceEvent;
    if (event.kind === 'zap-all') moves.push(event);
    else if (event.kind === 'set')
      moves.push({ kind: 'stray', gfn: event.gfn, text: 'an entry set without a change of it' });
    else {
      const fault = belongs(events[i + 1], event);
      moves.push(changeMove(event, fault));
      if (fault) i++;
    }
  }
  return moves;
}

function legacyMove(event: Change | Set): Move {
  const { gfn, level } = event;
  if (event.kind === 'change') return { kind: 'stray', gfn, text: 'a change by the TDP MMU, which is off' };
  if (!isLeaf(gfn, level, event.spte))
    return { kind: 'stray', gfn, text: `no leaf at level ${level} was set` };
  return { kind: 'make', gfn, level, spte: event.spte, fault: true, overTable: false };
}

/**
 * Read what happened to entries out of the events of a step, each event once.
 * @param legacy the legacy MMU maps: it tells of leaves as they are made, and no more
 */
export const readMoves = (events: readonly TraceEvent[], legacy: boolean): Move[] =>
  legacy ? events.map((e) => (e.kind === 'zap-all' ? e : legacyMove(e))) : tdpMoves(events);

/** The level at which a fault mapped `gfn`; `undefined` if none did. */
export function levelOf(moves: readonly Move[], gfn: number): SeenLeaf['level'] | undefined {
  const made = moves.find((m) => m.kind === 'make' && m.fault && covers(m.gfn, m.level, gfn));
  return made?.kind === 'make' ? (made.level as SeenLeaf['level']) : undefined;
}
