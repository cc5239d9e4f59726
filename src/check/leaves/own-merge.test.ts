import { expect, test } from 'vitest';
import type { Leaf } from '../../memtype/index.js';
import type { Move, SeenLeaf } from '../evidence/index.js';
import { gaveWay, ownMerges } from './own-merge.js';
import { SeenLeaves } from './seen-leaves.js';

const OWN = [{ gfn: 0x1000, npages: 4 }];
const leaf = (gfn: number, level: SeenLeaf['level'] = 1): SeenLeaf => ({
  gfn,
  level,
  type: 'UC',
  ipat: false,
  writable: true,
  frame: BigInt(gfn),
});
const HUGE = leaf(0x1000, 2);
const fault = (made: SeenLeaf): Move => ({ kind: 'make', leaf: made, fault: true, over: 'nothing' });
const inPassing: Move = { kind: 'make', leaf: HUGE, fault: false, over: 'table' };

// Each row: pages that are mapped before, what comes, the largest leaf that a fault may make, and whether small leaves may go for it.
test.each<[string, number[], Move, number, SeenLeaf[]]>([
  ['one of its own pages was not mapped', [0x1000, 0x1001], fault(HUGE), 2, [HUGE]],
  ['all of them were: none can have faulted', [0x1000, 0x1001, 0x1002, 0x1003], fault(HUGE), 2, []],
  ['nothing was mapped that could go', [], fault(HUGE), 2, []],
  ['it may not be so large', [0x1000], fault(HUGE), 1, []],
  ['no fault made it', [0x1000], inPassing, 2, []],
  ['it maps none of its own pages', [0x1200], fault(leaf(0x1200, 2)), 2, []],
])('a huge leaf that a fault on the guest’s own pages makes: %s', (_, mapped, move, maxLevel, merges) => {
  const seen = new SeenLeaves();
  for (const gfn of mapped) seen.set(leaf(gfn));

  expect(ownMerges([move], OWN, seen, () => ({ maxLevel }) as Leaf)).toEqual(merges);
});

test('small leaves within it give way to it, and nothing else', () => {
  const gone = [leaf(0x1000), leaf(0x11ff), leaf(0xfff), leaf(0x1200), HUGE].map((old) =>
    gaveWay(old, [HUGE]),
  );

  expect(gone).toEqual([true, true, false, false, false]);
});
