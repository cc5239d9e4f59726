import { safeLine } from '../../text/safe.js';
import { byFamily, departs, isBad, worst } from '../summary.js';
import type { Crash, Incomplete, ResultSet, RunResult, ScenarioResult, Status } from '../types.js';
import { deathOf } from './crash.js';
import { detailLines, errataLines, outcomeText, repeatName } from './text.js';

/** A test of any level: its lines of diagnosis, its subtests, its result. */
interface Test {
  name: string;
  status: Status;
  /** what follows the directive, or the name */
  note: string;
  diagnosis: string[];
  subtests: Test[];
}

const DIRECTIVES: Partial<Record<Status, string>> = { skip: 'SKIP', timeout: 'TIMEOUT', error: 'ERROR' };

/** Without the sign that begins a directive. */
const plain = (text: string): string => safeLine(text.replaceAll('#', '')).trim();

function noteOf(result: ScenarioResult): string {
  if (result.skip) return `${result.skip.reason} (${result.skip.lift})`;
  return result.error ?? outcomeText(result);
}

const scenarioTest = (result: ScenarioResult): Test => ({
  name: repeatName(result),
  status: result.status,
  note: noteOf(result),
  diagnosis: detailLines(result),
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
      ...(policy.explainedBy.length > 0 ? [`explained by: ${policy.explainedBy.join(', ')}`] : []),
      ...(policy.warning === undefined ? [] : [`warning: ${policy.warning}`]),
      ...errataLines(set.scenarios),
    ],
    subtests: [
      ...[...byFamily(set.scenarios)].map(familyTest),
      ...(departs(set) ? [policyTest(set)] : []),
      ...(crashed ? [crashTest(crashed)] : []),
    ],
  };
}

function resultLine(test: Test, number: number): string {
  const directive = DIRECTIVES[test.status];
  const after = [directive, plain(test.note)].filter(Boolean).join(' ');
  return `${isBad(test.status) ? 'not ok' : 'ok'} ${number} ${plain(test.name)}${after ? ` # ${after}` : ''}`;
}

function* lines(tests: readonly Test[], indent: string): Generator<string> {
  yield `${indent}KTAP version 1`;
  yield `${indent}1..${tests.length}`;
  for (const [index, test] of tests.entries()) {
    if (test.subtests.length > 0) yield* lines(test.subtests, `${indent}  `);
    for (const line of test.diagnosis) yield `${indent}# ${safeLine(line)}`.trimEnd();
    yield indent + resultLine(test, index + 1);
  }
}

/**
 * The run as KTAP, version 1: a test per kernel, in it one per family, in it one per scenario.
 * Source: Documentation/dev-tools/ktap.rst.
 */
export function renderKtap(run: RunResult): string {
  const tests = [...run.sets.map(setTest), ...(run.incomplete ? [incompleteTest(run.incomplete)] : [])];
  return `${[...lines(tests, '')].join('\n')}\n`;
}
