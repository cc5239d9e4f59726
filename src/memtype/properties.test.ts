// What must hold of the architecture and of the policies whatever the state: checked on random ones.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MEM_TYPES, type MemType, PAT_TYPES } from '../arch/memory-types.js';
import { explainPage, type Situation } from './explain.js';
import { kvmMtrrType } from './policies/guest-mtrr.js';
import { policies } from './policies/index.js';
import { findPolicy } from './policies/versions.js';
import type { Policy } from './policy.js';
import { type MsrWrite, replayWrites } from './sdm/config.js';
import { effectiveType } from './sdm/effective.js';
import { archMtrrType, type MtrrState } from './sdm/mtrr.js';

const CODES: Record<MemType, bigint> = { UC: 0n, WC: 1n, WT: 4n, WP: 5n, WB: 6n };
const BITS = 36;

/** A variable range over the first 16 MiB, aligned, by type, place and size in pages (powers of two). */
const range = fc
  .record({ type: fc.constantFrom(...MEM_TYPES), place: fc.nat(0xfff), log: fc.integer({ min: 0, max: 12 }) })
  .map(({ type, place, log }): [bigint, bigint] => {
    const base = BigInt(place - (place % 2 ** log)) << 12n;
    const mask = ((1n << BigInt(BITS)) - 1n) & ~((1n << BigInt(12 + log)) - 1n);
    return [base | CODES[type], mask | 0x800n];
  });

const ranges = fc.array(range, { minLength: 1, maxLength: 8 });
const frame = fc.nat(0xfff);

const program = (pairs: readonly [bigint, bigint][], def = 0x804n): MtrrState =>
  replayWrites(
    [
      ...pairs.flatMap(([base, mask], i): MsrWrite[] => [
        { msr: 0x200 + 2 * i, value: base },
        { msr: 0x201 + 2 * i, value: mask },
      ]),
      { msr: 0x2ff, value: def },
    ],
    BITS,
  );

const covers = ([base, mask]: [bigint, bigint], gfn: number): boolean =>
  ((BigInt(gfn) << 12n) & mask & ~0xfffn) === (base & mask & ~0xfffn);

const situation = (mtrr: MtrrState, rest: Partial<Situation> = {}): Situation => ({
  mtrr,
  pat: 0x0007_0406_0007_0406n,
  patEntry: 0,
  cd: false,
  noncoherent: true,
  mmio: false,
  disabledQuirks: 0,
  maxphyaddr: BITS,
  mtrrCpuid: true,
  selfSnoop: true,
  slotFlag: false,
  ...rest,
});

describe('architecture', () => {
  it('UC absorbs: one UC range that matches makes the page UC', () => {
    fc.assert(
      fc.property(ranges, frame, (pairs, gfn) => {
        const uc = pairs.some((pair) => covers(pair, gfn) && (pair[0] & 0xffn) === 0n);
        const type = archMtrrType(program(pairs), gfn);
        return uc ? type === 'UC' : type !== 'UC';
      }),
    );
  });

  it('the order of variable MTRRs does not matter', () => {
    fc.assert(
      fc.property(ranges, frame, fc.nat(7), (pairs, gfn, turn) => {
        const turned = [...pairs.slice(turn), ...pairs.slice(0, turn)].reverse();
        expect(archMtrrType(program(turned), gfn)).toBe(archMtrrType(program(pairs), gfn));
      }),
    );
  });

  it('IPAT makes the PAT irrelevant', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...MEM_TYPES),
        fc.constantFrom(...PAT_TYPES),
        (ept, pat) => effectiveType(ept, true, pat) === ept,
      ),
    );
  });

  it('UC- is UC, except that WC and WP make it WC', () => {
    for (const ept of MEM_TYPES) {
      const expected = ept === 'WC' || ept === 'WP' ? 'WC' : 'UC';
      expect(effectiveType(ept, false, 'UC-')).toBe(expected);
    }
  });
});

