import { availableParallelism } from 'node:os';
import type { Target } from './target.js';

/** Fewer scenarios than this do not pay for the start of one more machine. */
const SCENARIOS_PER_LANE = 12;
/** Most machines of a run, of one processor each: each takes 1 GiB at most. */
export const MOST_LANES = 4;

/**
 * How many machines, of one processor each, run the scenarios side by side. This host's KVM gets one agent: devices, tracing and
 * what a scenario leaves behind are one for all.
 */
export function laneCount(
  engine: Target['engine'],
  scenarios: number,
  processors = availableParallelism(),
): number {
  if (engine === 'host') return 1;
  return Math.max(1, Math.min(MOST_LANES, processors, Math.floor(scenarios / SCENARIOS_PER_LANE)));
}

/** Deal things out in turn: neighbours in the catalogue take about as long. */
export function deal<T>(things: readonly T[], lanes: number): T[][] {
  return Array.from({ length: lanes }, (_, lane) => things.filter((_thing, i) => i % lanes === lane));
}

/** The fewest scenarios of a share, but for the last one: each share costs a machine some tenths of a second. */
const LEAST = 6;
/** How much of what is left the next share is, with one machine. */
const PART = 2 / 3;

/**
 * Cut things into shares for machines that come for one after another: large ones first, and small ones at the end, so that all machines
 * end at about the same time.
 */
export function sharesOf<T>(things: readonly T[], machines: number): T[][] {
  const shares: T[][] = [];
  for (let at = 0; at < things.length; ) {
    const size = Math.max(LEAST, Math.ceil(((things.length - at) * PART) / machines));
    shares.push(things.slice(at, at + size));
    at += size;
  }
  return shares;
}
