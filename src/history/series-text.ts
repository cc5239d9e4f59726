import { safeLine } from '../text/safe.js';
import { textTable } from '../text/table.js';
import { hang } from '../text/wrap.js';
import { HEAD, rowText, type SeriesRow, type Tester, testedBy } from './series.js';

/** Most lines below a row, unless all is asked for. */
const MOST_BELOW = 12;

/** Cut what is too long in the middle: the conclusion stays. */
function cut(lines: readonly string[], all: boolean): readonly string[] {
  if (all || lines.length <= MOST_BELOW) return lines;
  const left = lines.length - MOST_BELOW + 1;
  return [...lines.slice(0, MOST_BELOW - 2), `… ${left} more lines: --all`, lines.at(-1) as string];
}

/** A series as text: a row for each patch, what there is to say of each, and what goes into a reply. */
export function renderSeries(
  rows: readonly SeriesRow[],
  tester: Tester,
  { all, width }: { all: boolean; width: number },
): string {
  const texts = rows.map((row, i) => rowText(row, i, rows.length - 1, all));
  const table = textTable([HEAD, ...texts.map(({ cells }) => cells.map(safeLine))], [4, 5, 6, 7, 8]);
  const details = rows.map(({ subject }, i) => {
    const { cells, below } = texts[i] as (typeof texts)[number];
    const lines = cut(below, all).map((line) => {
      const indent = /^ */.exec(line)?.[0] ?? '';
      return hang(`  ${indent}`, safeLine(line.trimStart()), width);
    });
    return [hang(`${cells[0]}  `, safeLine(subject), width), ...lines].join('\n');
  });
  return `${table}\n${details.join('\n')}\n\n${testedBy(rows, tester).split('\n').map(safeLine).join('\n')}\n`;
}
