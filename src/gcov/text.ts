import { safeLine } from '../text/safe.js';
import { textTable } from '../text/table.js';
import { DECIDERS } from './deciders.js';
import { changedLines, touchedBy } from './patch.js';
import { linesOf, type Missed, missed, tally } from './tally.js';
import type { CountedFile, CountedLine, Tally } from './types.js';

/** A line of the source, if it is there. */
export type SourceLine = (path: string, line: number) => string | undefined;

const share = (part: number, all: number): string => `${all === 0 ? 100 : Math.floor((100 * part) / all)} %`;

const cells = ({ lines, branches }: Tally): string[] => [
  `${lines.ran}/${lines.all}`,
  share(lines.ran, lines.all),
  `${branches.taken}/${branches.all}`,
  share(branches.taken, branches.all),
];

const HEAD = ['lines', '', 'branches', ''];
const NUMBERS = [1, 2, 3, 4];

/** A function that decides something. */
interface Decider {
  name: string;
  path: string;
  lines: CountedLine[];
}

function fileTable(files: readonly CountedFile[]): string {
  const rows = files.map(({ path, lines }) => [path, ...cells(tally(lines))]);
  return textTable([['file', ...HEAD], ...rows], NUMBERS);
}

/** The functions of the list that this kernel has, with the file of each. */
function deciders(files: readonly CountedFile[], names: readonly string[]): Decider[] {
  return names.flatMap((name) =>
    files.flatMap((file) =>
      file.functions
        .filter((one) => name === file.path || name === one.name)
        .map((one) => ({ name: one.name, path: file.path, lines: linesOf(file, one.name) })),
    ),
  );
}

function functionTable(files: readonly CountedFile[]): string {
  const rows = DECIDERS.flatMap(([what, names]) => {
    const own = deciders(files, names).map(({ name, lines }) => [`  ${name}`, ...cells(tally(lines))]);
    return own.length === 0 ? [] : [[`${what}:`, '', '', '', ''], ...own];
  });
  return textTable([['function', ...HEAD], ...rows], NUMBERS);
}

const missedLine = ({ path, line, what }: Missed, source: SourceLine): string =>
  safeLine(`  ${path}:${line}  ${what}: ${source(path, line)?.trim() ?? ''}`);

/** What ran of KVM: each file, each function that decides something, and what of those did not happen. */
export function codeText(files: readonly CountedFile[], source: SourceLine): string {
  const all = DECIDERS.flatMap(([, names]) => deciders(files, names));
  if (all.length === 0) return fileTable(files);
  const not = all.flatMap(({ path, lines }) => missed(path, lines));
  const list = not.map((one) => `${missedLine(one, source)}\n`).join('');
  const title =
    not.length === 0
      ? 'All that these functions can do was done.\n'
      : `What these functions did not do, at ${not.length} lines:\n`;
  return `${fileTable(files)}\n${functionTable(files)}\n${title}${list}`;
}

/** What ran of a patch; the last line says it if nothing did. */
export function patchText(diff: string, files: readonly CountedFile[], source: SourceLine): string {
  const touched = touchedBy(changedLines(diff), files);
  if (touched.length === 0) return 'The patch touches no line of KVM that has code.\n';
  const { lines, branches } = tally(touched.flatMap((file) => file.lines));
  const not = touched.flatMap(({ path, lines: own }) => missed(path, own));
  const sum = `Of the patch ${lines.ran} of ${lines.all} lines ran, and ${branches.taken} of ${branches.all} branches were taken.`;
  const end = lines.ran === 0 ? ['The patch was never executed: no scenario came to a line of it.'] : [];
  return [sum, ...not.map((one) => missedLine(one, source)), ...end].map((line) => `${line}\n`).join('');
}
