import { type Cost, FEWEST_RUNS } from './costs.js';

/** A cost that is told. */
export interface CostEntry {
  /** The ratio. */
  count: string;
  text: string;
  below: readonly [];
}

const short = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 4 });
const multiple = new Intl.NumberFormat('en', { maximumSignificantDigits: 3, useGrouping: false });

/** Whether the sides cannot be told apart by it. */
export const tellsNoDifference = ({ from, to, interval }: Cost): boolean =>
  interval === undefined ? from === to : interval[0] <= 1 && interval[1] >= 1;

/** How sure it is. */
function sureText(cost: Cost): string {
  const { from, to, interval, ratio, runs } = cost;
  if (ratio === null) return '';
  if (from === to) return ': no difference';
  if (interval === undefined)
    return `; chance or not cannot be told by fewer than ${FEWEST_RUNS} runs of each`;
  const [low, high] = interval.map((bound) => `x${multiple.format(bound)}`);
  const range = low === high ? '' : ` (95 %: ${low} to ${high}, ${runs.join(' and ')} runs)`;
  return tellsNoDifference(cost) ? `: no difference${range}` : range;
}

function textOf(cost: Cost): string {
  const { measure, unit, from, to, beyond } = cost;
  if (from === 0 && to === 0) return `${measure}, none on either side`;
  const values = `${short.format(from)} -> ${short.format(to)}${unit === '' ? '' : ` ${unit}`}`;
  return `${measure}, ${values}${sureText(cost)}${beyond ? '; beyond the threshold' : ''}`;
}

/** What both sides take, in words. */
export const costEntries = (costs: readonly Cost[]): CostEntry[] =>
  costs.map((cost) => ({
    count: cost.ratio === null ? 'new' : `x${multiple.format(cost.ratio)}`,
    text: textOf(cost),
    below: [],
  }));
