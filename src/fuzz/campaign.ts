import { keepMachines } from '../lab/index.js';
import type { ResultSet, ScenarioResult, SetHeader } from '../report/types.js';
import type { Scenario } from '../scenario/types.js';
import type { SessionListener } from '../session/session.js';
import { randomScenario, type Subject } from './generate.js';
import { type FuzzSession, Runner } from './runner.js';
import { shrink } from './shrink.js';

/** Random scenarios on one kernel. */
export interface FuzzRequest {
  session: FuzzSession;
  seed: number;
  subjects: readonly Subject[];
  /** How many scenarios are tried at most. */
  count: number;
  /** No machine is booted for more of them after so many milliseconds. */
  timeMs: number;
  /** The same by the clock of the machine where the scenarios run: how many that makes does not depend on what else is done beside it. */
  machineMs?: number;
  /** After finds of so many kinds nothing more is tried. */
  mostFinds?: number;
  /** Finds are given as they were found. */
  unshrunk?: boolean;
}

/** A scenario that failed, and the simplest that fails in the same way. */
export interface Find {
  /** What was wrong: what both have in common. */
  kind: string;
  found: Scenario;
  scenario: Scenario;
  /** Of the simplest, run by itself. */
  result: ScenarioResult;
  /** How many of the scenarios failed in this way. */
  times: number;
}

export interface FuzzResult {
  policy: ResultSet['policy'] | undefined;
  /** What kernel they ran on. */
  kernel: SetHeader | undefined;
  tried: number;
  passed: number;
  skipped: number;
  /** How long they took by the clock of the machines where they ran, in all. */
  machineMs: number;
  finds: readonly Find[];
  /** What ended machines early, each once: a scenario that ran then is a find too, whoever is to blame. */
  deaths: readonly string[];
  /** Why the first that was skipped was. */
  skip: ScenarioResult['skip'];
}

export interface FuzzListener extends SessionListener {
  /** A scenario failed in a way that is new. */
  found(scenario: Scenario, kind: string): void;
}

/** Scenarios of the first batch, which tell how long one takes, and of one batch at most. */
const FIRST_BATCH = 60;
const MOST_BATCH = 600;
/** How often a find may be shrunk. */
const ROUNDS = 8;
/** Finds of different kinds after which a kernel is bad enough. */
const MOST_FINDS = 5;

const hasFailed = ({ status }: ScenarioResult): boolean => status !== 'pass' && status !== 'skip';

/** What was wrong, each sort once. */
const kindsOf = ({ status, failures }: ScenarioResult): string[] =>
  failures.length === 0 ? [status] : [...new Set(failures.map(({ what }) => what))];

const spentBy = (results: readonly Pick<ScenarioResult, 'durationMs'>[]): number =>
  results.reduce((sum, { durationMs }) => sum + durationMs, 0);

/**
 * How many more scenarios there is time for, if they take as long as those before. None where those took no time, as all were skipped: that
 * would have no end.
 */
export function fitting(before: readonly Pick<ScenarioResult, 'durationMs'>[], machineMs: number): number {
  if (before.length === 0 || machineMs === Number.POSITIVE_INFINITY) return MOST_BATCH;
  const spent = spentBy(before);
  return spent === 0 ? 0 : Math.max(0, Math.ceil(((machineMs - spent) * before.length) / spent));
}

async function shrunk(runner: Runner, found: Scenario, first: ScenarioResult): Promise<Omit<Find, 'times'>> {
  const [kind = first.status] = kindsOf(first);
  const fails = async (candidates: readonly Scenario[]): Promise<Scenario[]> => {
    const results = await runner.run(candidates);
    return candidates.filter((_, i) => {
      const result = results[i] as ScenarioResult;
      return hasFailed(result) && kindsOf(result).includes(kind);
    });
  };
  const scenario = await shrink(found, fails, ROUNDS);
  const [alone = first] = await runner.run([scenario]);
  // What fails only in company is shown as it was found.
  return hasFailed(alone)
    ? { kind, found, scenario, result: alone }
    : { kind, found, scenario: found, result: first };
}

/**
 * Try random scenarios until there are enough, or the time is up; shrink what fails.
 * @throws as runSession() does
 */
export async function fuzz(request: FuzzRequest, listener: FuzzListener): Promise<FuzzResult> {
  const { seed, subjects, count, timeMs, machineMs = Number.POSITIVE_INFINITY } = request;
  const { mostFinds = MOST_FINDS, unshrunk = false } = request;
  await using _ = keepMachines();
  const started = Date.now();
  const runner = new Runner(request.session, listener);
  const finds = new Map<string, Find>();
  const all: ScenarioResult[] = [];
  let batch = FIRST_BATCH;
  while (all.length < count && Date.now() - started < timeMs && finds.size < mostFinds) {
    const size = Math.min(batch, count - all.length, fitting(all, machineMs));
    if (size === 0) break;
    const scenarios = Array.from({ length: size }, (_, i) => randomScenario(seed, all.length + i, subjects));
    // Where one find is all that is asked for, and it is kept as it is, what comes after it is of no use.
    const results = await runner.run(scenarios, (result) => unshrunk && mostFinds === 1 && hasFailed(result));
    all.push(...results);
    for (const [i, result] of results.entries()) {
      if (!hasFailed(result)) continue;
      const [kind = result.status] = kindsOf(result);
      const known = finds.get(kind);
      if (known !== undefined) known.times++;
      else if (finds.size < mostFinds) {
        const found = scenarios[i] as Scenario;
        listener.found(found, kind);
        const simplest = unshrunk
          ? { kind, found, scenario: found, result }
          : await shrunk(runner, found, result);
        finds.set(kind, { ...simplest, times: 1 });
      }
    }
    batch = Math.min(MOST_BATCH, batch * 2);
  }
  return {
    policy: runner.policy,
    kernel: runner.kernel,
    tried: all.length,
    passed: all.filter(({ status }) => status === 'pass').length,
    skipped: all.filter(({ status }) => status === 'skip').length,
    machineMs: spentBy(all),
    finds: [...finds.values()],
    deaths: [...runner.deaths],
    skip: all.find(({ skip }) => skip !== undefined)?.skip,
  };
}
