import { expect, test } from 'vitest';
import { environmentOf } from '../../../test/support/environment.js';
import { simulate } from '../../../test/support/simulate.js';
import { type Policy, policies } from '../../memtype/index.js';
import { deleteMemslot, memslot, mib, noncoherent, scenario, virtio } from '../../scenario/builder.js';
import { describeStep } from '../../scenario/describe.js';
import type { Scenario, Step } from '../../scenario/types.js';
import { judge } from '../judge.js';

const policy = policies.get('E+P5') as Policy;
const FLAG = { flags: ['non-coherent-dma'] } as const;

/** Judge a simulated run in which the step at `index` gave `result` in place of what the model has. */
function judgeWith(steps: readonly Step[], index: number, result: string, by = policy) {
  const s: Scenario = scenario('test/ioctl', 'Ioctls', { needs: [] }, steps);
  const run = simulate(s, by);
  const changed = run.steps.map((record) => (record.step === index ? { ...record, result } : record));
  return judge(s, { ...run, steps: changed }, by, environmentOf(by));
}

// Each row: the step that is looked at, the result that the kernel must give, and the steps before.
const RESULTS: readonly (readonly [step: Step, result: string, ...before: Step[]])[] = [
  [virtio('create-test', 'a'), 'ok'],
  [virtio('create', 'a'), 'ok'],
  [virtio('has-attr', 'a', { attr: 2, result: 'ENXIO' }), 'ENXIO', virtio('create', 'a')],
  [memslot(1, mib(64), 4, 'ram', { ...FLAG, result: 'ok' }), 'ok'],
  [memslot(1, mib(64), 4, 'ram', FLAG), 'ok'],
  [noncoherent(true, { via: 'virtio-device' }), 'ok'],
  [noncoherent(false), 'ok', noncoherent(true)],
  [noncoherent(false), 'not-taken'],
  [deleteMemslot(1), 'ok', memslot(1, mib(64), 4)],
  [deleteMemslot(1), 'EINVAL'],
];

test.each(
  RESULTS.map(([step, expected, ...before]) => [describeStep(step), expected, [...before, step]] as const),
)('%s must give %s', (_step, expected, steps) => {
  const good = judgeWith(steps, steps.length - 1, expected);
  const bad = judgeWith(steps, steps.length - 1, 'EPERM');

  expect([good.status, good.checks.ioctls, good.mismatches]).toEqual(['pass', steps.length, []]);
  expect(bad.status).toBe('fail');
  expect(bad.mismatches[0]).toMatchObject({ step: steps.length, what: 'ioctl', expected, seen: 'EPERM' });
});

test('an author who claims what the model does not is told so', () => {
  const step = memslot(1, mib(64), 4, 'ram', { ...FLAG, result: 'EINVAL' });

  const verdict = judgeWith([step], 0, 'EINVAL');

  expect(verdict.mismatches).toMatchObject([
    { what: 'model', expected: "EINVAL (the scenario's own claim)", seen: 'ok' },
  ]);
});

test('a kernel without the device refuses to make it, by model and author alike', () => {
  const steps = [virtio('create', 'a', { result: 'ENODEV' }), noncoherent(true, { via: 'virtio-device' })];
  const plain = policies.get('E') as Policy;

  expect(judgeWith(steps, 1, 'ENODEV', plain).status).toBe('pass');
  expect(judgeWith(steps, 1, 'ok', plain).mismatches[0]).toMatchObject({ expected: 'ENODEV', seen: 'ok' });
});
