import { pagesOf } from '../arch/units.js';
import type { LeafRun, MapRange, Timeline, TimelineStep } from '../report/html/timeline.js';
import { show, type WatchedLeaf } from './leaves.js';

/** What a VM did before anything of it changed. */
const BEGIN = 'the VM begins';

/** Put a leaf behind those before it, as one run if they are alike. */
function add(runs: LeafRun[], leaf: WatchedLeaf, expected?: string): void {
  const { gfn, level } = leaf;
  const seen = show(leaf);
  const last = runs.at(-1);
  const follows =
    last?.level === level &&
    last.gfn + last.count * pagesOf(level) === gfn &&
    last.seen === seen &&
    last.expected === expected;
  if (follows) last.count++;
  else runs.push({ gfn, level, count: 1, seen, ...(expected !== undefined && { expected }) });
}

/** What became of the leaves of a VM after each change of what they depend on: for a page of results. */
export class Story {
  readonly #steps: TimelineStep[] = [{ text: BEGIN, made: [], zapped: [] }];

  /** A change: what follows is of the next step. */
  begin(text: string): void {
    this.#steps.push({ text, made: [], zapped: [] });
  }

  /** @param expected as the model has it, where it can tell */
  made(leaf: WatchedLeaf, expected?: string): void {
    add((this.#steps.at(-1) as TimelineStep).made, leaf, expected);
  }

  readonly gone = (leaf: WatchedLeaf): void => {
    add((this.#steps.at(-1) as TimelineStep).zapped, leaf);
  };

  /** With the leaves that there are at the end, in order. */
  timeline(leaves: readonly WatchedLeaf[]): Timeline {
    const map: MapRange[] = [];
    for (const { gfn, level, type: name, ipat } of leaves) {
      const type = `${name}${ipat ? '+IPAT' : ''}`;
      const last = map.at(-1);
      if (last?.type === type && last.gfn + last.pages === gfn) last.pages += pagesOf(level);
      else map.push({ gfn, pages: pagesOf(level), type });
    }
    return { steps: this.#steps, map };
  }
}
