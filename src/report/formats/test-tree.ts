import { safeLine } from '../../text/safe.js';
import { byFamily, departs, worst } from '../summary.js';
import type { Crash, Incomplete, ResultSet, RunResult, ScenarioResult, Status } from '../types.js';
import { coverageDetails, coverageLine } from './coverage.js';
import { deathOf } from './crash.js';
import { detailLines, errataLines, fullName, outcomeText, SCOPES } from './text.js';

/** A test of any level: its lines of diagnosis, its subtests, its result. */
export interface Test {
  name: string;
  status: Status;
  /** Why it was skipped, or has no verdict. */
  note: string;
  diagnosis: string[];
  subtests: Test[];
}

/** Directives of KTAP; plain TAP has the first alone. */
export const DIRECTIVES: Partial<Record<Status, string>> = {
  skip: 'SKIP',
  timeout: 'TIMEOUT',
  error: 'ERROR',
};

/** Without the sign that begins a directive. */
export const plain = (text: string): string => safeLine(text.replaceAll('#', '')).trim();

function noteOf({ skip, error }: ScenarioResult): string {
  return skip ? `${skip.reason} (${skip.lift})` : (error ?? '');
}

/** What was checked is a diagnosis: some readers take all behind a result for its name. */
const scenarioTest = (result: ScenarioResult): Test => ({
  name: fullName(result),
  status: result.status,
  note: noteOf(result),
  diagnosis: [...(outcomeText(result) ? [outcomeText(result)] : []), ...detailLines(result)],
  subtests: [],
});

function familyTest([name, members]: [string, ScenarioResult[]]): Test {
  return { name, status: worst(members), note: '', diagnosis: [], subtests: members.map(scenarioTest) };
}

/** A death as a test of its own: parsers that count only the innermost tests must not overlook it. */
function crashTest(crash: Crash): Test {
  const { subject, claim } = deathOf(crash);
  return {
    name: `the ${subject} ${claim}`,
    status: 'error',
    note: `${crash.kind}: ${crash.reason}`,
    diagnosis: crash.consoleTail.map((line) => `console: ${line}`),
    subtests: [],
  };
}

/** The name of the test that fails where --strict was given and the version means another policy. */
const POLICY_TEST = 'the kernel behaves as its version says';

const policyTest = ({ policy }: ResultSet): Test => ({
  name: POLICY_TEST,
  status: 'fail',
  note: policy.warning ?? '',
  diagnosis: [],
  subtests: [],
});

/** What fails of a run that ended too early, with whatever it has. */
const incompleteTest = ({ reason, text }: Incomplete): Test => ({
  name: 'the run is complete',
  status: 'error',
  note: `${reason}: ${text}`,
  diagnosis: [],
  subtests: [],
});

function setTest(set: ResultSet): Test {
  const { crashed, incomplete, policy } = set;
  return {
    name: set.name,
    status: crashed || departs(set) ? 'fail' : incomplete ? 'error' : worst(set.scenarios),
    note: incomplete?.text ?? '',
    diagnosis: [
      `kernel ${set.release}, engine ${set.engine}, policy ${policy.name} (${policy.how})`,
      ...(set.scope ? [`scenarios: ${SCOPES[set.scope]}`] : []),
      ...(policy.explainedBy.length > 0 ? [`explained by: ${policy.explainedBy.join(', ')}`] : []),
      ...(policy.warning === undefined ? [] : [`warning: ${policy.warning}`]),
      ...errataLines(set.scenarios),
      ...(set.coverage ? [coverageLine(set.coverage), ...coverageDetails(set.coverage)] : []),
    ],
    subtests: [
      ...[...byFamily(set.scenarios)].map(familyTest),
      ...(departs(set) ? [policyTest(set)] : []),
      ...(crashed ? [crashTest(crashed)] : []),
    ],
  };
}

/** A run as tests in tests: a test per kernel, in it one per family, in it one per scenario. */
export const testsOf = (run: RunResult): Test[] => [
  ...run.sets.map(setTest),
  ...(run.incomplete ? [incompleteTest(run.incomplete)] : []),
];
