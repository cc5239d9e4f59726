import { readDump } from '../../src/dumps/read.js';
import type { Fact } from '../../src/dumps/types.js';

/** All that a dump tells. */
export const factsOf = (text: string): Fact[] => readDump(text).known.flatMap(({ facts }) => [...facts]);

/** The areas that it names: kind, start and size, name. */
export const areasOf = (text: string): string[] =>
  factsOf(text).flatMap((fact) =>
    fact.what === 'area'
      ? [`${fact.kind} ${fact.start.toString(16)}+${(fact.end - fact.start).toString(16)} ${fact.name}`]
      : [],
  );

/** The lines that were not understood: the number of each, and why where that is told. */
export const namedIn = (text: string): (number | string)[][] =>
  readDump(text).unknown.map(({ line, why }) => (why === undefined ? [line] : [line, why]));