describe('KVM', () => {
  it('up to 6.10, the order of the registers does not matter, but the order of the bases does (D1)', () => {
    fc.assert(
      fc.property(ranges, frame, fc.nat(7), (pairs, gfn, turn) => {
        const turned = [...pairs.slice(turn), ...pairs.slice(0, turn)].reverse();
        expect(kvmMtrrType(program(turned), true, gfn)).toBe(kvmMtrrType(program(pairs), true, gfn));
      }),
    );
    const low = (type: MemType): [bigint, bigint] => [CODES[type], 0xf_ff00_0800n];
    const high = (type: MemType): [bigint, bigint] => [0xc0_0000n | CODES[type], 0xf_ffc0_0800n];
    expect(kvmMtrrType(program([low('WB'), high('UC')]), true, 0xc00)).toBe('WB');
    expect(kvmMtrrType(program([low('UC'), high('WB')]), true, 0xc00)).toBe('UC');
  });

  it('up to 6.10, agrees with the SDM where ranges of different types do not overlap', () => {
    fc.assert(
      fc.property(ranges, frame, (pairs, gfn) => {
        const types = new Set(pairs.filter((pair) => covers(pair, gfn)).map(([base]) => base & 0xffn));
        fc.pre(types.size <= 1);
        expect(kvmMtrrType(program(pairs), true, gfn)).toBe(archMtrrType(program(pairs), gfn));
      }),
    );
  });

  it.each(['C', 'D', 'D-6.13', 'E', 'E-6.12'])('%s ignores MTRRs and CR0.CD', (name) => {
    const policy = policies.get(name) as Policy;
    const any = fc.record({
      noncoherent: fc.boolean(),
      cd: fc.boolean(),
      mmio: fc.boolean(),
      disabledQuirks: fc.nat(0xfff),
      selfSnoop: fc.boolean(),
    });
    fc.assert(
      fc.property(ranges, frame, any, (pairs, gfn, rest) => {
        const got = explainPage(policy, situation(program(pairs), rest), gfn);
        const plain = explainPage(policy, situation(program([], 0n), { ...rest, cd: false }), gfn);
        expect([got.type, got.ipat, got.effective]).toEqual([plain.type, plain.ipat, plain.effective]);
      }),
    );
  });

  it('up to 5.19 MTRRs bound the size of a leaf as with non-coherent DMA; nothing else differs from 6.0', () => {
    const [old, young] = ['5.19', '6.0'].map((name) => findPolicy(name)) as [Policy, Policy];
    const any = fc.record({
      noncoherent: fc.boolean(),
      cd: fc.boolean(),
      mmio: fc.boolean(),
      disabledQuirks: fc.nat(0x1f),
    });
    fc.assert(
      fc.property(ranges, frame, any, (pairs, gfn, rest) => {
        const state = situation(program(pairs), rest);
        const [a, b] = [explainPage(old, state, gfn), explainPage(young, state, gfn)];
        expect([a.type, a.ipat, a.effective, a.errata]).toEqual([b.type, b.ipat, b.effective, b.errata]);
        expect(a.maxLevel).toBe(explainPage(young, { ...state, noncoherent: true }, gfn).maxLevel);
        if (!rest.noncoherent) expect(b.maxLevel).toBe(3);
      }),
    );
  });

  it('from 6.16 a CPU without self-snoop ignores the PAT whatever quirks are disabled, except with non-coherent DMA', () => {
    fc.assert(
      fc.property(fc.nat(0xfff), fc.nat(7), fc.boolean(), (disabledQuirks, patEntry, noncoherent) => {
        const rest = { disabledQuirks, patEntry, noncoherent, selfSnoop: false };
        for (const name of ['E', 'E-6.12', 'E+P5', 'E+P5-device'])
          expect(explainPage(findPolicy(name), situation(program([]), rest), 0).ipat).toBe(!noncoherent);
      }),
    );
  });

  it('every policy keeps RAM cacheable without non-coherent DMA or a disabled quirk, except C', () => {
    fc.assert(
      fc.property(ranges, frame, fc.boolean(), fc.nat(7), (pairs, gfn, cd, patEntry) => {
        for (const name of ['A', 'B', 'D', 'E']) {
          const explanation = explainPage(
            policies.get(name) as Policy,
            situation(program(pairs), { noncoherent: false, cd, patEntry }),
            gfn,
          );
          expect(explanation.effective).toBe('WB');
        }
      }),
    );
  });
});
