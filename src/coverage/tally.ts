import type { Policy } from '../memtype/index.js';
import type { CoveredMachine } from './impossible.js';
import type { Moment } from './moment.js';
import { Space } from './space.js';

/** What was exercised, in numbers and, where it was not, by name. */
export interface CoverageReport {
  pairs: { seen: number; possible: number; missing: string[] };
  /** Triples none of whose pairs is impossible. */
  triples: { seen: number; possible: number };
  impossible: { reason: string; pairs: number }[];
}

/** Adds up which pairs and triples of values moments had. */
export class Tally {
  readonly space: Space;
  readonly #pairs = new Set<number>();
  readonly #triples = new Set<number>();
  readonly #known = new Set<string>();

  constructor(policy: Policy, machine?: CoveredMachine) {
    this.space = new Space(policy, machine);
  }

  add(moment: Moment): void {
    const numbers = this.space.numbersOf(moment);
    const key = numbers.join(' ');
    if (this.#known.has(key)) return;
    this.#known.add(key);
    numbers.forEach((a, i) => {
      numbers.slice(i + 1).forEach((b, j) => {
        const pair = this.space.pair(a, b);
        this.#pairs.add(pair);
        for (const c of numbers.slice(i + j + 2)) this.#triples.add(this.space.pair(pair, c));
      });
    });
  }

  get pairs(): ReadonlySet<number> {
    return this.#pairs;
  }

  /** Pairs that were exercised although they are called impossible. */
  contradictions(): string[] {
    const { space } = this;
    return space
      .pairs()
      .filter(([a, b]) => this.#pairs.has(space.pair(a, b)) && space.whyNot(a, b) !== undefined)
      .map(([a, b]) => space.text(a, b));
  }

  report(): CoverageReport {
    const { space } = this;
    const reasons = new Map<string, number>();
    const missing: string[] = [];
    const possible = new Set<number>();
    for (const [a, b] of space.pairs()) {
      const pair = space.pair(a, b);
      const why = this.#pairs.has(pair) ? undefined : space.whyNot(a, b);
      if (why !== undefined) {
        reasons.set(why, (reasons.get(why) ?? 0) + 1);
        continue;
      }
      possible.add(pair);
      if (!this.#pairs.has(pair)) missing.push(space.text(a, b));
    }
    return {
      pairs: { seen: possible.size - missing.length, possible: possible.size, missing },
      triples: { seen: this.#triples.size, possible: this.#possibleTriples(possible) },
      impossible: [...reasons].map(([reason, pairs]) => ({ reason, pairs })),
    };
  }

  #possibleTriples(possible: ReadonlySet<number>): number {
    const { space } = this;
    const count = space.values.length;
    const can = (a: number, b: number): boolean => possible.has(space.pair(a, b));
    let sum = 0;
    for (const [a, b] of space.pairs()) {
      if (!can(a, b)) continue;
      for (let c = b + 1; c < count; c++) if (can(a, c) && can(b, c)) sum++;
    }
    return sum;
  }
}
