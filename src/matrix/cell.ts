import type { ResultSet, ScenarioResult } from '../report/types.js';
import type { Scenario } from '../scenario/types.js';
import { selectScenarios } from '../session/select.js';
import type { Proposal } from './data.js';

/** What a kernel shows of a proposal. */
export interface Cell {
  state: 'passed' | 'skipped' | 'failed';
  passed: number;
  skipped: number;
  failed: number;
  leaves: number;
  zaps: number;
  msrs: number;
  /** Why the first skipped scenario was skipped. */
  reason: string | undefined;
}

const sum = (results: readonly ScenarioResult[], kind: string): number =>
  results.reduce((total, { checks }) => total + (checks[kind] ?? 0), 0);

function stateOf(passed: number, failed: number): Cell['state'] {
  if (failed > 0) return 'failed';
  return passed > 0 ? 'passed' : 'skipped';
}

/** Sum up what the scenarios of a proposal gave on one kernel; a scenario without a result has failed. */
export function cellOf(proposal: Proposal, set: ResultSet, catalogue: readonly Scenario[]): Cell {
  const names = new Set(selectScenarios(catalogue, proposal.scenarios).map(({ name }) => name));
  const results = set.scenarios.filter(({ family, name }) => names.has(`${family}/${name}`));
  const count = (...states: ScenarioResult['status'][]): number =>
    results.filter(({ status }) => states.includes(status)).length;
  const passed = count('pass');
  const skipped = count('skip');
  const failed = names.size - passed - skipped;
  return {
    state: stateOf(passed, failed),
    passed,
    skipped,
    failed,
    leaves: sum(results, 'leaves'),
    zaps: sum(results, 'zaps'),
    msrs: sum(results, 'msrs'),
    reason: results.find(({ skip }) => skip !== undefined)?.skip?.reason,
  };
}
