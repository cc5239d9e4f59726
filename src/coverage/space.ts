import type { Policy } from '../memtype/index.js';
import { type Dimension, dimensionsFor } from './dimensions.js';
import { type CoveredMachine, type Impossible, impossibleFor } from './impossible.js';
import type { Moment } from './moment.js';

/** A value of a dimension, numbered across all dimensions. */
interface Value {
  readonly dimension: Dimension;
  readonly value: string;
}

const matchesValue = (set: Impossible['one'], { dimension, value }: Value): boolean => {
  const values = set[dimension.name];
  return values !== undefined && (values === '*' || values.includes(value));
};

/** All values that moments can have on kernels of a policy, their pairs, and why some of these cannot be. */
export class Space {
  readonly dimensions: readonly Dimension[];
  readonly values: readonly Value[];
  readonly #numbers = new Map<string, number>();
  readonly #rules: readonly Impossible[];

  constructor(
    readonly policy: Policy,
    machine?: CoveredMachine,
  ) {
    this.dimensions = dimensionsFor(policy);
    this.values = this.dimensions.flatMap((dimension) =>
      Object.keys(dimension.values).map((value) => ({ dimension, value })),
    );
    this.values.forEach(({ dimension, value }, i) => {
      this.#numbers.set(`${dimension.name} ${value}`, i);
    });
    this.#rules = impossibleFor(policy, machine);
  }

  /** The numbers of a moment's values, one for each dimension, in order. */
  numbersOf(moment: Moment): number[] {
    return this.dimensions.map(({ name, read }) => this.#numbers.get(`${name} ${read(moment)}`) as number);
  }

  /** A pair of values by one number. */
  pair(a: number, b: number): number {
    return a * this.values.length + b;
  }

  /** The pairs of a moment's values. */
  pairsOf(numbers: readonly number[]): number[] {
    return numbers.flatMap((a, i) => numbers.slice(i + 1).map((b) => this.pair(a, b)));
  }

  /** Every pair of values of two dimensions, in order. */
  pairs(): [a: number, b: number][] {
    const { values } = this;
    return values.flatMap((one, a) =>
      values.flatMap((other, b) =>
        b > a && one.dimension !== other.dimension ? [[a, b] as [number, number]] : [],
      ),
    );
  }

  /** Why a pair cannot be; undefined if it can. */
  whyNot(a: number, b: number): string | undefined {
    const [one, other] = [this.values[a] as Value, this.values[b] as Value];
    const rule = this.#rules.find(
      (r) =>
        (matchesValue(r.one, one) && (r.other === undefined || matchesValue(r.other, other))) ||
        (matchesValue(r.one, other) && (r.other === undefined || matchesValue(r.other, one))),
    );
    return rule?.reason;
  }

  /** A pair for people. */
  text(a: number, b: number): string {
    return [a, b]
      .map((n) => this.values[n] as Value)
      .map(({ dimension, value }) => `${dimension.name} ${value}`)
      .join(' × ');
  }
}
