import Table from 'cli-table3';
import stringWidth from 'string-width';
import { hang } from './wrap.js';

/** Blanks between columns. */
const GAP = 2;

const NO_BORDER = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '' },
  middle: ' '.repeat(GAP),
};

/** Rows of cells as lines of text, two blanks between columns; a cell may have several lines. `numbers` are columns to the right. */
export function textTable(rows: readonly (readonly string[])[], numbers: readonly number[] = []): string {
  const columns = rows[0]?.length ?? 0;
  const table = new Table({
    chars: NO_BORDER,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    colAligns: Array.from({ length: columns }, (_, i) => (numbers.includes(i) ? 'right' : 'left')),
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split('\n')
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

/** Names, each with text beside it that is wrapped to `width` columns: a line for each where that has no end. */
export function describedTable(
  rows: readonly (readonly [name: string, text: string])[],
  width: number,
): string {
  const names = Math.max(...rows.map(([name]) => stringWidth(name)));
  const gap = (name: string): string => ' '.repeat(names - stringWidth(name) + GAP);
  return rows.map(([name, text]) => `${hang(name + gap(name), text, width)}\n`).join('');
}
