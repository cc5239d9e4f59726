import { GFN_LIMIT } from '../arch/units.js';
import { decodeLeaf } from './spte.js';

/** What the kernel's tracepoints say of the MMU, in order. `gfn` is a guest frame number, `level` 1 (4K) to 5. */
export type TraceEvent =
  /** kvmmmu:kvm_tdp_mmu_spte_changed */
  | { kind: 'change'; gfn: number; level: number; old: bigint; new: bigint }
  /** kvmmmu:kvm_mmu_set_spte */
  | { kind: 'set'; gfn: number; level: number; spte: bigint }
  /** kvmmmu:kvm_mmu_zap_all_fast */
  | { kind: 'zap-all' };

/** The trace said that it dropped events, or a line of it makes no sense. */
export class TraceError extends Error {
  readonly code = 'TRACE';
}

const CHANGE =
  /^kvm_tdp_mmu_spte_changed: as id (\d+) gfn ([\da-f]+) level (\d+) old_spte ([\da-f]+) new_spte ([\da-f]+)/;
const SET = /^kvm_mmu_set_spte: gfn ([\da-f]+) spte ([\da-f]+) \(.*\) level (\d+) at /;
const MARK = /^tracing_mark_write: step (-?\d+)/;

const HIGHEST_LEVEL = 5;

const hex = (text: string | undefined): bigint => BigInt(`0x${text}`);

/** Where an entry is; refuse what no page table can have. */
function placeOf(gfn: string | undefined, level: string | undefined): { gfn: number; level: number } {
  const place = { gfn: Number.parseInt(gfn ?? '', 16), level: Number(level) };
  if (place.gfn >= GFN_LIMIT || place.level < 1 || place.level > HIGHEST_LEVEL)
    throw new TraceError(`the trace names gfn 0x${gfn} at level ${level}, which cannot be`);
  return place;
}

function parseEvent(line: string): TraceEvent | undefined {
  const change = CHANGE.exec(line);
  if (change !== null) {
    if (change[1] !== '0') return undefined; // address space 1 is SMM, which no guest of ours enters
    return { kind: 'change', ...placeOf(change[2], change[3]), old: hex(change[4]), new: hex(change[5]) };
  }
  const set = SET.exec(line);
  if (set !== null) return { kind: 'set', ...placeOf(set[1], set[3]), spte: hex(set[2]) };
  if (line.startsWith('kvm_mmu_zap_all_fast:')) return { kind: 'zap-all' };
  throw new TraceError(`cannot read this line of the trace: ${line.slice(0, 200)}`);
}

const isLeafEvent = (e: TraceEvent): boolean => {
  // mmu_set_spte() and tdp_mmu_map_handle_target_level() set leaves alone.
  if (e.kind !== 'change') return true;
  return decodeLeaf(e.old, e.level) !== undefined || decodeLeaf(e.new, e.level) !== undefined;
};

/**
 * Split the text of a trace, without its context columns, into events per step.
 *
 * Keep only events that concern leaves. Step -1 is all that comes before the first marker.
 * @throws TraceError if events were lost or a line is not understood.
 */
export function parseTrace(text: string): Map<number, TraceEvent[]> {
  const steps = new Map<number, TraceEvent[]>();
  let current: TraceEvent[] = [];
  steps.set(-1, current);
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    if (line.includes('LOST'))
      throw new TraceError('the kernel dropped trace events; nothing can be said of this scenario');
    const mark = MARK.exec(line);
    if (mark !== null) {
      current = steps.get(Number(mark[1])) ?? [];
      steps.set(Number(mark[1]), current);
      continue;
    }
    const event = parseEvent(line);
    if (event !== undefined && isLeafEvent(event)) current.push(event);
  }
  return steps;
}
