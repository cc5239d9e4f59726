import { expect, it } from 'vitest';
import { parseKtap } from '../../../test/support/ktap.js';
import { departedSet, fullRun, runOf } from '../../../test/support/results.js';
import type { RunResult } from '../types.js';
import { renderJson } from './json.js';
import { renderJunit } from './junit.js';
import { renderKcidb } from './kcidb.js';
import { renderKtap } from './ktap.js';
import { renderPretty } from './pretty.js';
import { renderKselftest, renderTap } from './tap.js';

const POISON = '\u001b[31m\u009b2J\u202e\u2028\u0000\r\n]]>';

const EVERYTHING = runOf(...fullRun().sets, departedSet(true));

/** Fields that hold one of a few words, or a time: nobody's own text. */
const FIXED = new Set(['status', 'how', 'engine', 'startedAt']);

/** The same run with poison at the end of every text in it, names of parameters and counts included. */
function poisoned(value: unknown, key = ''): unknown {
  if (typeof value === 'string') return FIXED.has(key) ? value : value + POISON;
  if (Array.isArray(value)) return value.map((item) => poisoned(item, key));
  if (typeof value !== 'object' || value === null) return value;
  const open = ['params', 'checks', 'capabilities'].includes(key);
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [open ? name + POISON : name, poisoned(item, name)]),
  );
}

const COLOUR = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g');

const FORMATS: [string, (run: RunResult) => string][] = [
  ['pretty', (run) => renderPretty(run)],
  ['pretty in colours', (run) => renderPretty(run, { color: true }).replace(COLOUR, '')],
  ['ktap', renderKtap],
  ['tap', renderTap],
  ['kselftest', renderKselftest],
  ['junit', renderJunit],
  ['json', renderJson],
  ['kcidb', renderKcidb],
];

it.each(FORMATS)('%s lets nothing through that a terminal acts on', (_, render) => {
  const text = render(poisoned(EVERYTHING) as RunResult);

  expect(text).not.toMatch(/[^\P{Cc}\n]|[\p{Cf}\p{Cs}\u2028\u2029]/u);
  expect(text).not.toContain('\n]]>');
});

it('KTAP stays valid whatever names say', () => {
  expect(parseKtap(renderKtap(poisoned(EVERYTHING) as RunResult))).toHaveLength(4);
});
