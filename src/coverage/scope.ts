import type { Scope } from '../report/types.js';
import type { Scenario } from '../scenario/types.js';
import { isQuickSet } from './quick.js';

/** Which set the scenarios of a run are: told by their names, whatever they were chosen by. */
export function scopeOf(scenarios: readonly Scenario[], catalogue: readonly Scenario[]): Scope {
  const names = new Set(scenarios.map(({ name }) => name));
  if (names.size === catalogue.length && catalogue.every(({ name }) => names.has(name))) return 'whole';
  return isQuickSet(scenarios, catalogue) ? 'quick' : 'chosen';
}
