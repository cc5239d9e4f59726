import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MEM_TYPES, type MemType } from '../../arch/memory-types.js';
import { PAT_RESET } from '../../arch/msrs.js';
import { gfnOf } from '../../arch/units.js';
import { explainArch, explainPage, type Situation } from '../explain.js';
import { explainRegions } from '../map/regions.js';
import { kvmMtrrType } from '../policies/guest-mtrr.js';
import { ALL_POLICIES, policies } from '../policies/index.js';
import type { Policy } from '../policy.js';
import { mtrrWrites, replayWrites } from '../sdm/config.js';
import { archMtrrType, type MtrrState } from '../sdm/mtrr.js';
import { type Solution, solveMtrrs } from './solve.js';
import { type Want, WantedMap } from './wanted.js';

const M = 256;
const G = 1024 * M;
const want = (type: MemType | undefined, start: number, end: number): Want => ({ type, start, end });
const told = ({ config, pairs }: Solution): string[] => [
  `default ${config.def?.type}`,
  ...pairs.map(({ type, base, size }) => `${type} ${base.toString(16)}+${size?.toString(16)}`),
];

const stateOf = ({ config }: Solution, bits: number): MtrrState =>
  replayWrites(mtrrWrites(config, bits), bits);
const situation = (mtrr: MtrrState, maxphyaddr: number): Situation => ({
  mtrr,
  pat: PAT_RESET,
  patEntry: 0,
  cd: false,
  noncoherent: true,
  mmio: false,
  disabledQuirks: 0,
  maxphyaddr,
  mtrrCpuid: true,
  selfSnoop: true,
  slotFlag: false,
});

/** Where the MTRRs, by the SDM and by each kernel that asks them, give another type than is wanted. */
function wrongAt(solution: Solution, wanted: WantedMap, bits: number): string[] {
  const mtrr = stateOf(solution, bits);
  const one = situation(mtrr, bits);
  const cuts = explainRegions(policies.get('A') as Policy, [one], { start: 0, end: wanted.end }).map(
    ({ start }) => start,
  );
  const frames = [...new Set([...cuts, ...wanted.spans.map(({ start }) => start)])];
  const eras = ALL_POLICIES.filter(
    ({ era, proposals, paging }) => 'AB'.includes(era) && proposals.length === 0 && paging === 'ept',
  );
  return frames.flatMap((gfn) => {
    const { type } = wanted.spanAt(gfn);
    if (type === undefined) return [];
    const seen = [explainArch(one, gfn).mtrr, ...eras.map((policy) => explainPage(policy, one, gfn).type)];
    return seen.every((given) => given === type) ? [] : [`${gfn}: ${type}, not ${seen}`];
  });
}

describe('solveMtrrs', () => {
  it('finds the six pairs of a public report', () => {
    const wants = [
      want('UC', 0, 2 ** 40),
      want('WB', M, 0x8a000),
      want('WP', 0xff000, 4 * G),
      want('WC', 0xfc240, 0xfc242),
    ];
    const solution = solveMtrrs(wants, { maxphyaddr: 40 });
    expect(told(solution)).toEqual([
      'default UC',
      'WB 0+80000000',
      'UC 0+100000',
      'WB 80000000+8000000',
      'WB 88000000+2000000',
      'WC fc240000+2000',
      'WP ff000000+1000000',
    ]);
    expect(wrongAt(solution, new WantedMap(2 ** 28, wants), 40)).toEqual([]);
  });

  it('chooses the default type', () => {
    expect(told(solveMtrrs([want('WB', 0, 2 ** 40), want('UC', 3 * G, 4 * G)], { maxphyaddr: 46 }))).toEqual([
      'default WB',
      'UC c0000000+40000000',
    ]);
    expect(told(solveMtrrs([want('WT', 0, 2 ** 40)], { maxphyaddr: 40 }))).toEqual(['default WT']);
    expect(told(solveMtrrs([], { maxphyaddr: 36 }))).toEqual(['default UC']);
  });

  it('lays UC over WB only where KVM up to 6.10 lets UC win', () => {
    const wants = [want('UC', 0, 2 ** 40), want('WB', 0, 4 * G - 16 * M)];
    const all = solveMtrrs(wants, { maxphyaddr: 46 });
    const sdm = solveMtrrs(wants, { maxphyaddr: 46, sdmOnly: true });
    expect(told(sdm)).toEqual(['default UC', 'WB 0+100000000', 'UC ff000000+1000000']);
    expect(wrongAt(sdm, new WantedMap(2 ** 34, wants), 46).length).toBeGreaterThan(0);
    expect(all.pairs.length).toBe(8);
    expect(wrongAt(all, new WantedMap(2 ** 34, wants), 46)).toEqual([]);
  });

  it('says when there are too few pairs', () => {
    const wants = [want('UC', 0, 2 ** 40), want('WB', 1, 2 ** 20 - 1)];
    expect(solveMtrrs(wants, { maxphyaddr: 46 })).toMatchObject({ tooMany: true });
  });

  const BITS = 36;
  const END = 2 ** (BITS - 12);
  const edge = fc.oneof(
    fc.integer({ min: 0, max: 16 }).map((n) => n * G),
    fc.integer({ min: 0, max: 64 }).map((n) => n * 16 * M),
    fc.integer({ min: 0, max: 4096 }),
  );
  const anyWant = fc
    .tuple(fc.constantFrom<MemType | undefined>('WB', 'UC', 'WB', 'WC', 'WT', 'WP', undefined), edge, edge)
    .filter(([, a, b]) => a !== b)
    .map(([type, a, b]) => want(type, Math.min(a, b), Math.max(a, b)));

  it('gives the wanted map, by the SDM and under every era', () => {
    fc.assert(
      fc.property(fc.array(anyWant, { maxLength: 5 }), (wants) => {
        const solution = solveMtrrs(wants, { maxphyaddr: BITS });
        fc.pre(!solution.tooMany);
        expect(wrongAt(solution, new WantedMap(END, wants), BITS)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('never takes more pairs than were enough', () => {
    const pair = fc
      .tuple(fc.constantFrom(...MEM_TYPES), fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 15 }))
      .map(([type, order, n]) => ({
        type,
        base: BigInt((n * 2 ** order) % END) << 12n,
        size: 4096n << BigInt(order),
      }));
    fc.assert(
      fc.property(fc.constantFrom(...MEM_TYPES), fc.array(pair, { maxLength: 6 }), (type, pairs) => {
        const variable = pairs.map((each, index) => ({ ...each, index }));
        const def = { type, enabled: true, fixedEnabled: false };
        const mtrr = replayWrites(mtrrWrites({ def, variable }, BITS), BITS);
        const cuts = [
          ...new Set([0, END, ...variable.flatMap(({ base, size }) => [gfnOf(base), gfnOf(base + size)])]),
        ].sort((a, b) => a - b);
        const wants = cuts.slice(0, -1).map((start, i) => {
          const arch = archMtrrType(mtrr, start);
          fc.pre(arch !== 'undefined' && arch === kvmMtrrType(mtrr, true, start));
          return want(arch as MemType, start, cuts[i + 1] as number);
        });
        expect(solveMtrrs(wants, { maxphyaddr: BITS }).pairs.length).toBeLessThanOrEqual(pairs.length);
      }),
    );
  });
});
