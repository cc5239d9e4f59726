import { safeLine } from '../text/safe.js';
import { textTable } from '../text/table.js';
import { hang } from '../text/wrap.js';
import type { Cell } from './cell.js';
import type { MatrixKernel, Proposal } from './data.js';

/** What the matrix has of one kernel. */
export interface Column {
  kernel: MatrixKernel;
  /** `uname -r` */
  release: string;
  /** The policy that probing found. */
  policy: string;
  /** The policy that it had to find. */
  expectedPolicy: string;
  cells: readonly Cell[];
  /** Scenarios that failed, in no cell or in one. */
  failed: readonly string[];
}

const GAP = 2;

const cellText = ({ state, passed, skipped, failed, leaves, zaps, msrs }: Cell): string => {
  if (state === 'skipped') return 'skipped';
  const counts: [number, string][] = [
    [failed, 'FAILED'],
    [passed, 'passed'],
    [skipped, 'skipped'],
    [leaves, 'leaves'],
    [zaps, 'zaps'],
    [msrs, 'MSRs'],
  ];
  const told = counts.filter(([n, what]) => n > 0 || what === 'passed');
  return told.map(([n, what]) => `${n} ${what}`).join('\n');
};

const widthOf = (cells: readonly string[]): number =>
  Math.max(...cells.flatMap((cell) => cell.split('\n')).map((line) => line.length));

/** Characters of a policy's name on one line: no cell is to need more than the first column leaves of 40. */
const POLICY_WIDTH = 14;

/** A policy's name, a long one broken before its last dash that fits. */
function policyText(name: string): string {
  const at = name.length > POLICY_WIDTH ? name.lastIndexOf('-', POLICY_WIDTH) : -1;
  return at > 0 ? `${name.slice(0, at)}\n${name.slice(at)}` : name;
}

/** Split columns into as many tables as it takes to keep to the width, each behind the `first` column. */
function blocks(
  first: readonly string[],
  columns: readonly (readonly string[])[],
  width: number,
): string[][][] {
  const split: string[][][] = [];
  let room = 0;
  for (const column of columns) {
    const needed = GAP + widthOf(column);
    if (split.length === 0 || needed > room) {
      split.push([[...first]]);
      room = width - widthOf(first);
    }
    split.at(-1)?.push([...column]);
    room -= needed;
  }
  return split;
}

const transposed = (columns: readonly (readonly string[])[]): string[][] =>
  (columns[0] ?? []).map((_, row) => columns.map((column) => column[row] ?? ''));

/** Why cells were skipped, once for all kernels that say the same of a proposal. */
function skipLines(proposals: readonly Proposal[], columns: readonly Column[], width: number): string[] {
  const kernels = new Map<string, string[]>();
  for (const [i, { name }] of proposals.entries()) {
    for (const { kernel, cells } of columns) {
      const cell = cells[i];
      if (cell?.reason === undefined) continue;
      const key = `${name}, ${cell.skipped} skipped: ${safeLine(cell.reason)}; on `;
      kernels.set(key, [...(kernels.get(key) ?? []), kernel.name]);
    }
  }
  return [...kernels].map(([key, names]) => hang('', key + names.join(', '), width, GAP));
}

/** Kernels where probing did not find the policy that it should. */
export const wrongPolicies = (columns: readonly Column[]): string[] =>
  columns
    .filter(({ policy, expectedPolicy }) => policy !== expectedPolicy)
    .map(
      ({ kernel, policy, expectedPolicy }) =>
        `${kernel.name}: probing found policy ${policy}, not ${expectedPolicy}\n`,
    );

/** What each cell stands for, below the table. */
const LEGEND =
  'A cell: scenarios, then what they checked: EPT leaves (the entries that map guest pages and hold their memory types), ' +
  'zaps of such leaves, and values of MSRs. A policy is the set of rules by which a kernel chooses memory types.';

/**
 * The matrix as text within `width` columns: proposals down, kernels across, in as many tables as that takes; then why cells were
 * skipped and what went wrong.
 */
export function renderMatrix(
  proposals: readonly Proposal[],
  columns: readonly Column[],
  width: number,
): string {
  const first = ['kernel\npolicy', ...proposals.map(({ name, title }) => `${name}\n${title}`)];
  const cells = columns.map(({ kernel, policy, cells }) => [
    `${kernel.name}\n${policyText(safeLine(policy))}`,
    ...proposals.map((_, i) => (cells[i] === undefined ? '' : cellText(cells[i]))),
  ]);
  const tables = blocks(first, cells, width).map((block) => textTable(transposed(block)));
  const failures = columns.flatMap(({ kernel, failed }) =>
    failed.map((name) => hang('', `${kernel.name}: ${safeLine(name)} failed`, width, GAP)),
  );
  const notes = [
    ...skipLines(proposals, columns, width),
    ...wrongPolicies(columns).map((line) => line.trimEnd()),
    ...failures,
  ];
  return [...tables, `${hang('', LEGEND, width)}\n`, notes.map((line) => `${line}\n`).join('')]
    .filter(Boolean)
    .join('\n');
}
