import { expect, test } from 'vitest';
import { ADD, DEL, model, touch, wrmsr } from '../../../test/support/model-vm.js';
import { MSR } from '../../arch/msrs.js';
import type { ModelEvent } from '../../memtype/index.js';
import type { LaneOp, OpLane } from './lane-ops.js';
import { OrderWalk } from './outcomes.js';
import { StateGrid } from './state-grid.js';

const PAGE = 0x400;
const WT = wrmsr(MSR.DEF_TYPE, 0x804n);
const UC = wrmsr(MSR.DEF_TYPE, 0x800n);

const read = (vcpu: number): LaneOp => ({ kind: 'access', vcpu, gfn: PAGE });
const change = (event: ModelEvent): LaneOp => ({ kind: 'change', event });
const discard: LaneOp = { kind: 'discard', range: { start: PAGE, end: PAGE + 1 } };

/** What can become of a page in a VM of this policy, after `before`, while several do this. */
function ends(policy: string, before: ModelEvent[], lanes: LaneOp[][], own: number[] = []): string {
  const vm = model(policy, before);
  const opLanes = lanes.map((ops, i): OpLane => ({ owner: i, ops }));
  const walk = new OrderWalk(opLanes, new StateGrid(opLanes, vm));
  const range = { start: PAGE, end: PAGE + 1 };
  const { last, mayBeGone } = walk.outcomes({ range, before: vm.leafAt(PAGE), alwaysBy: own });
  const names = last.map(({ type, ipat }) => `${type}${ipat ? '+IPAT' : ''}`).sort();
  return [...names, ...(mayBeGone ? ['none'] : [])].join(' ');
}

// Each row: who does what at the same time, what was before, and what can be there in the end.
test.each<[string, string, ModelEvent[], LaneOp[][], string]>([
  ['one access alone maps', 'E', [], [[read(0)], []], 'WB+IPAT'],
  ['a device that comes zaps what was there, from D on', 'E', [touch(PAGE)], [[change(ADD)], []], 'none'],
  [
    'a page touched meanwhile is as of then, or as before and zapped',
    'E',
    [],
    [[read(0)], [change(ADD)]],
    'WB none',
  ],
  ['up to 6.6 nothing is zapped, and both stay', 'A', [WT], [[read(0)], [change(ADD)]], 'WB+IPAT WT'],
  [
    'a device that comes and goes leaves no leaf of its time',
    'E',
    [],
    [[read(0)], [change(ADD), change(DEL)]],
    'WB+IPAT none',
  ],
  ['an access after the own change has its type', 'A', [ADD], [[change(WT), read(0)], []], 'WT'],
  [
    'of two vCPUs that fault at once the last one sets its type',
    'A',
    [ADD, WT],
    [[read(0)], [read(1)]],
    'UC WT',
  ],
  [
    'a zap comes a moment after its change',
    'A',
    [ADD, WT, touch(PAGE)],
    [[change(UC)], [change(DEL), read(1)]],
    'WB+IPAT WT none',
  ],
  [
    'memory that is taken back may be mapped again',
    'E',
    [touch(PAGE)],
    [[discard], [read(0)]],
    'WB+IPAT none',
  ],
])('%s', (_, policy, before, lanes, expected) => {
  expect(ends(policy, before, lanes)).toBe(expected);
});

test('a page of the guest’s own may come back at any time', () => {
  expect(ends('E', [touch(PAGE)], [[change(ADD)], []], [0])).toBe('WB none');
});
