import { expect, test } from 'vitest';
import type { Leaf } from '../../memtype/index.js';
import type { SeenLeaf } from '../evidence/index.js';
import { noChecks } from '../step-by-step.js';
import { judgeShadow } from './shadow-diff.js';

const OWN: SeenLeaf = { gfn: 0x4002, level: 1, type: 'WB', ipat: true, writable: true, frame: 0x33n };
const REMADE = {
  ...OWN,
  vcpu: 0,
  why: [],
  errata: [],
  maxLevel: 3,
  minLevel: 1,
  clean: false,
} as unknown as Leaf;

// Each row: what is told of as set without a change, what the step makes anew, and what of that is wrong.
test.each<[string, SeenLeaf, Leaf[], string[]]>([
  ['the entry that is there', OWN, [REMADE], []],
  ['one of another type', { ...OWN, ipat: false }, [REMADE], ['leaf of L2']],
  ['one of another frame', { ...OWN, frame: 0x34n }, [REMADE], ['leaf of L2']],
  ['the entry that is there, which nothing sets again', OWN, [], ['leaf of L2']],
])('told without a change: %s', (_text, leaf, remade, faults) => {
  const told: string[] = [];
  const fail = (what: string): void => void told.push(what);

  judgeShadow(
    [{ kind: 'shadow', leaf }],
    { shadowMade: [], remade },
    { checks: noChecks(), fail },
    () => OWN,
  );

  expect(told).toEqual(faults);
});
