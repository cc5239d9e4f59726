import { isDeepStrictEqual } from 'node:util';
import { isBad } from '../report/summary.js';
import type { ScenarioResult } from '../report/types.js';
import { type Cost, costsOf } from './costs.js';
import { type Change, changesOf } from './diff.js';
import { factsOf } from './facts.js';
import { type Group, groupsOf } from './group.js';
import type { Side, SideScenario } from './side.js';

/** Scenarios whose verdict is of a kind on both sides; each with what the second side says of it. */
interface Verdicts {
  /** Passed or was skipped, and is bad now. */
  worse: Told[];
  /** Was bad, and passes now. */
  better: Told[];
  /** Bad on both: not new. */
  notNew: Told[];
}

/** A scenario, and what there is to say of it. */
export interface Told {
  scenario: string;
  text: string;
}

/** Skips that became runs, or the other way: alike ones together. */
export interface SkipChange {
  now: 'run' | 'skipped';
  reason: string;
  scenarios: string[];
}

/** What differs between one kernel and another. */
export interface Comparison {
  a: Side;
  b: Side;
  /** Scenarios of which what was seen was compared, and those of which only verdicts were. */
  compared: number;
  verdictsOnly: number;
  /** On one side only. */
  onlyA: string[];
  onlyB: string[];
  /** Of one name, and not the same on both. */
  unlike: string[];
  verdicts: Verdicts;
  skips: SkipChange[];
  groups: Group[];
  /** What both take; empty where there was one run only. */
  costs: Cost[];
  /** What makes the second side worse as a whole: its kernel died, its run broke off. */
  broken: string[];
}

function faultOf({ status, failures, error }: ScenarioResult): string {
  const [first] = failures;
  if (first === undefined) return error ?? status;
  const place = first.gfn === undefined ? '' : `, gfn 0x${first.gfn.toString(16)}`;
  return `step ${first.step}${place}: ${first.what}: expected ${first.expected}; seen ${first.seen}`;
}

type Pair = readonly [name: string, a: SideScenario, b: SideScenario];

function verdictsOf(pairs: readonly Pair[]): Verdicts {
  const told = (wasBad: boolean, isNow: boolean): Told[] =>
    pairs
      .filter(([, a, b]) => isBad(a.result.status) === wasBad && isBad(b.result.status) === isNow)
      .filter(([, , b]) => isNow || b.result.status === 'pass')
      .map(([scenario, a, b]) => ({ scenario, text: faultOf(isNow ? b.result : a.result) }));
  return { worse: told(false, true), better: told(true, false), notNew: told(true, true) };
}

function skipsOf(pairs: readonly Pair[]): SkipChange[] {
  const changes = new Map<string, SkipChange>();
  for (const [scenario, { result: a }, { result: b }] of pairs) {
    if ((a.skip === undefined) === (b.skip === undefined)) continue;
    const now = b.skip === undefined ? 'run' : 'skipped';
    const reason = (a.skip ?? b.skip)?.reason ?? '';
    const known = changes.get(`${now} ${reason}`) ?? { now, reason, scenarios: [] };
    known.scenarios.push(scenario);
    changes.set(`${now} ${reason}`, known);
  }
  return [...changes.values()];
}

/** A recording whose steps do not follow one another has no verdict: its sides are told apart by that. */
const isInOrder = ({ steps }: { steps: readonly { step: number }[] }): boolean =>
  steps.every(({ step }, i) => step === i - 1);

/** What differs in what was seen of a scenario that ran on both sides. */
function seenChanges([name, a, b]: Pair, sides: Pick<Comparison, 'a' | 'b'>): Change[] {
  const { environment: envA } = sides.a;
  const { environment: envB } = sides.b;
  if (a.seen?.recording.outcome !== 'ran' || b.seen?.recording.outcome !== 'ran') return [];
  if (envA === undefined || envB === undefined) return [];
  if (!isInOrder(a.seen.recording) || !isInOrder(b.seen.recording)) return [];
  return changesOf(
    name,
    factsOf(a.seen.scenario, a.seen.recording, envA),
    factsOf(b.seen.scenario, b.seen.recording, envB),
  );
}

/** The guest's own pages follow the others: tell of them only where nothing else shows. */
function withoutEcho(changes: readonly Change[]): readonly Change[] {
  const others = changes.filter(({ what }) => what !== 'own leaf');
  return others.length > 0 ? others : changes;
}

const isUnlike = ([, { seen: a }, { seen: b }]: Pair): boolean =>
  a !== undefined && b !== undefined && !isDeepStrictEqual(a.scenario, b.scenario);

function brokenOf({ set, incomplete }: Side): string[] {
  return [
    ...(set.crashed === undefined ? [] : [`${set.crashed.kind}: ${set.crashed.reason}`]),
    ...(incomplete === undefined ? [] : [incomplete]),
  ];
}

/**
 * Hold two kernels against each other. No policy is needed: what each did is what counts.
 * @param most as how many times of the first kernel's costs is too much
 */
export function compare(a: Side, b: Side, most?: number): Comparison {
  const names = [...a.scenarios.keys()].filter((name) => b.scenarios.has(name));
  const all = names.map(
    (name): Pair => [name, a.scenarios.get(name) as SideScenario, b.scenarios.get(name) as SideScenario],
  );
  const unlike = all.filter(isUnlike);
  const pairs = all.filter((pair) => !unlike.includes(pair));
  const both = pairs.filter(([, left, right]) => left.seen !== undefined && right.seen !== undefined);
  return {
    a,
    b,
    compared: both.length,
    verdictsOnly: pairs.length - both.length,
    onlyA: [...a.scenarios.keys()].filter((name) => !b.scenarios.has(name)),
    onlyB: [...b.scenarios.keys()].filter((name) => !a.scenarios.has(name)),
    unlike: unlike.map(([name]) => name),
    verdicts: verdictsOf(pairs),
    skips: skipsOf(pairs),
    groups: groupsOf(both.flatMap((pair) => withoutEcho(seenChanges(pair, { a, b })))),
    costs: costsOf(
      a,
      b,
      pairs.map(([name]) => name),
      most,
    ),
    broken: brokenOf(b).filter((text) => !brokenOf(a).includes(text)),
  };
}

/** Whether the second kernel is worse: something that did not fail fails now, or takes more than it may. */
export const isWorse = ({ verdicts, broken, costs }: Comparison): boolean =>
  verdicts.worse.length + broken.length > 0 || costs.some(({ beyond }) => beyond);
