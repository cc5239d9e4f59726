#!/usr/bin/env node
// `count-tests.mjs REPORT [with-kvm|without-kvm]`: print "PASSED FAILED" out of vitest's JSON report. What did not run counts as failed:
// CI leaves nothing out. Where two runs share the live tests, what is another run's part is not counted in this one.
// On stderr, name what failed: a log of hours is long.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

/** Whether a test is this run's, by its tags. */
const PARTS = {
  all: () => true,
  'with-kvm': (tags) => tags.includes('kvm'),
  'without-kvm': (tags) => !tags.includes('kvm'),
};

const [path, part = 'all'] = process.argv.slice(2);
const report = JSON.parse(readFileSync(path, 'utf8'));
const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
const passed = report.numPassedTests;
const run = basename(path, '.json');
const oneLine = (text) => text.split('\n', 1)[0].slice(0, 300);

for (const { name, message, status, assertionResults } of report.testResults) {
  if (status === 'failed' && message) process.stderr.write(`FAILED ${run}: ${name}: ${oneLine(message)}\n`);
  for (const test of assertionResults) {
    if (test.status === 'passed' || (test.status === 'skipped' && !PARTS[part](test.tags))) continue;
    const why = test.failureMessages?.[0] ?? `was ${test.status}`;
    process.stderr.write(`FAILED ${run}: ${name}: ${test.fullName}: ${oneLine(why)}\n`);
  }
}
const others = tests.filter(({ status, tags }) => status === 'skipped' && !PARTS[part](tags)).length;
process.stdout.write(`${passed} ${report.numTotalTests - others - passed}\n`);
