import type { Coverage } from '../types.js';

const percent = (seen: number, possible: number): string =>
  `${possible === 0 ? 100 : Math.floor((100 * seen) / possible)} %`;

/** In one line: `coverage: 1130 of 1130 pairs (100 %), …`. */
export function coverageLine({ pairs, triples }: Coverage): string {
  const part = (name: string, { seen, possible }: { seen: number; possible: number }): string =>
    `${seen} of ${possible} ${name} (${percent(seen, possible)})`;
  return `coverage: ${part('pairs', pairs)}, ${part('triples', triples)}`;
}

/** What is missing, and why other pairs cannot be. */
export function coverageDetails({ pairs, impossible }: Coverage): string[] {
  return [
    ...pairs.missing.map((pair) => `not seen: ${pair}`),
    ...impossible.map(({ reason, pairs: n }) => `${n} impossible: ${reason}`),
  ];
}
