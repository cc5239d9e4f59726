import { randomBytes } from 'node:crypto';
import { safeJson } from './safe.js';

/** Elements of an array that one piece holds. */
const AT_A_TIME = 256;

/** Holds an array's place in a value. */
type Hold = (elements: Iterable<unknown>) => unknown;

/** Some elements with commas between them, as they stand in an array that so many others are around. */
function someJson(elements: readonly unknown[], depth: number): string {
  const around = (inner: unknown): string => {
    let value = inner;
    for (let i = 0; i < depth; i++) value = [value];
    return JSON.stringify(value, null, 2);
  };
  // The same with nothing in it tells where they begin and end.
  const shell = around([0]);
  const at = shell.indexOf('0');
  return safeJson(around(elements)).slice(at, at + 1 - shell.length);
}

function* arrayJson(elements: Iterable<unknown>, depth: number): Generator<string> {
  let isBegun = false;
  let some: unknown[] = [];
  const indent = '  '.repeat(depth);
  const flush = (): string => {
    const text = `${isBegun ? ',' : '['}\n${indent}  ${someJson(some, depth)}`;
    isBegun = true;
    some = [];
    return text;
  };
  for (const element of elements) {
    some.push(element);
    if (some.length === AT_A_TIME) yield flush();
  }
  if (some.length > 0) yield flush();
  yield isBegun ? `\n${indent}]` : '[]';
}

/**
 * Safe JSON of a value, indented by two, in pieces: what is very large need not fit into one string.
 * @param valueWith makes the value; what `hold` gives stands for a long array in it, whose elements are asked for when it is their turn
 */
export function* jsonPieces(valueWith: (hold: Hold) => unknown): Generator<string> {
  const mark = randomBytes(16).toString('hex');
  const held: Iterable<unknown>[] = [];
  const value = valueWith((elements) => {
    held.push(elements);
    return mark;
  });
  const [first = '', ...rest] = safeJson(JSON.stringify(value, null, 2)).split(`"${mark}"`);
  yield first;
  let line = first;
  for (const [i, text] of rest.entries()) {
    const indent = line.slice(line.lastIndexOf('\n') + 1).search(/\S|$/);
    yield* arrayJson(held[i] as Iterable<unknown>, indent / 2);
    yield text;
    line = text;
  }
}
