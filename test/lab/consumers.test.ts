import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { renderJunit } from '../../src/report/formats/junit.js';
import { renderKtap } from '../../src/report/formats/ktap.js';
import { renderKselftest, renderTap } from '../../src/report/formats/tap.js';
import type { RunResult } from '../../src/report/types.js';
import { requireOrSkip } from '../require.js';
import { fullRun, runOf, scenarios, setOf } from '../support/results.js';
import { tapReaders } from '../support/tap-readers.js';

// Results as their consumers read them: the kernel's own kunit.py, Perl's prove, and readers of TAP and JUnit in Python and JavaScript.

/** Debian's own: its packages are for that. */
const PYTHON = '/usr/bin/python3';
const MODULES = '/usr/lib/python3/dist-packages';
const SOURCES = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'kvm-memtype', 'sources');
const folder = mkdtempSync(join(tmpdir(), 'consumers-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** kunit.py of a series, where its sources have been unpacked. */
function kunitOf(series: string): string | undefined {
  const [name] = existsSync(SOURCES)
    ? readdirSync(SOURCES).filter((name) => name.startsWith(`linux-source-${series}_`))
    : [];
  const path = name && join(SOURCES, name, 'tree', 'tools', 'testing', 'kunit', 'kunit.py');
  return path !== undefined && existsSync(path) ? path : undefined;
}

function fileOf(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const all = runOf(setOf(...Object.values(scenarios)));
const good = runOf(setOf(scenarios.pass, scenarios.skip));

describe.each(['6.1', '7.2'])('kunit.py parse of %s', (series) => {
  test('counts each scenario as what it is, by its whole name', (context) => {
    const kunit = kunitOf(series);
    requireOrSkip(context, kunit, `the sources of ${series}: kvm-memtype kernel build debian:${series}`);
    const { stdout, status } = spawnSync('python3', [kunit, 'parse', fileOf('all.ktap', renderKtap(all))], {
      encoding: 'utf8',
      cwd: folder,
    });

    expect(status).not.toBe(0);
    expect(stdout).toMatch(/passed: 1.*failed: 3.*skipped: 1/i);
    for (const name of [
      '[PASSED] mtrr/overlap-uc-over-wb',
      '[FAILED] mtrr/default-type',
      '[SKIPPED] vfio/attach',
    ])
      expect(stdout).toContain(name);
    expect(stdout).toMatch(/=+ mtrr \(2 subtests\) =+/);
  });

  test('takes a good run for one', (context) => {
    const kunit = kunitOf(series);
    requireOrSkip(context, kunit, `the sources of ${series}: kvm-memtype kernel build debian:${series}`);

    execFileSync('python3', [kunit, 'parse', fileOf('good.ktap', renderKtap(good))], { cwd: folder });
  });
});

describe('prove', () => {
  const prove = (text: string) =>
    spawnSync('prove', ['--verbose', '--exec', 'cat', fileOf('run.tap', text)], { encoding: 'utf8' });

  test('counts each scenario as a test', (context) => {
    requireOrSkip(context, existsSync('/usr/bin/prove'), 'prove: apt-get install perl');
    const { stdout, status } = prove(renderTap(all));

    expect(status).not.toBe(0);
    expect(stdout).toMatch(/Failed 3\/5 subtests/);
  });

  test('takes a good run for one', (context) => {
    requireOrSkip(context, existsSync('/usr/bin/prove'), 'prove: apt-get install perl');
    const { stdout, status } = prove(renderTap(good));

    expect(status).toBe(0);
    expect(stdout).toMatch(/Tests=2,.*\nResult: PASS/);
  });

  test('fails for a kernel that died, among several', (context) => {
    requireOrSkip(context, existsSync('/usr/bin/prove'), 'prove: apt-get install perl');

    expect(prove(renderTap(fullRun())).status).not.toBe(0);
  });
});

/** What a program in Python says of a text, as JSON. */
const python = (program: string, text: string) =>
  // tap.py warns on stdout that it has no YAML.
  JSON.parse(
    execFileSync(PYTHON, ['-c', program], { input: text, encoding: 'utf8', stdio: 'pipe' })
      .trim()
      .split('\n')
      .at(-1) ?? '',
  );

const JUNITPARSER = `
import json, sys
from junitparser import JUnitXml
xml = JUnitXml.fromstring(sys.stdin.read())
counts = lambda: [xml.tests, xml.failures, xml.errors, xml.skipped]
told = counts()
xml.update_statistics()
cases = [[case.classname, case.name, [[type(r).__name__, r.type, r.message, r.text] for r in case.result]]
         for suite in xml for case in suite]
print(json.dumps({'told': told, 'counted': counts(), 'cases': cases}))
`;

describe('junitparser', () => {
  interface Read {
    told: number[];
    counted: number[];
    cases: [classname: string, name: string, results: (string | null)[][]][];
  }
  const read = (context: Parameters<typeof requireOrSkip>[0], run: RunResult): Read => {
    const there = existsSync(join(MODULES, 'junitparser'));
    requireOrSkip(context, there, 'junitparser: apt-get install python3-junitparser');
    return python(JUNITPARSER, renderJunit(run).replace(/^<\?.*\n/, ''));
  };

  test('counts what we say that there is', (context) => {
    const run = { ...fullRun(), incomplete: { reason: 'interrupted', text: 'by SIGINT' } as const };
    const { told, counted } = read(context, run);

    expect([told, counted]).toEqual([
      [9, 1, 4, 1],
      [9, 1, 4, 1],
    ]);
  });

  test('reads each scenario by its name, and why it failed', (context) => {
    const { cases } = read(context, all);

    expect(cases.map(([classname, name, [result]]) => [`${classname} ${name}`, result?.slice(0, 3)])).toEqual(
      [
        ['bzImage-6.1.mtrr overlap-uc-over-wb', undefined],
        ['bzImage-6.1.mtrr default-type', ['Failure', 'leaf', 'expected UC, IPAT=0; seen WB, IPAT=1']],
        ['bzImage-6.1.vfio attach', ['Skipped', null, 'no VFIO group (bind a device to vfio-pci)']],
        ['bzImage-6.1.vfio detach', ['Error', 'error', 'nothing was observed']],
        ['bzImage-6.1.cd toggle (repeat 2)', ['Error', 'timeout', 'the guest did not end in 5 s']],
      ],
    );
    expect(cases[1]?.[2][0]?.[3]).toContain('\nagain: npx kvm-memtype run');
  });
});

/** As Linaro's test-definitions read it: the tests of each selftest are in the comments before its result. */
const TAP_PY = `
import json, sys
from tap.parser import Parser
def parse(text):
    tests, inner = [], ''
    for line in Parser().parse_text(text):
        if line.category == 'diagnostic':
            inner += line.text[1:].strip() + '\\n'
        elif line.category == 'test':
            tests.append([line.description, 'skip' if line.skip else line.ok, parse(inner)])
            inner = ''
    return tests
print(json.dumps(parse(sys.stdin.read())))
`;

test('tap.py finds the scenarios of each kernel in a selftest', (context) => {
  requireOrSkip(context, existsSync(join(MODULES, 'tap')), 'tap.py: apt-get install python3-tap');

  expect(python(TAP_PY, renderKselftest(all))).toEqual([
    [
      'selftests: kvm: memtype',
      false,
      [
        ['mtrr/overlap-uc-over-wb', true, []],
        ['mtrr/default-type', false, []],
        ['vfio/attach', 'skip', []],
        ['vfio/detach', false, []],
        ['cd/toggle (repeat 2)', false, []],
      ],
    ],
  ]);
  expect(python(TAP_PY, renderKselftest(fullRun()))).toHaveLength(3);
});

/** What each prints of a run of which three of five failed and one was skipped, and of a good one. */
const TAP_READERS: [reader: string, of: RegExp, good: RegExp][] = [
  [
    'tap-junit',
    /<testsuite name="[^"]*" tests="5" skipped="1" failures="3">.*<testcase name="mtrr\/default-type" id="2"><failure/s,
    /tests="2" skipped="1" failures="0"/,
  ],
  [
    'tap-xunit',
    /<testsuite tests="5" skipped="1" failures="3" .*<testcase name="#2 mtrr\/default-type">\s*<failure/s,
    /<testsuite tests="2" skipped="1" failures="0"/,
  ],
  [
    'tap-spec',
    /mtrr\/default-type.*total: {5}5\s+passing: {3}2\s+failing: {3}3/s,
    /total: {5}2\s+passing: {3}2/,
  ],
];

test.each(TAP_READERS)('%s counts each scenario as a test', (reader, ofAll, ofGood) => {
  const read = (run: RunResult) =>
    spawnSync(join(tapReaders(), reader), {
      input: renderTap(run),
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1' },
    });

  expect(stripVTControlCharacters(read(all).stdout)).toMatch(ofAll);
  expect(stripVTControlCharacters(read(good).stdout)).toMatch(ofGood);
});
