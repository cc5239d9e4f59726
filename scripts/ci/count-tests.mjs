#!/usr/bin/env node
// `count-tests.mjs REPORT [with-kvm|without-kvm]`: print "PASSED FAILED" out of vitest's JSON report. What did not run counts as failed:
// CI leaves nothing out. Where two runs share the live tests, what is another run's part is not counted in this one.
import { readFileSync } from 'node:fs';

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
const others = tests.filter(({ status, tags }) => status === 'skipped' && !PARTS[part](tags)).length;
process.stdout.write(`${passed} ${report.numTotalTests - others - passed}\n`);
