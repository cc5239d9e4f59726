import { expect, test } from 'vitest';
import type { TraceEvent } from '../../observe/events.js';
import { levelOf, type Move } from './evidence.js';
import { legacyTrace, unmarkedTrace } from './legacy-trace.js';
import { tdpTrace } from './tdp-trace.js';

const LEAF = 0xb77n;
const HUGE = 0xbf7n;
const TABLE = 0x907n;
const change = (old: bigint, now: bigint, level = 1, gfn = 0x200): TraceEvent => ({
  kind: 'change',
  gfn,
  level,
  old,
  new: now,
});
const set = (spte: bigint, level = 1, gfn = 0x200): TraceEvent => ({ kind: 'set', gfn, level, spte });
const movesOf = (events: TraceEvent[]): readonly Move[] => tdpTrace.read({ step: 0, events })?.moves ?? [];

// Each row: what the TDP MMU tells of one step, and what it means.
test.each<[string, TraceEvent[], string[]]>([
  ['a fault', [change(0n, LEAF), set(LEAF)], ['make by fault']],
  ['a zap', [change(LEAF, 0n)], ['zap']],
  ['a zap of a table that goes', [change(LEAF, 0x5a0n)], ['zap']],
  ['a zap and a fault', [change(LEAF, 0n), change(0n, LEAF), set(LEAF)], ['zap', 'make by fault']],
  ['a leaf that changes in place', [change(LEAF, LEAF ^ 2n)], ['rewrite']],
  ['the same by a fault', [change(LEAF, LEAF ^ 2n), set(LEAF ^ 2n)], ['rewrite']],
  ['a huge leaf over a table', [change(TABLE, HUGE, 2)], ['make over a table']],
  [
    'a fault’s huge leaf over a table that maps pages',
    [change(TABLE, HUGE, 2), change(LEAF, 0x5a0n), change(LEAF, 0x5a0n, 1, 0x3ff), set(HUGE, 2)],
    ['zap', 'zap', 'make by fault'],
  ],
  [
    'the same, with a zap elsewhere between',
    [change(TABLE, HUGE, 2), change(LEAF, 0x5a0n, 1, 0x400), set(HUGE, 2)],
    ['make over a table', 'zap', 'shadow'],
  ],
  [
    'the same, with a leaf that comes between',
    [change(TABLE, HUGE, 2), change(0n, LEAF), set(HUGE, 2)],
    ['make over a table', 'make', 'shadow'],
  ],
  [
    'a huge leaf over nothing, with a zap between',
    [change(0n, HUGE, 2), change(LEAF, 0n), set(HUGE, 2)],
    ['make', 'zap', 'shadow'],
  ],
  ['a huge leaf over nothing', [change(0n, HUGE, 2)], ['make']],
  ['all roots dropped', [{ kind: 'zap-all' }], ['zap-all']],
  ['a report of no change, as mmu_set_spte() gives it for L2', [set(LEAF)], ['shadow']],
  ['a report of another entry', [change(0n, LEAF), set(LEAF ^ 0x1000n)], ['make', 'shadow']],
  ['a report of another page', [change(0n, LEAF), set(LEAF, 1, 0x201)], ['make', 'shadow']],
  ['a report twice', [change(0n, LEAF), set(LEAF), set(LEAF)], ['make by fault', 'shadow']],
  ['a report of a huge leaf off its boundary', [set(HUGE, 2, 0x201)], ['stray']],
  ['a huge leaf off its boundary', [change(0n, HUGE, 2, 0x201)], ['stray']],
  ['a leaf of a level that has none', [change(0n, HUGE, 4, 0)], ['stray']],
  ['a table', [change(0n, TABLE, 2)], ['stray']],
])('the TDP MMU: %s', (_, events, expected) => {
  const told = movesOf(events).map((move) =>
    move.kind !== 'make'
      ? move.kind
      : `make${move.fault ? ' by fault' : ''}${move.over === 'table' ? ' over a table' : ''}`,
  );

  expect(told).toEqual(expected);
});

test('the legacy MMU tells of leaves as they are made, and of nothing else', () => {
  const events: TraceEvent[] = [set(LEAF), { kind: 'zap-all' }, set(0n), change(0n, LEAF)];
  const told = legacyTrace.read({ step: 0, events, leaves: [1, 0, 0] });

  expect(told?.moves.map(({ kind }) => kind)).toEqual(['make', 'zap-all', 'stray', 'stray']);
  expect(told?.moves[0]).toMatchObject({
    leaf: { gfn: 0x200, level: 1, type: 'WB', ipat: true },
    over: 'untold',
  });
  expect(told?.counts).toEqual([1, 0, 0]);
});

test('without a bit for presence what is set is a leaf all the same, and nothing is counted', () => {
  const events: TraceEvent[] = [set(LEAF & ~0x800n), set(3n << 52n)];
  const told = unmarkedTrace.read({ step: 0, events, leaves: [1, 0, 0] });

  expect(told?.moves.map(({ kind }) => kind)).toEqual(['make', 'stray']);
  expect(told?.counts).toBeUndefined();
});

test.each([tdpTrace, legacyTrace, unmarkedTrace])('where nothing is traced nothing is seen', (evidence) => {
  expect(evidence.read({ step: 0, leaves: [1, 0, 0] })).toBeUndefined();
});

test('the level is that of the fault that mapped the frame', () => {
  const moves = movesOf([change(0n, HUGE, 2), set(HUGE, 2), change(TABLE, HUGE, 2, 0x400)]);

  expect([0x200, 0x3ff, 0x1ff, 0x400].map((gfn) => levelOf(moves, gfn))).toEqual([
    2,
    2,
    undefined,
    undefined,
  ]);
});
