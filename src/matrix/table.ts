import { safeLine } from '../safe-text.js';
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

const cellLines = ({ state, passed, skipped, failed, leaves, zaps, msrs }: Cell): string[] => {
  const counts = [
    `${passed} passed`,
    skipped > 0 ? `${skipped} skipped` : '',
    failed > 0 ? `${failed} failed` : '',
  ];
  if (state === 'skipped') return ['skipped', '', ''];
  return [
    `${state}: ${counts.filter(Boolean).join(', ')}`,
    `${leaves} leaves, ${zaps} zaps`,
    `${msrs} MSR values`,
  ];
};

const rowLines = (first: readonly string[], columns: readonly (readonly string[])[]): string[][] => {
  const height = Math.max(first.length, ...columns.map((lines) => lines.length));
  return Array.from({ length: height }, (_, i) => [
    first[i] ?? '',
    ...columns.map((lines) => lines[i] ?? ''),
  ]);
};

function align(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((cells) => cells[i]?.length ?? 0)));
  return rows
    .map(
      (cells) =>
        `${cells
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

function skipLines(proposals: readonly Proposal[], columns: readonly Column[]): string[] {
  const lines = columns.flatMap(({ kernel, cells }) =>
    cells.flatMap((cell, i) =>
      cell.reason === undefined
        ? []
        : [`${proposals[i]?.name} on ${kernel.name}: ${cell.skipped} skipped: ${safeLine(cell.reason)}\n`],
    ),
  );
  return lines.length === 0 ? [] : ['\n', ...lines];
}

/** Kernels where probing did not find the policy that it should. */
export const wrongPolicies = (columns: readonly Column[]): string[] =>
  columns
    .filter(({ policy, expectedPolicy }) => policy !== expectedPolicy)
    .map(
      ({ kernel, policy, expectedPolicy }) =>
        `${kernel.name}: probing found policy ${policy}, not ${expectedPolicy}\n`,
    );

/** The matrix as text: proposals down, kernels across, then why cells were skipped and what went wrong. */
export function renderMatrix(proposals: readonly Proposal[], columns: readonly Column[]): string {
  const header = rowLines(
    ['', ''],
    columns.map(({ kernel, policy }) => [kernel.name, `policy ${policy}`]),
  );
  const rows = proposals.flatMap(({ name, title }, i) =>
    rowLines(
      [name, title, ''],
      columns.map(({ cells }) => (cells[i] === undefined ? [] : cellLines(cells[i]))),
    ),
  );
  const failures = columns.flatMap(({ kernel, failed }) =>
    failed.map((name) => `${kernel.name}: ${safeLine(name)} failed\n`),
  );
  return (
    align([...header, ...rows]) +
    [...skipLines(proposals, columns), ...wrongPolicies(columns), ...failures].join('')
  );
}
