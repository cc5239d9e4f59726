import { catalogue } from '../../src/catalogue/index.js';
import { judge } from '../../src/check/judge.js';
import { type Policy, policies } from '../../src/memtype/index.js';
import type { SavedRun } from '../../src/report/html/page.js';
import type { Timeline } from '../../src/report/html/timeline.js';
import type { ResultSet, ScenarioResult } from '../../src/report/types.js';
import type { Scenario } from '../../src/scenario/types.js';
import { TimelineWatch } from '../../src/session/recorded/timeline.js';
import { toResult } from '../../src/session/result.js';
import { environmentOf, runsUnder } from './environment.js';
import { runOf, setOf } from './results.js';
import { simulate } from './simulate.js';

const SKIPPED = { reason: 'not on this kernel', lift: 'take another one' };

interface Judged {
  result: ScenarioResult;
  timeline: Timeline | undefined;
}

/** What a kernel of `of` gives, held against `policy`. */
function judged(scenario: Scenario, of: Policy, policy: Policy): Judged {
  const watch = new TimelineWatch(scenario);
  const recording = runsUnder(scenario, of)
    ? simulate(scenario, of)
    : ({ scenario: scenario.name, durationMs: 0, outcome: 'skip', missing: SKIPPED } as const);
  const verdict = judge(scenario, recording, policy, environmentOf(of), of, watch.watch);
  return {
    result: toResult(scenario, recording, verdict, `kvm-memtype run ${scenario.name}`),
    timeline: watch.timeline,
  };
}

/** A run of scenarios on simulated kernels, each with the policy that it is held against where that is another. */
export function htmlRun(
  kernels: readonly (readonly [name: string, of: string, policy?: string])[],
  scenarios: readonly Scenario[] = catalogue,
): SavedRun {
  const timelines = new Map<ScenarioResult, Timeline>();
  const sets = kernels.map(([name, of, policy = of]): ResultSet => {
    const pair = [policies.get(of), policies.get(policy)] as [Policy, Policy];
    const all = scenarios.map((scenario) => judged(scenario, ...pair));
    for (const { result, timeline } of all) if (timeline !== undefined) timelines.set(result, timeline);
    return {
      ...setOf(...all.map(({ result }) => result)),
      name,
      policy: { name: policy, how: 'probed', explainedBy: [] },
    };
  });
  return { run: runOf(...sets), timelines };
}
