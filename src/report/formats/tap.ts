import { safeLine } from '../../text/safe.js';
import { isBad } from '../summary.js';
import type { RunResult } from '../types.js';
import { plain, type Test, testsOf } from './test-tree.js';

/** The innermost tests, each under the name that it has in the run: with its kernel's before it, where there are several. */
function flat(tests: readonly Test[], prefix = ''): Test[] {
  return tests.flatMap((test) =>
    test.subtests.length === 0 ? [{ ...test, name: `${prefix}${test.name}` }] : flat(test.subtests, prefix),
  );
}

/** What is said of a kernel as a whole. */
const about = ({ subtests, diagnosis }: Test): string[] => (subtests.length > 0 ? diagnosis : []);

function* points(tests: readonly Test[], about: readonly string[]): Generator<string> {
  yield 'TAP version 13';
  yield `1..${tests.length}`;
  for (const line of about) yield `# ${safeLine(line)}`.trimEnd();
  for (const [index, test] of tests.entries()) {
    const isSkip = test.status === 'skip';
    const why = !isSkip && test.note !== '' ? [`${test.status}: ${test.note}`] : [];
    const details = test.diagnosis.filter((line) => line !== test.note);
    for (const line of [...why, ...details]) yield `# ${safeLine(line)}`.trimEnd();
    const result = `${isBad(test.status) ? 'not ok' : 'ok'} ${index + 1} ${plain(test.name)}`;
    yield isSkip ? `${result} # SKIP ${plain(test.note)}`.trimEnd() : result;
  }
}

/**
 * The run as TAP, version 13, for readers that know no tests in tests: a test per scenario.
 * Source: https://testanything.org/tap-version-13-specification.html.
 */
export function renderTap(run: RunResult): string {
  const sets = testsOf(run);
  const prefixOf = ({ name }: Test): string => (sets.length > 1 ? `${name}: ` : '');
  const tests = sets.flatMap((set) => flat([set], set.subtests.length > 0 ? prefixOf(set) : ''));
  const told = sets.flatMap((set) => about(set).map((line) => `${prefixOf(set)}${line}`));
  return `${[...points(tests, told)].join('\n')}\n`;
}

/** `# Totals:` as ksft_print_cnts() gives it (tools/testing/selftests/kselftest.h). */
function totals(tests: readonly Test[]): string {
  const of = (...statuses: string[]): number =>
    tests.filter(({ status }) => statuses.includes(status)).length;
  const counts = {
    pass: of('pass'),
    fail: of('fail'),
    xfail: 0,
    xpass: 0,
    skip: of('skip'),
    error: of('error', 'timeout'),
  };
  return `# Totals: ${Object.entries(counts)
    .map(([name, n]) => `${name}:${n}`)
    .join(' ')}`;
}

function* selftest(set: Test, number: number, isAlone: boolean): Generator<string> {
  const name = isAlone ? 'kvm: memtype' : `kvm: memtype.${plain(set.name).replaceAll(/[^\w.=,-]+/g, '-')}`;
  const tests = flat([set]);
  yield `# selftests: ${name}`;
  for (const line of [...points(tests, about(set)), totals(tests)]) yield `# ${line}`;
  const result = `${number} selftests: ${name}`;
  if (isBad(set.status)) yield `not ok ${result} # exit=1`;
  else yield tests.every(({ status }) => status === 'skip') ? `ok ${result} # SKIP` : `ok ${result}`;
}

/**
 * The run as the kernel's own selftests print theirs: a selftest per kernel, whose output, a test per scenario, is in comments.
 * Source: tools/testing/selftests/kselftest/runner.sh.
 */
export function renderKselftest(run: RunResult): string {
  const sets = testsOf(run);
  const lines = sets.flatMap((set, i) => [...selftest(set, i + 1, sets.length === 1)]);
  return `${['TAP version 13', `1..${sets.length}`, ...lines].join('\n')}\n`;
}
