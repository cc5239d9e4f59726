import type { CountedFile, CountedLine, Tally } from './types.js';

/** Add lines up. A line that belongs to several functions counts for each of them. */
export function tally(lines: readonly CountedLine[]): Tally {
  const branches = lines.flatMap((line) => line.branches);
  return {
    lines: { ran: lines.filter(({ count }) => count > 0).length, all: lines.length },
    branches: { taken: branches.filter((count) => count > 0).length, all: branches.length },
  };
}

/** One thing that did not happen. */
export interface Missed {
  path: string;
  line: number;
  /** `never ran`, or which of its branches were not taken. */
  what: string;
}

/** What of these lines did not happen; of a line that never ran the branches go without saying. */
export function missed(path: string, lines: readonly CountedLine[]): Missed[] {
  return lines.flatMap(({ line, count, branches }): Missed[] => {
    if (count === 0) return [{ path, line, what: 'never ran' }];
    const not = branches.flatMap((taken, i) => (taken === 0 ? [i + 1] : []));
    if (not.length === 0) return [];
    const which = not.length === 1 ? `branch ${not[0]}` : `branches ${not.join(', ')}`;
    return [{ path, line, what: `${which} of ${branches.length} not taken` }];
  });
}

/** The lines of one function. */
export const linesOf = ({ lines }: CountedFile, name: string): CountedLine[] =>
  lines.filter((line) => line.function === name);
