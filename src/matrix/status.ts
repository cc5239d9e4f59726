import { type Column, wrongPolicies } from './table.js';

/** The exit status of a matrix, as `run` has it: 1 something is wrong, 0 something passed, 4 everything was skipped. */
export function matrixStatus(columns: readonly Column[]): 0 | 1 | 4 {
  if (wrongPolicies(columns).length > 0 || columns.some(({ failed }) => failed.length > 0)) return 1;
  return columns.some(({ cells }) => cells.some(({ passed }) => passed > 0)) ? 0 : 4;
}
