import picomatch from 'picomatch';
import type { Scenario } from '../scenario/types.js';

/** No scenario has a name that fits. */
export class SelectError extends Error {
  readonly code = 'SELECT';
}

/**
 * All that a pattern may be made of: the signs of names, and `*`. Everything else that globs know (`?`, sets, groups, `./`) is
 * refused, as some of it makes a regular expression that takes for ever.
 */
const PATTERN = /^[\w/*-]+$/;
/** `*` stands for any part of a name, a `/` too. */
const GLOB = { bash: true, dot: true, nobrace: true, nobracket: true, noextglob: true, nonegate: true };

/** A glob with `*` as the only special character, against a whole name or a whole family. */
export function matcher(pattern: string): (name: string) => boolean {
  if (!PATTERN.test(pattern)) return () => false;
  const glob = pattern.replace(/\*+/g, '*');
  const matches = picomatch(glob, GLOB);
  return (name) => matches(name) || matches(name.slice(0, name.indexOf('/')));
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
