import type { MappedRange } from '../sdm/ranges.js';

/** How often a piece comes again, and how far apart. */
export interface Repeat {
  readonly times: number;
  /** Frames from the start of one to the start of the next. */
  readonly every: number;
}

/** A stretch of one value that may come again. */
export interface Piece<T> extends MappedRange<T> {
  /** Innermost first; none where it comes once. */
  readonly repeats: readonly Repeat[];
}

/** Neighbouring pieces that come together. */
interface Block<T> {
  readonly start: number;
  readonly end: number;
  readonly pieces: readonly Piece<T>[];
}

/** Longest group of blocks that is looked for: each level of holes in a mask gives two. */
const LONGEST = 4;
/** So many equal groups are told as one; two or three are shorter as they are. */
const LEAST = 4;

type Same<T> = (a: T, b: T) => boolean;

/** Equal but for where they are. */
function alike<T>(a: Block<T>, b: Block<T>, same: Same<T>): boolean {
  if (a.end - a.start !== b.end - b.start || a.pieces.length !== b.pieces.length) return false;
  return a.pieces.every((piece, i) => {
    const other = b.pieces[i] as Piece<T>;
    return (
      piece.start - a.start === other.start - b.start &&
      piece.end - piece.start === other.end - other.start &&
      piece.repeats.length === other.repeats.length &&
      piece.repeats.every(
        ({ times, every }, n) => times === other.repeats[n]?.times && every === other.repeats[n]?.every,
      ) &&
      same(piece.value, other.value)
    );
  });
}

/** How many groups of `length` blocks from `at` on are alike. */
function runOf<T>(blocks: readonly Block<T>[], at: number, length: number, same: Same<T>): number {
  let times = 1;
  for (let next = at + length; next + length <= blocks.length; next += length, times++) {
    for (let i = 0; i < length; i++) {
      if (!alike(blocks[at + i] as Block<T>, blocks[next + i] as Block<T>, same)) return times;
    }
  }
  return times;
}

/** The shortest group at `at` that comes often enough. */
function groupAt<T>(
  blocks: readonly Block<T>[],
  at: number,
  same: Same<T>,
): { length: number; times: number } {
  for (let length = 1; length <= LONGEST; length++) {
    const times = runOf(blocks, at, length, same);
    if (times >= LEAST) return { length, times };
  }
  return { length: 1, times: 1 };
}

function joined<T>(group: readonly Block<T>[], times: number): Block<T> {
  const start = (group[0] as Block<T>).start;
  const every = (group.at(-1) as Block<T>).end - start;
  const pieces = group.flatMap((block) => block.pieces);
  return {
    start,
    end: start + every * times,
    pieces: pieces.map((piece) => ({ ...piece, repeats: [...piece.repeats, { times, every }] })),
  };
}

function foldOnce<T>(blocks: readonly Block<T>[], same: Same<T>): Block<T>[] {
  const folded: Block<T>[] = [];
  for (let at = 0; at < blocks.length; ) {
    const { length, times } = groupAt(blocks, at, same);
    const group = blocks.slice(at, at + length);
    folded.push(times > 1 ? joined(group, times) : (group[0] as Block<T>));
    at += length * times;
  }
  return folded;
}

/** Tell pieces that repeat once, with how often they come: a mask with holes gives thousands of equal ones. */
export function foldRanges<T>(ranges: readonly MappedRange<T>[], same: (a: T, b: T) => boolean): Piece<T>[] {
  let blocks = ranges.map(
    (range): Block<T> => ({ start: range.start, end: range.end, pieces: [{ ...range, repeats: [] }] }),
  );
  for (let before = Number.POSITIVE_INFINITY; blocks.length < before; ) {
    before = blocks.length;
    blocks = foldOnce(blocks, same);
  }
  return blocks.flatMap(({ pieces }) => pieces);
}
