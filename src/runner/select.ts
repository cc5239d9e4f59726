import type { Scenario } from '../scenario/types.js';

/** No scenario has a name that fits. */
export class SelectError extends Error {
  readonly code = 'SELECT';
}

/** A glob with `*` as the only special character, against a whole name or a whole family. */
function matcher(pattern: string): (name: string) => boolean {
  const source = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  const regex = new RegExp(`^${source}(/.*)?$`);
  return (name) => regex.test(name);
}

/**
 * The scenarios that fit any of the patterns, all of them if there is none, in catalogue order; of those the given shard.
 * @throws SelectError if a pattern fits nothing
 */
export function selectScenarios(
  all: readonly Scenario[],
  patterns: readonly string[],
  shard: readonly [index: number, count: number] = [1, 1],
): Scenario[] {
  const matchers = patterns.map(matcher);
  const useless = patterns.find((_, i) => !all.some(({ name }) => matchers[i]?.(name)));
  if (useless !== undefined)
    throw new SelectError(`no scenario is called ${useless}; --list prints them all`);
  const chosen =
    patterns.length === 0 ? all : all.filter(({ name }) => matchers.some((matches) => matches(name)));
  return chosen.filter((_, i) => i % shard[1] === shard[0] - 1);
}
