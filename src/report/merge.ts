import { isDeepStrictEqual } from 'node:util';
import { departs } from './summary.js';
import type { Incomplete, ResultSet, RunResult, ScenarioResult } from './types.js';

/** Results do not belong together; the message says which, and why. */
class MergeError extends Error {
  readonly code = 'REPORT_MERGE';
}

/** Results of a part of a run, and what they are called where they cannot be merged. */
export interface Part {
  name: string;
  run: RunResult;
}

interface SetOfPart {
  part: string;
  set: ResultSet;
}

/** What must be alike in parts of one kernel's results, and what it is called. */
const ALIKE: readonly [what: string, of: (set: ResultSet) => unknown][] = [
  ['release', ({ release }) => release],
  ['engine', ({ engine }) => engine],
  ['policy', ({ policy }) => [policy.name, policy.expectedByVersion]],
  ['image', ({ kernel }) => [kernel?.sha256, kernel?.params]],
  ['machine', ({ fingerprint }) => fingerprint],
];

function checkAlike(sets: readonly SetOfPart[]): void {
  const [first, ...others] = sets as [SetOfPart, ...SetOfPart[]];
  for (const other of others)
    for (const [what, of] of ALIKE)
      if (!isDeepStrictEqual(of(first.set), of(other.set)))
        throw new MergeError(
          `${first.set.name} in ${first.part} and in ${other.part} is not one kernel under one policy: its ${what} differs`,
        );
}

const keyOf = ({ family, name, repeat }: ScenarioResult): string =>
  `${family}/${name}${repeat === undefined ? '' : ` (${repeat})`}`;

/** A result that says only that the scenario was not run: a part that has run it counts. */
const isLost = ({ status, skip }: ScenarioResult): boolean =>
  status === 'skip' && skip?.reason.startsWith('not run: ') === true;

function scenariosOf(sets: readonly SetOfPart[], order: ReadonlyMap<string, number>): ScenarioResult[] {
  const found = new Map<string, { part: string; result: ScenarioResult }>();
  for (const { part, set } of sets)
    for (const result of set.scenarios) {
      const key = keyOf(result);
      const other = found.get(key);
      if (other !== undefined && !isLost(other.result) && !isLost(result))
        throw new MergeError(`${key} of ${set.name} is in ${other.part} and in ${part}`);
      if (other === undefined || isLost(other.result)) found.set(key, { part, result });
    }
  const place = ({ family, name }: ScenarioResult): number =>
    order.get(`${family}/${name}`) ?? Number.POSITIVE_INFINITY;
  const sorted = [...found.values()].map(({ result }) => result);
  return sorted.sort((a, b) => (a.repeat ?? 0) - (b.repeat ?? 0) || compare(place(a), place(b)));
}

/** Infinity minus itself is no order. */
const compare = (a: number, b: number): number => (a === b ? 0 : a - b);

/** What explains every part of which something failed: the others were not asked. */
function explainedBy(sets: readonly SetOfPart[]): string[] {
  const asked = sets
    .filter(({ set }) => set.scenarios.some(({ status }) => status === 'fail'))
    .map(({ set }) => set.policy.explainedBy);
  const [first = [], ...others] = asked;
  return first.filter((name) => others.every((names) => names.includes(name)));
}

const sum = (numbers: readonly (number | undefined)[]): number =>
  numbers.reduce<number>((all, one) => all + (one ?? 0), 0);

const firstIncomplete = (parts: readonly { incomplete?: Incomplete | undefined }[]): Incomplete | undefined =>
  parts.find(({ incomplete }) => incomplete !== undefined)?.incomplete;

/** What is known of scenarios elsewhere. */
export interface Order {
  /** Names in the order that the results of such a set have. */
  names: (set: ResultSet) => readonly string[];
  /** Which set of scenarios these are. */
  scope: (names: readonly string[]) => ResultSet['scope'];
}

function mergeSets(parts: readonly SetOfPart[], { names, scope }: Order): ResultSet {
  checkAlike(parts);
  const sets = parts.map(({ set }) => set);
  const [first] = sets as [ResultSet];
  if (sets.length === 1) return first;
  const { coverage: _, crashed: __, incomplete: ___, ...rest } = first;
  const order = new Map(names(first).map((name, i) => [name, i]));
  const scenarios = scenariosOf(parts, order);
  const crashed = sets.find((set) => set.crashed !== undefined)?.crashed;
  const incomplete = firstIncomplete(sets);
  const strict = sets.find(departs);
  return {
    ...rest,
    policy: { ...first.policy, explainedBy: explainedBy(parts), ...(strict && { strict: true }) },
    scope: scope(scenarios.map(({ family, name }) => `${family}/${name}`)),
    durationMs: sum(sets.map(({ durationMs }) => durationMs)),
    scenarios,
    planned: sum(sets.map(({ planned, scenarios }) => planned ?? scenarios.length)),
    ...(crashed && { crashed }),
    ...(incomplete && { incomplete }),
  };
}

function toolOf(parts: readonly Part[]): Pick<RunResult, 'tool' | 'judgedBy'> {
  const [first, ...others] = parts as [Part, ...Part[]];
  const of = ({ run }: Part): unknown => run.judgedBy ?? run.tool;
  const other = others.find((part) => !isDeepStrictEqual(of(part), of(first)));
  if (other !== undefined)
    throw new MergeError(`${first.name} and ${other.name} are of two versions of kvm-memtype`);
  const { tool, judgedBy } = first.run;
  return { tool, ...(judgedBy && { judgedBy }) };
}

/**
 * Put the results of parts of a run together: those of one kernel, by its name, become one set.
 * @throws MergeError
 */
export function mergeRuns(parts: readonly Part[], order: Order): RunResult {
  const kernels = new Map<string, SetOfPart[]>();
  for (const { name, run } of parts)
    for (const set of run.sets)
      kernels.set(set.name, [...(kernels.get(set.name) ?? []), { part: name, set }]);
  const runs = parts.map(({ run }) => run);
  const [first] = runs as [RunResult];
  const isOneHost = runs.every(({ host }) => isDeepStrictEqual(host, first.host));
  const incomplete = firstIncomplete(runs);
  return {
    ...toolOf(parts),
    ...(isOneHost && first.host && { host: first.host }),
    startedAt: runs.map(({ startedAt }) => startedAt).sort()[0] as string,
    durationMs: sum(runs.map(({ durationMs }) => durationMs)),
    sets: [...kernels.values()].map((sets) => mergeSets(sets, order)),
    planned: kernels.size,
    ...(incomplete && { incomplete }),
  };
}
