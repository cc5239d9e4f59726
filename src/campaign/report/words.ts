import type { StatusCounts } from '../store/records.js';
import type { Flaky } from './flaky.js';
import type { CampaignReport, CellReport, CellState, KernelReport } from './model.js';

/** What a cell is called. */
const STATE_WORDS: Readonly<Record<CellState, string>> = {
  pass: 'passed',
  fail: 'FAILED',
  skip: 'skipped',
  lost: 'no result',
  open: 'open',
  none: '',
};

const COUNTED: readonly [keyof StatusCounts, string][] = [
  ['fail', 'failed'],
  ['error', 'errors'],
  ['timeout', 'timed out'],
  ['pass', 'passed'],
  ['skip', 'skipped'],
];

/** `2 failed, 210 passed` */
const countsText = (counts: StatusCounts): string =>
  COUNTED.flatMap(([status, word]) => (counts[status] > 0 ? [`${counts[status]} ${word}`] : [])).join(', ');

/** A cell in words. */
export function cellText({ state, counts }: CellReport): string {
  const rest = countsText(counts);
  if (state === 'none') return '';
  if (state === 'pass' || state === 'fail' || state === 'skip') return rest || STATE_WORDS[state];
  return rest === '' ? STATE_WORDS[state] : `${STATE_WORDS[state]} (${rest})`;
}

/** A time that people can grasp. */
export function durationText(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** What a kernel's jobs cost, where an hour has a price. */
export const costText = ({ price }: CampaignReport, { machineSeconds }: KernelReport): string =>
  price === undefined ? '' : ((machineSeconds / 3600) * price).toFixed(2);

/** A kernel's image by the beginning of its hash. */
export const imageText = ({ image }: KernelReport): string => image?.slice(0, 12) ?? '';

export const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

/** `12 of 14 jobs done, 2 without a result` */
export function jobsText({ jobs: { done, open, lost } }: CampaignReport): string {
  const all = done + open + lost;
  const more = lost > 0 ? `, ${lost} without a result` : '';
  return `${done} of ${counted(all, 'job')} done${more}${open > 0 ? `, ${open} open` : ''}`;
}

/** What is flaky, in words. */
export function flakyText({ job, scenario, seen, where, machines }: Flaky): string {
  const unlike = machines.length === 0 ? '' : `; on unlike machines: ${machines.join('; ')}`;
  return `${scenario}, ${job}: ${seen.join(', ')} (in ${where === 'runs' ? 'several runs' : 'repetitions'}${unlike})`;
}
