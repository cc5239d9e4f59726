import { safeJson } from '../text/safe.js';
import { hang } from '../text/wrap.js';
import { type Comparison, isWorse } from './compare.js';
import type { CostEntry } from './cost-words.js';
import { type Entry, type Words, wordsOf } from './entries.js';
import type { Side } from './side.js';
import { policyText } from './words.js';

export const COMPARE_FORMATS = ['pretty', 'json', 'markdown'] as const;
export type CompareFormat = (typeof COMPARE_FORMATS)[number];

/** How much is told. */
export interface RenderOptions {
  /** Every change, not only as much as is read. */
  all: boolean;
  width: number;
}

/** Most lines of a comparison, unless all of it is asked for: a mail has no more. */
const MOST_LINES = 40;
/** Wider than this, a mail is broken by others. */
const MOST_COLUMNS = 80;

/** Cut what is too long in the middle: the conclusion stays. */
function cut(body: readonly string[], end: readonly string[], all: boolean): string {
  const room = MOST_LINES - end.length - 1;
  if (all || body.length + end.length <= MOST_LINES) return `${[...body, ...end].join('\n')}\n`;
  const left = body.length - room;
  return `${[...body.slice(0, room), `… ${left} more lines: --all`, ...end].join('\n')}\n`;
}

/** How the parts of a comparison stand in text. */
interface Style {
  side: (name: string, text: string, width: number) => string;
  title: (text: string) => string;
  entry: (count: number | string, text: string, width: number) => string;
  below: (text: string, width: number) => string;
  /** Stands between a title, or a list, and what follows. */
  gap: readonly string[];
}

const PRETTY: Style = {
  side: (name, text, width) => hang(`${name}  `, text, width),
  title: (text) => `${text}:`,
  entry: (count, text, width) =>
    hang(`${String(count).padStart(typeof count === 'string' ? 8 : 4)}  `, text, width),
  below: (text, width) => hang(' '.repeat(8), text, width),
  gap: [],
};

const MARKDOWN: Style = {
  side: (name, text, width) => hang('- ', `${name}: ${text}`, width),
  title: (text) => `### ${text}`,
  entry: (count, text, width) => hang('- ', `**${count}**: ${text}`, width),
  below: (text, width) => hang('  - ', text, width),
  gap: [''],
};

function section(
  title: string,
  entries: readonly (Entry | CostEntry)[],
  style: Style,
  width: number,
): string[] {
  if (entries.length === 0) return [];
  const lines = entries.flatMap(({ count, text, below }) => [
    style.entry(count, text, width),
    ...below.map((line) => style.below(line, width)),
  ]);
  return ['', style.title(title), ...style.gap, ...lines];
}

function text(words: Words, style: Style, { all, width }: RenderOptions): string {
  const columns = Math.min(width, MOST_COLUMNS);
  const body = [
    ...words.sides.map((side, i) => style.side(i === 0 ? 'A' : 'B', side, columns)),
    ...words.notes.flatMap((note) => [...style.gap, hang('', note, columns)]),
    ...section('Scenarios with other verdicts', words.verdicts, style, columns),
    ...section('Scenarios, and what changed in them', words.changes, style, columns),
    ...section('What B takes, as a multiple of A', words.costs, style, columns),
  ].flatMap((part) => part.split('\n'));
  return cut(body, ['', ...hang('', words.conclusion, columns).split('\n')], all);
}

const sideData = (side: Side): object => ({
  name: side.name,
  release: side.set.release,
  engine: side.set.engine,
  policy: side.set.policy,
  explanation: policyText(side),
  ...(side.set.crashed && { crashed: side.set.crashed }),
  ...(side.incomplete !== undefined && { incomplete: side.incomplete }),
  hasRecording: side.environment !== undefined,
});

function jsonOf(comparisons: readonly Comparison[]): string {
  const data = {
    schema: 'kvm-memtype/comparison',
    version: 1,
    worse: comparisons.some(isWorse),
    comparisons: comparisons.map(({ a, b, ...rest }) => ({ a: sideData(a), b: sideData(b), ...rest })),
  };
  return `${safeJson(JSON.stringify(data, null, 2))}\n`;
}

/** Tell what differs between the first kernel and each of the others. */
export function renderComparisons(
  comparisons: readonly Comparison[],
  format: CompareFormat,
  options: RenderOptions,
): string {
  if (format === 'json') return jsonOf(comparisons);
  const style = format === 'markdown' ? MARKDOWN : PRETTY;
  return comparisons.map((one) => text(wordsOf(one, options.all), style, options)).join('\n');
}
