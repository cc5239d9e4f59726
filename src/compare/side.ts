import type { Environment, Recording } from '../recording/recording.js';
import { isBad } from '../report/summary.js';
import type { ResultSet, RunResult, ScenarioResult, SetHeader } from '../report/types.js';
import type { Scenario } from '../scenario/types.js';
import type { Slot } from '../session/lane.js';
import type { RecordedKernel } from '../session/recorded/read.js';
import { replayKernel } from '../session/recorded/replay.js';

/** What is known of one scenario on a side. */
export interface SideScenario {
  result: ScenarioResult;
  /** Absent where only the result was saved. */
  seen?: { scenario: Scenario; recording: Recording };
}

/** What the zaps of one VM's boot took. */
export interface BootCost {
  /** Calls of kvm_zap_gfn_range(). */
  zaps: number;
  /** Nanoseconds in them. */
  ns: number;
}

/** One kernel that is compared. */
export interface Side {
  name: string;
  set: Pick<ResultSet, 'release' | 'engine' | 'policy' | 'crashed'>;
  /** Why not all is there. */
  incomplete?: string;
  /** Absent where only the results were saved. */
  environment?: Environment;
  /** By `family/name`; of several rounds the first, and a result that is bad if any is. */
  scenarios: ReadonlyMap<string, SideScenario>;
  /** What was recorded of each scenario in every round; absent where only the results were saved. */
  rounds?: ReadonlyMap<string, readonly Recording[]>;
  /** What the boots of VMs took; absent where they were not measured. */
  boots?: readonly BootCost[];
}

const nameOf = ({ family, name }: ScenarioResult): string => `${family}/${name}`;

/** One result of each scenario: what went wrong in any round counts. */
function oneOfEach(results: readonly ScenarioResult[]): ScenarioResult[] {
  const bad = new Map(results.filter(({ status }) => isBad(status)).map((one) => [nameOf(one), one]));
  return results.filter(({ repeat = 1 }) => repeat === 1).map((one) => bad.get(nameOf(one)) ?? one);
}

/** What slots hold, by scenario, in the order of the rounds. */
function roundsOf(slots: readonly Slot[]): Map<string, Recording[]> {
  const rounds = new Map<string, Recording[]>();
  for (const { scenario, wanted, recording } of slots)
    if (wanted && recording !== undefined)
      rounds.set(scenario.name, [...(rounds.get(scenario.name) ?? []), recording]);
  return rounds;
}

/** A side of what was recorded of a kernel; undefined if nothing was. */
export function sideOfRecorded(kernel: RecordedKernel): Side | undefined {
  const results: ScenarioResult[] = [];
  let header: SetHeader | undefined;
  const { environment, slots, set } = replayKernel(
    kernel,
    { rerun: (_, scenario) => scenario },
    {
      header: (given) => {
        header = given;
      },
      scenario: (result) => void results.push(result),
      progress: () => {},
    },
  );
  const of = set ?? header;
  if (of === undefined || environment === undefined) return undefined;
  const seen = new Map(
    slots.flatMap(({ scenario, recording, wanted, round }) =>
      wanted && round === 1 && recording !== undefined
        ? [[scenario.name, { scenario, recording }] as const]
        : [],
    ),
  );
  const scenarios = oneOfEach(results).map((result) => {
    const own = seen.get(nameOf(result));
    return [nameOf(result), { result, ...(own && { seen: own }) }] as const;
  });
  return {
    name: of.name,
    set: of,
    ...(set === undefined && { incomplete: 'its run did not reach its end' }),
    environment,
    scenarios: new Map(scenarios),
    rounds: roundsOf(slots),
  };
}

/** A side for each kernel of saved results. */
export const sidesOfResult = ({ sets }: RunResult): Side[] =>
  sets.map((set) => ({
    name: set.name,
    set,
    ...(set.incomplete && { incomplete: set.incomplete.text }),
    scenarios: new Map(oneOfEach(set.scenarios).map((result) => [nameOf(result), { result }])),
  }));
