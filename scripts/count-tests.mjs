#!/usr/bin/env node
// Print "PASSED FAILED" out of vitest's JSON report. What did not run counts as failed: CI leaves nothing out.
import { readFileSync } from 'node:fs';

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const passed = report.numPassedTests;
process.stdout.write(`${passed} ${report.numTotalTests - passed}\n`);
