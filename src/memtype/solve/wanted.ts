import type { MemType } from '../../arch/memory-types.js';
import type { GfnRange } from '../../arch/units.js';

/** A type that a stretch of memory is to have; undefined where any will do. */
export interface Want extends GfnRange {
  readonly type: MemType | undefined;
}

/** The types that all of memory is to have. */
export class WantedMap {
  /** Neighbours that differ, from 0 to `end`. */
  readonly spans: readonly Want[];

  /**
   * @param end first frame that is not there
   * @param wants a later one counts more than those before; what none tells may have any type
   */
  constructor(
    readonly end: number,
    wants: readonly Want[],
  ) {
    const cuts = [0, end, ...wants.flatMap((want) => [want.start, want.end])].filter((at) => at <= end);
    const edges = [...new Set(cuts)].sort((a, b) => a - b);
    const spans: { start: number; end: number; type: MemType | undefined }[] = [];
    edges.slice(0, -1).forEach((start, i) => {
      const stop = edges[i + 1] as number;
      const type = wants.findLast((want) => want.start <= start && start < want.end)?.type;
      const last = spans.at(-1);
      if (last !== undefined && last.type === type) last.end = stop;
      else spans.push({ start, end: stop, type });
    });
    this.spans = spans;
  }

  /** The span that has a frame. */
  spanAt(gfn: number): Want {
    let low = 0;
    let high = this.spans.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.spans[middle] as Want).start <= gfn) low = middle;
      else high = middle - 1;
    }
    return this.spans[low] as Want;
  }
}
