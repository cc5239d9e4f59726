/** A line of code, or what of it belongs to one function: a template or a macro makes several functions of one line. */
export interface CountedLine {
  line: number;
  function: string;
  /** How often it ran. */
  count: number;
  /** How often each way out of its conditions was taken. */
  branches: number[];
}

/** A function: its first and last line, and how often it was called. */
export interface CountedFunction {
  name: string;
  start: number;
  end: number;
  count: number;
}

/** What was counted in one file of the source. */
export interface CountedFile {
  /** As in a kernel tree. */
  path: string;
  functions: CountedFunction[];
  /** In the order of the file. */
  lines: CountedLine[];
}

/** How much of something ran. */
export interface Tally {
  lines: { ran: number; all: number };
  branches: { taken: number; all: number };
}
