import type { TraceEvent } from '../../observe/events.js';
import { PRESENT } from '../../observe/spte.js';

type Change = Extract<TraceEvent, { kind: 'change' }>;
type Report = Extract<TraceEvent, { kind: 'set' }>;

/** What became of one entry, in order. */
export interface Chain {
  readonly gfn: number;
  readonly level: number;
  readonly changes: readonly Pick<Change, 'old' | 'new'>[];
  /** What faults say they set. */
  readonly reports: readonly bigint[];
}

/** Accessed and dirty bits: the processor sets them, and no event tells. */
const BY_PROCESSOR = 0x300n;

/** Whether an entry is what another event left there: nothing at all, whatever bits say so, or the same. */
const follows = (old: bigint, left: bigint): boolean =>
  ((old | left) & PRESENT) === 0n || ((old ^ left) & ~BY_PROCESSOR) === 0n;

/**
 * Bring the changes of one entry into the order in which they came about: each begins with what another left. Two processors change an
 * entry one after the other, but tell of it afterwards, each when it gets there.
 */
function inOrder(changes: readonly Change[]): Change[] {
  const left = [...changes];
  const ordered: Change[] = [];
  while (left.length > 0) {
    const last = ordered.at(-1);
    const isNext = (change: Change): boolean =>
      last === undefined
        ? !left.some((other) => other !== change && follows(change.old, other.new))
        : follows(change.old, last.new);
    const at = left.findIndex(isNext);
    ordered.push(...left.splice(Math.max(at, 0), 1));
  }
  return ordered;
}

/** What the events of a step say of each entry. */
export function chainsOf(events: readonly TraceEvent[]): readonly Chain[] {
  const entries = new Map<string, { gfn: number; level: number; changes: Change[]; reports: Report[] }>();
  for (const event of events) {
    if (event.kind === 'zap-all') continue;
    const { gfn, level } = event;
    const key = `${gfn} ${level}`;
    const entry = entries.get(key) ?? { gfn, level, changes: [], reports: [] };
    entries.set(key, entry);
    if (event.kind === 'change') entry.changes.push(event);
    else entry.reports.push(event);
  }
  return [...entries.values()].map(({ gfn, level, changes, reports }) => ({
    gfn,
    level,
    changes: inOrder(changes),
    reports: reports.map(({ spte }) => spte),
  }));
}
