/** A rule of the model, and where it is from. */
export interface Reason {
  text: string;
  source: string;
}

/** Leaves that follow one another and are alike. */
export interface LeafRun {
  gfn: number;
  /** How many. */
  count: number;
  /** 1 to 3: of 4 KiB, 2 MiB or 1 GiB each. */
  level: number;
  /** Type and IPAT, as seen; undefined where a zap is not traced. */
  seen?: string;
  /** As the model has it; undefined where it is not asked. */
  expected?: string;
  why?: readonly Reason[];
}

/** One step, and what it did to leaves. */
export interface TimelineStep {
  text: string;
  made: LeafRun[];
  zapped: LeafRun[];
}

/** Guest memory of one type. */
export interface MapRange {
  gfn: number;
  pages: number;
  type: string;
}

/** What happened in one scenario on one kernel. */
export interface Timeline {
  steps: TimelineStep[];
  /** The leaves that are there at the end, from the lowest address up. */
  map: MapRange[];
}
