/** The middle of some values, and where the middle of all such values lies with 95 % confidence. */
export interface MedianInterval {
  low: number;
  median: number;
  high: number;
}

/**
 * The interval of the sign test: it asks nothing of how the values are distributed, so that what others do to a few of them
 * moves nothing.
 * @param values at least 10
 */
export function medianInterval(values: readonly number[]): MedianInterval {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (rank: number): number => sorted[Math.min(Math.max(rank, 0), sorted.length - 1)] ?? Number.NaN;
  const reach = 0.98 * Math.sqrt(sorted.length); // Half of 1.96 standard deviations of a fair coin's heads.
  const middle = sorted.length / 2;
  return {
    low: at(Math.floor(middle - reach)),
    median: at(Math.floor(middle)),
    high: at(Math.ceil(middle + reach)),
  };
}
