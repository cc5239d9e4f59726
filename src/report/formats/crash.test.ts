import { expect, test } from 'vitest';
import { parseKtap } from '../../../test/support/ktap.js';
import { runOf, scenarios, setOf } from '../../../test/support/results.js';
import type { RunResult } from '../types.js';
import { deathText } from './crash.js';
import { renderJunit } from './junit.js';
import { renderKcidb } from './kcidb.js';
import { renderKtap } from './ktap.js';
import { renderPretty } from './pretty.js';

const crashedBy = (kind: string): RunResult =>
  runOf({ ...setOf(scenarios.pass), crashed: { kind, reason: 'why', consoleTail: [] } });

/** Each row: the kind; who it is that died, in words; the test that fails in KTAP; JUnit's class; KCIDB's status. */
const KINDS: [string, string, string, string, string][] = [
  ['panic', 'the kernel died', 'the kernel stays alive', 'kernel', 'FAIL'],
  ['oops', 'the kernel died', 'the kernel stays alive', 'kernel', 'FAIL'],
  ['timeout', 'the time ran out', 'the run ends in time', 'run', 'ERROR'],
  ['emulator-died', 'the emulator died', 'the emulator stays alive', 'emulator', 'MISS'],
  ['no-agent', 'the machine went off', 'the machine stays on', 'machine', 'MISS'],
  ['agent-died', 'the agent died', 'the agent stays alive', 'agent', 'ERROR'],
  ['of-a-later-version', 'the run broke off', 'the run reaches its end', 'run', 'MISS'],
];

test.each(KINDS)('%s: %s', (kind, who, claim, subject, kcidb) => {
  const run = crashedBy(kind);

  const failed = parseKtap(renderKtap(run))[0]?.subtests.filter(({ ok }) => !ok);
  const tests = JSON.parse(renderKcidb(run)).tests as { path: string; status: string }[];

  expect(deathText({ kind, reason: 'why' })).toBe(`${who} (${kind}: why)`);
  expect(failed?.map(({ name }) => name)).toEqual([claim]);
  expect(renderJunit(run)).toContain(`classname="bzImage-6.1.${subject}"`);
  expect(tests[0]).toMatchObject({ path: `kvm_memtype.${subject}`, status: kcidb });
  expect(renderPretty(run)).toContain(`1 passed, ${who};`);
});

test('several deaths are summed up by who died', () => {
  const run = runOf(...['panic', 'agent-died', 'oops'].flatMap((kind) => crashedBy(kind).sets));

  expect(renderPretty(run)).toContain('3 passed, the kernel died (2 times), the agent died;');
});
