import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { readWatchRecording } from './record.js';
import { resultOfWatch } from './result.js';

const FILE = fileURLToPath(new URL('../../test/support/qemu-6.1.trace.gz', import.meta.url));
const TRACE = gunzipSync(readFileSync(FILE)).toString('latin1');
const RERUN = 'kvm-memtype watch --replay vm.trace';

const resultOf = (policy?: string, text = TRACE) => resultOfWatch(readWatchRecording(text), policy, RERUN);

test('each VM counts as a scenario, with what happened in it after each change', () => {
  const { set, timelines } = resultOf();
  const [result] = set.scenarios;

  expect(set).toMatchObject({
    name: 'watch on 6.1.192',
    policy: { name: 'A', how: 'hint', explainedBy: [] },
  });
  expect(result).toMatchObject({
    ...{ family: 'watch', name: 'vm-1', status: 'pass', failures: [] },
    checks: { leaves: 1060, zaps: 14 },
    errata: [{ id: 's2' }],
  });
  const timeline = result && timelines.get(result);
  const made = timeline?.steps.flatMap((step) => step.made) ?? [];
  expect(timeline?.steps[0]?.text).toBe('the VM begins');
  expect(made.reduce((sum, { count }) => sum + count, 0)).toBe(1060);
  expect(made.filter(({ seen, expected }) => seen !== expected)).toEqual([]);
  expect(timeline?.map.reduce((sum, { pages }) => sum + pages, 0)).toBeGreaterThan(1539);
});

test('under other rules each leaf is told with the change before it, and which rules explain what was seen', () => {
  const { set } = resultOf('7.2');
  const [first] = set.scenarios[0]?.failures ?? [];

  expect(set.policy).toEqual({ name: 'E', how: 'forced', explainedBy: expect.arrayContaining(['A']) });
  expect(set.policy.explainedBy).not.toContain('E');
  expect(set.scenarios[0]?.status).toBe('fail');
  expect(first).toMatchObject({
    ...{ step: 3, stepText: 'vCPU 1: CR0.CD to 1', vcpu: 0, what: 'leaf of level 1' },
    ...{ expected: 'WB, IPAT 0', seen: 'WB, IPAT 1', rerun: RERUN },
  });
});

test('a zap that the model expects and that is not there fails', () => {
  const without = TRACE.replaceAll(/^.* zap(ped)?: .*\n/gm, '');

  expect(resultOf(undefined, without).set.scenarios[0]?.failures).toContainEqual(
    expect.objectContaining({ what: 'zap', expected: 'a zap of all frames', seen: 'none' }),
  );
});

test('of a VM that ran before, and whose types depend on what was not seen, there is no verdict', () => {
  const late = TRACE.replace('"fromStart":true', '"fromStart":false').replaceAll(/^.* decide: .*\n/gm, '');

  expect(resultOf(undefined, late).set.scenarios[0]).toMatchObject({
    status: 'skip',
    skip: { reason: expect.stringMatching(/^of \d+ leaves none can be judged$/) },
  });
});

test('events that the kernel dropped make a result incomplete', () => {
  const lost = TRACE.replace('\n', '\nCPU:0 [LOST 7 EVENTS]\n');

  expect(resultOf(undefined, lost).set.incomplete).toEqual({
    ...{ reason: 'failed', text: 'the kernel dropped 7 events' },
  });
});
