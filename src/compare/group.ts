import type { Change } from './diff.js';
import type { What } from './facts.js';

/** What was, or is, in a group of changes. */
export interface Value {
  /** What the values come of, if they differ as that does; else the value. */
  text: string;
  /** In how many of the changes. */
  count: number;
}

/** Changes that are alike. */
export interface Group {
  what: What;
  /** The situations, the most frequent first. */
  where: string[];
  /** What else there was, each with the number of changes. */
  conditions: Value[];
  from: Value[];
  to: Value[];
  scenarios: string[];
  changes: Change[];
}

const unique = <T>(all: readonly T[]): T[] => [...new Set(all)];

/** Each once with its number, the most frequent first. */
function countedOf(all: readonly string[]): Value[] {
  const counts = new Map<string, number>();
  for (const one of all) counts.set(one, (counts.get(one) ?? 0) + 1);
  return [...counts].map(([text, count]) => ({ text, count })).sort((a, b) => b.count - a.count);
}

/** Put changes together that have the same key. */
function bucket<T>(all: readonly T[], keyOf: (one: T) => string): T[][] {
  const buckets = new Map<string, T[]>();
  for (const one of all) {
    const known = buckets.get(keyOf(one));
    if (known === undefined) buckets.set(keyOf(one), [one]);
    else known.push(one);
  }
  return [...buckets.values()];
}

/** `WC IPAT=0` and `WT IPAT=0` are two values of one meaning. */
function valuesOf(all: readonly { value: string; meaning: string | undefined }[]): Value[] {
  const labels = new Map<string, string>();
  for (const same of bucket(all, ({ meaning }) => meaning ?? '')) {
    const meaning = same[0]?.meaning;
    const values = unique(same.map(({ value }) => value)).sort();
    if (meaning === undefined || values.length === 1) continue;
    const short = values.map((value) => value.replace(/ IPAT=0$/, ''));
    for (const { value } of same) labels.set(`${meaning} ${value}`, `${meaning} (${short.join(', ')})`);
  }
  const texts = all.map(({ value, meaning }) => labels.get(`${meaning} ${value}`) ?? value);
  return countedOf(texts);
}

function groupOf(changes: readonly Change[]): Group {
  const [{ what }] = changes as [Change];
  return {
    what,
    where: countedOf(changes.map(({ where }) => where)).map(({ text }) => text),
    conditions: countedOf(changes.flatMap(({ conditions }) => conditions ?? [])),
    from: valuesOf(changes.map(({ from, fromMeaning }) => ({ value: from, meaning: fromMeaning }))),
    to: valuesOf(changes.map(({ to, toMeaning }) => ({ value: to, meaning: toMeaning }))),
    scenarios: unique(changes.map(({ scenario }) => scenario)),
    changes: [...changes],
  };
}

/** Kinds of which one line tells all. */
const TOGETHER: readonly What[] = ['answer', 'dirty log', 'own leaf', 'leaf of L2', 'exit', 'restored'];

/** The changes of one situation: as one, if all lead to one thing or come from one; else by what they lead to. */
function splitByValue(changes: readonly Change[]): Change[][] {
  const [first] = changes;
  const isOne = (pick: (change: Change) => string): boolean => unique(changes.map(pick)).length === 1;
  const together = first !== undefined && TOGETHER.includes(first.what);
  if (together || isOne(({ to }) => to) || isOne(({ from }) => from)) return [[...changes]];
  return bucket(changes, ({ to }) => to);
}

/** What happens without non-coherent DMA comes of something else than the guest's types. */
const isApart = ({ where }: Change): boolean => where.endsWith(' without non-coherent DMA');

const valueKey = (changes: readonly Change[]): string =>
  JSON.stringify([
    changes[0]?.what,
    changes.every(isApart),
    unique(changes.map(({ from }) => from)).sort(),
    unique(changes.map(({ to }) => to)).sort(),
  ]);

/** Put changes that are alike together, those that concern most scenarios first. */
export function groupsOf(changes: readonly Change[]): Group[] {
  const places = bucket(changes, ({ what, where }) =>
    TOGETHER.includes(what) ? what : `${what}\n${where}`,
  ).flatMap(splitByValue);
  // The same change in several situations is one.
  return bucket(places, valueKey)
    .map((alike) => groupOf(alike.flat()))
    .sort((a, b) => b.scenarios.length - a.scenarios.length);
}
