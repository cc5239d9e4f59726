import { expect, test } from 'vitest';
import { parseKtap } from '../../test/support/ktap.js';
import { departedSet, runOf } from '../../test/support/results.js';
import type { Format } from './outputs.js';
import { RENDER } from './report.js';
import { exitStatus } from './summary.js';

const FORMATS = Object.keys(RENDER) as Format[];
const WARNING = 'Linux 6.12.5 is known for policy D, but this kernel was held against A';

test.each(FORMATS)('%s tells that the version means another policy, with --strict and without', (format) => {
  // Text for people is wrapped.
  const texts = [false, true].map((strict) =>
    RENDER[format](runOf(departedSet(strict))).replace(/\s+/g, ' '),
  );

  for (const text of texts) expect(text).toContain(WARNING);
});

test('it is a failure with --strict only', () => {
  expect([false, true].map((strict) => exitStatus(runOf(departedSet(strict))))).toEqual([0, 1]);
});

// Each row: the format, and what its readers count as failed.
test.each<[Format, (text: string) => number]>([
  ['ktap', (text) => parseKtap(text)[0]?.subtests.filter(({ ok }) => !ok).length ?? 0],
  ['junit', (text) => Number(/^<testsuites .*? failures="(\d+)"/m.exec(text)?.[1])],
  ['junit', (text) => text.match(/<failure /g)?.length ?? 0],
  ['kcidb', (text) => text.match(/"status": "FAIL"/g)?.length ?? 0],
  ['pretty', (text) => text.match(/1 of another policy than its version/g)?.length ?? 0],
])('%s counts it as one failure with --strict, as none without', (format, failures) => {
  const counts = [false, true].map((strict) => failures(RENDER[format](runOf(departedSet(strict)))));

  expect(counts).toEqual([0, 1]);
});
