import { expect, test } from 'vitest';
import type { Leaf } from '../../memtype/index.js';
import type { Move, SeenLeaf } from '../evidence/index.js';
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

const set = (leaf: SeenLeaf) => ({ kind: 'shadow', leaf }) as const;

// Each row: what the trace tells, what the step makes anew, and what of that is wrong.
test.each<[string, Move[], Leaf[], string[]]>([
  ['the entry that is there', [set(OWN)], [REMADE], []],
  ['one of another type', [set({ ...OWN, ipat: false })], [REMADE], ['leaf of L2']],
  ['one of another frame', [set({ ...OWN, frame: 0x34n })], [REMADE], ['leaf of L2']],
  ['the entry that is there, twice', [set(OWN), set(OWN)], [REMADE], ['leaf of L2']],
  [
    'the entry that is there, after it was changed',
    [{ kind: 'rewrite', old: OWN, leaf: OWN, fault: true }, set(OWN)],
    [REMADE],
    ['leaf of L2'],
  ],
  ['the entry that is there, which nothing sets again', [set(OWN)], [], ['leaf of L2']],
])('told without a change: %s', (_text, moves, remade, faults) => {
  const told: string[] = [];
  const fail = (what: string): void => void told.push(what);

  judgeShadow(moves, { shadowMade: [], remade }, { checks: noChecks(), fail }, () => OWN);

  expect(told).toEqual(faults);
});
