import { safeLine } from '../../text/safe.js';
import { isBad } from '../summary.js';
import type { RunResult } from '../types.js';
import { DIRECTIVES, plain, type Test, testsOf } from './test-tree.js';

function resultLine(test: Test, number: number): string {
  const directive = DIRECTIVES[test.status];
  const after = [directive, plain(test.note)].filter(Boolean).join(' ');
  return `${isBad(test.status) ? 'not ok' : 'ok'} ${number} ${plain(test.name)}${after ? ` # ${after}` : ''}`;
}

function* lines(tests: readonly Test[], indent: string, subject?: string): Generator<string> {
  yield `${indent}KTAP version 1`;
  if (subject !== undefined) yield `${indent}# Subtest: ${plain(subject)}`;
  yield `${indent}1..${tests.length}`;
  for (const [index, test] of tests.entries()) {
    if (test.subtests.length > 0) yield* lines(test.subtests, `${indent}  `, test.name);
    for (const line of test.diagnosis) yield `${indent}# ${safeLine(line)}`.trimEnd();
    yield indent + resultLine(test, index + 1);
  }
}

/**
 * The run as KTAP, version 1: a test per kernel, in it one per family, in it one per scenario.
 * Source: Documentation/dev-tools/ktap.rst.
 */
export const renderKtap = (run: RunResult): string => `${[...lines(testsOf(run), '')].join('\n')}\n`;
