import { type Comparison, isWorse } from '../compare/compare.js';
import { wordsOf } from '../compare/entries.js';
import type { Side } from '../compare/side.js';
import { summarize } from '../report/summary.js';
import type { ScenarioResult } from '../report/types.js';

/** What became of a kernel of the series. */
export type Outcome =
  /** Its patch does not apply, or it does not build: why, and the last words of the tool. */
  | { kind: 'not applied' | 'not built' | 'not booted'; text: string }
  /** It ran; held against the one before it, unless it is the base. */
  | { kind: 'ran'; side: Side; comparison?: Comparison; warnings: readonly string[] };

/** One row: the base, or a patch upon those before it. */
export interface SeriesRow {
  subject: string;
  outcome: Outcome;
}

/** A row in words, for a table, and what there is to say below it. */
export interface RowText {
  cells: string[];
  below: string[];
}

const resultsOf = ({ scenarios }: Side): ScenarioResult[] =>
  [...scenarios.values()].map(({ result }) => result);

const summaryOf = (side: Side) => summarize([{ scenarios: resultsOf(side), ...crashOf(side) }]);
const crashOf = ({ set: { crashed } }: Side) => (crashed === undefined ? {} : { crashed });

export const HEAD = [
  'patch',
  'builds',
  'boots',
  'policy',
  'passed',
  'failed',
  'skipped',
  'changes',
  'warnings',
];

const NOT: Readonly<Record<Exclude<Outcome['kind'], 'ran'>, readonly [builds: string, boots: string]>> = {
  'not applied': ['does not apply', '-'],
  'not built': ['NO', '-'],
  'not booted': ['yes', 'NO'],
};

const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

/** Whether a row is bad: it makes something fail that did not, or cannot be tested. */
export const isBadRow = ({ outcome }: SeriesRow): boolean =>
  outcome.kind !== 'ran' || (outcome.comparison !== undefined && isWorse(outcome.comparison));

function belowOf({ outcome }: SeriesRow, all: boolean): string[] {
  if (outcome.kind !== 'ran') return [outcome.text];
  const { comparison, warnings } = outcome;
  if (comparison === undefined) return [...warnings];
  const { changes, verdicts, conclusion } = wordsOf(comparison, all);
  const entries = [...verdicts, ...changes].flatMap(({ count, text, below }) => [
    `${counted(count, 'scenario')}: ${text}`,
    ...below.map((line) => `  ${line}`),
  ]);
  return [...entries, ...warnings, conclusion];
}

/** A row of the table, by its number; the base is 0. */
export function rowText(row: SeriesRow, number: number, total: number, all: boolean): RowText {
  const { outcome } = row;
  const name = number === 0 ? 'base' : `${number}/${total}`;
  const below = belowOf(row, all);
  if (outcome.kind !== 'ran')
    return { cells: [name, ...NOT[outcome.kind], '-', '-', '-', '-', '-', '-'], below };
  const { side, comparison, warnings } = outcome;
  const { counts } = summaryOf(side);
  const failed = counts.fail + counts.error + counts.timeout;
  const changes = comparison === undefined ? '-' : String(comparison.groups.length + comparison.skips.length);
  const cells = ['yes', side.set.crashed === undefined ? 'yes' : 'dies', side.set.policy.name];
  const numbers = [counts.pass, failed, counts.skip].map(String);
  return { cells: [name, ...cells, ...numbers, changes, String(warnings.length)], below };
}

/** Who tested, as a tag of a mail has it. */
export interface Tester {
  name: string;
  version: string;
}

/** What goes below the `---` of a reply; why there is nothing to say, if a patch is bad or something fails at the end. */
export function testedBy(rows: readonly SeriesRow[], { name, version }: Tester): string {
  const bad = rows.findIndex((row, i) => i > 0 && isBadRow(row));
  if (bad > 0) return `no Tested-by: see patch ${bad}/${rows.length - 1}`;
  const last = rows.at(-1)?.outcome;
  if (last?.kind !== 'ran') return 'no Tested-by: nothing was tested';
  const { counts, checks } = summaryOf(last.side);
  if (counts.pass === 0) return 'no Tested-by: nothing passed';
  const failed = counts.fail + counts.error + counts.timeout;
  const known = failed === 0 ? '' : `, ${failed} failed as before the series`;
  const { release, engine } = last.side.set;
  const zaps = checks.zaps ?? 0;
  return [
    '---',
    `Tested-by: ${name}`,
    `# kvm-memtype ${version}, Linux ${release} with each patch on ${engine}:`,
    `# ${counted(counts.pass, 'scenario')} passed${known}, ${counts.skip} skipped; ${counted(
      checks.leaves ?? 0,
      'leaf',
    ).replace('leafs', 'leaves')} and ${counted(zaps, 'zap')} checked with the last`,
  ].join('\n');
}
