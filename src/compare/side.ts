import type { Environment, Recording } from '../recording/recording.js';
import type { ResultSet, RunResult, ScenarioResult, SetHeader } from '../report/types.js';
import type { Scenario } from '../scenario/types.js';
import type { RecordedKernel } from '../session/recorded/read.js';
import { replayKernel } from '../session/recorded/replay.js';

/** What is known of one scenario on a side. */
export interface SideScenario {
  result: ScenarioResult;
  /** Absent where only the result was saved. */
  seen?: { scenario: Scenario; recording: Recording };
}

/** One kernel that is compared. */
export interface Side {
  name: string;
  set: Pick<ResultSet, 'release' | 'engine' | 'policy' | 'crashed'>;
  /** Why not all is there. */
  incomplete?: string;
  /** Absent where only the results were saved. */
  environment?: Environment;
  /** By `family/name`; of several rounds the first. */
  scenarios: ReadonlyMap<string, SideScenario>;
}

const nameOf = ({ family, name }: ScenarioResult): string => `${family}/${name}`;

const firstRounds = (results: readonly ScenarioResult[]): ScenarioResult[] =>
  results.filter(({ repeat = 1 }) => repeat === 1);

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
  const scenarios = firstRounds(results).map((result) => {
    const own = seen.get(nameOf(result));
    return [nameOf(result), { result, ...(own && { seen: own }) }] as const;
  });
  return {
    name: of.name,
    set: of,
    ...(set === undefined && { incomplete: 'its run did not reach its end' }),
    environment,
    scenarios: new Map(scenarios),
  };
}

/** A side for each kernel of saved results. */
export const sidesOfResult = ({ sets }: RunResult): Side[] =>
  sets.map((set) => ({
    name: set.name,
    set,
    ...(set.incomplete && { incomplete: set.incomplete.text }),
    scenarios: new Map(firstRounds(set.scenarios).map((result) => [nameOf(result), { result }])),
  }));
