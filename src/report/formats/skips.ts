import type { ScenarioResult } from '../types.js';
import { fullName } from './text.js';

/** Up to this many scenarios of one reason are named; of more, the families. */
const NAMED = 6;

/** Skipped scenarios that have one reason. */
export interface SkipGroup {
  reason: string;
  /** What would let them run. */
  lift: string;
  /** Their names, or how many of which family. */
  scenarios: string;
  count: number;
}

function familiesText(results: readonly ScenarioResult[]): string {
  const counts = new Map<string, number>();
  for (const { family } of results) counts.set(family, (counts.get(family) ?? 0) + 1);
  return [...counts].map(([family, n]) => `${family} (${n})`).join(', ');
}

/** Group skipped results by their reason, in order of first appearance. */
export function groupSkips(results: readonly ScenarioResult[]): SkipGroup[] {
  const groups = new Map<string, ScenarioResult[]>();
  for (const result of results) {
    if (result.skip === undefined) continue;
    const key = JSON.stringify([result.skip.reason, result.skip.lift]);
    const group = groups.get(key);
    if (group) group.push(result);
    else groups.set(key, [result]);
  }
  return [...groups].map(([key, members]) => {
    const [reason, lift] = JSON.parse(key) as [string, string];
    const names = members.length > NAMED ? familiesText(members) : members.map(fullName).join(', ');
    return { reason, lift, scenarios: names, count: members.length };
  });
}
