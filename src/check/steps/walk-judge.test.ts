import { expect, test } from 'vitest';
import type { Leaf } from '../../memtype/index.js';
import type { Walk } from '../../observe/walk.js';
import { leafOf } from '../evidence/index.js';
import { noChecks } from '../step-by-step.js';
import { judgeWalk } from './walk-judge.js';

const PAT = 0x0007_0406_0007_0406n;
const STEP = { gpa: 0x41_f000n, pat: 1 };
/** WB, IPAT=0, 4 KiB; the guest maps 2 MiB at 4 MiB by PAT entry 1, which is WT. */
const EPTE = 0x0600_0000_07e9_2b37n;
const WALK: Walk = { pte: 0x40_00abn, pteLevel: 2, epte: EPTE, level: 1, host: 0x7e9_2000n, pat: PAT };
const LEAF: Leaf = {
  gfn: 0x41f,
  level: 1,
  maxLevel: 1,
  minLevel: 1,
  type: 'WB',
  ipat: false,
  writable: true,
  clean: false,
  vcpu: 0,
  why: [],
  errata: [],
};

/** What is told of a walk, where the trace told of `traced`. */
function told(walk: Partial<Walk>, traced = EPTE, leaf: Leaf = LEAF): string[] {
  const what: string[] = [];
  const seen = leafOf(0x41f, 1, traced);
  const checks = noChecks();
  judgeWalk(
    { ...WALK, ...walk },
    STEP,
    { seen, leaf, modelPat: PAT },
    { checks, fail: (name) => what.push(name) },
  );
  expect(checks.walks).toBe(1);
  return what.map((name) => name.replace(" by the processor's own walk", ''));
}

test('a walk that trace and model agree with is told of by nobody', () => {
  expect(told({})).toEqual([]);
});

test.each<[string, Partial<Walk>, string[]]>([
  ['another type', { epte: EPTE ^ (6n << 3n) }, ['leaf', 'leaf', 'effective type']],
  ['IPAT', { epte: EPTE | (1n << 6n) }, ['leaf', 'leaf', 'effective type']],
  ['another frame', { epte: EPTE ^ (1n << 12n) }, ['leaf', 'host address']],
  ['another address', { host: WALK.host + 8n }, ['host address']],
  ['a leaf that may not be written', { epte: EPTE ^ 2n }, ['leaf']],
  ['a large leaf', { level: 2, epte: EPTE | (1n << 7n) }, ['leaf', 'host address']],
  ['no leaf', { epte: 0n }, ['leaf']],
  ['a level that has no leaves', { level: 4 }, ['leaf']],
  ['another entry of the PAT', { pte: WALK.pte ^ (1n << 4n) }, ['PAT index']],
  ['another page of the guest’s', { pte: WALK.pte + (1n << 21n) }, ['guest frame']],
  ['another PAT in the processor', { pat: PAT ^ (2n << 8n) }, ['IA32_PAT', 'effective type']],
])('%s is told', (_, walk, expected) => {
  expect(told(walk)).toEqual(expected);
});

test('a leaf that no trace told of is told, and so is one that both tell and no model', () => {
  const wrong = EPTE | (1n << 6n);

  expect(told({}, 0n)).toEqual(['leaf']);
  expect(told({ epte: wrong }, wrong)).toEqual(['leaf', 'effective type']);
});

test('where nobody told of a walk, nothing is checked', () => {
  const checks = noChecks();
  const view = { seen: undefined, leaf: undefined, modelPat: undefined };
  judgeWalk(undefined, STEP, view, { checks, fail: (name) => expect(name).toBe(undefined) });

  expect(checks.walks).toBe(undefined);
});
