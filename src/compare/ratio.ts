import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { mean, permutationTest } from 'simple-statistics';

/** With fewer values on each side no order of them is unlikely enough: of 3 and 3 there are only 20 ways to part them. */
export const FEWEST_VALUES = 4;

/** How likely a difference that is none may be taken for one. */
const ALPHA = 0.05;
/** Fixed, so that the same values give the same answer. */
const SEED = 1;
/** Ways to part the values that are tried. */
const SHUFFLES = 2000;
/** To this share of it a bound is found. */
const PRECISION = 1e-4;
/** No bound is looked for beyond. */
const MOST = 2 ** 20;

/** By how much the values of one side are those of the other. */
export interface Ratio {
  /** Of the means; null where only the first is 0. */
  ratio: number | null;
  /** The 95 % interval of the ratio; absent where there are too few values. */
  interval?: readonly [low: number, high: number];
}

/** Whether these values could be told from those if it were left to chance which is which. */
function isTold(a: readonly number[], b: readonly number[]): boolean {
  const generator = xoroshiro128plus(SEED);
  const p = permutationTest([...a], [...b], 'two_side', SHUFFLES, () => uniformFloat64(generator));
  return p < ALPHA;
}

/** The last ratio on one side of `ratio` at which `b` cannot be told from so many times `a`. */
function boundOf(a: readonly number[], b: readonly number[], ratio: number, up: boolean): number {
  const at = (factor: number): number => (up ? ratio * factor : ratio / factor);
  const isTooFar = (factor: number): boolean =>
    isTold(
      a.map((value) => value * at(factor)),
      b,
    );
  let [near, far] = [1, 1 + PRECISION];
  while (far < MOST && !isTooFar(far)) [near, far] = [far, 1 + 2 * (far - 1)];
  while (far / near > 1 + PRECISION) {
    const middle = (near + far) / 2;
    if (isTooFar(middle)) far = middle;
    else near = middle;
  }
  return at(near);
}

/**
 * How many times the values of `a` those of `b` are. The interval has every ratio that a permutation test does not rule out.
 * @param a not negative, nor is b
 */
export function ratioOf(a: readonly number[], b: readonly number[]): Ratio {
  const [meanA, meanB] = [mean([...a]), mean([...b])];
  if (meanA === 0 && meanB !== 0) return { ratio: null };
  const ratio = meanB === meanA ? 1 : meanB / meanA;
  if (Math.min(a.length, b.length) < FEWEST_VALUES) return { ratio };
  if (meanA === 0 || meanB === 0) return { ratio, interval: [ratio, ratio] };
  return { ratio, interval: [boundOf(a, b, ratio, false), boundOf(a, b, ratio, true)] };
}
