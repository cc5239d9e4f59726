import { describe, expect, it } from 'vitest';
import { type MtrrConfig, MtrrConfigError, mtrrWrites, replayWrites } from './config.js';
import { archMtrrType } from './mtrr.js';

const K = 1024n;
const M = K * K;

describe('mtrrWrites', () => {
  it('writes variable ranges by size, and the default type last', () => {
    const config: MtrrConfig = {
      def: { type: 'UC', enabled: true, fixedEnabled: false },
      variable: [
        { index: 0, type: 'WB', base: 0n, size: 16n * M },
        { index: 7, type: 'WC', base: 12n * M, size: 4n * K, valid: false },
        { index: 2, type: 'WP', base: 0n, mask: 0x1_0000n },
      ],
    };
    expect(mtrrWrites(config, 36)).toEqual([
      { msr: 0x200, value: 6n },
      { msr: 0x201, value: 0xf_ff00_0800n },
      { msr: 0x20e, value: 0xc0_0001n },
      { msr: 0x20f, value: 0xf_ffff_f000n },
      { msr: 0x204, value: 5n },
      { msr: 0x205, value: 0x1_0800n },
      { msr: 0x2ff, value: 0x800n },
    ]);
  });

  it('writes all fixed MSRs once a span is given', () => {
    const def = { type: 'WB', enabled: false, fixedEnabled: true } as const;
    const fixed = [
      { type: 'WB', start: 0n, size: 640n * K },
      { type: 'WP', start: 0xff000n, size: 4n * K },
    ] as const;
    const writes = mtrrWrites({ def, fixed }, 40);
    expect(writes.map(({ msr }) => msr)).toEqual([
      0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f, 0x2ff,
    ]);
    expect(writes[0]?.value).toBe(0x0606_0606_0606_0606n);
    expect(writes[1]?.value).toBe(0x0606_0606_0606_0606n);
    expect(writes[2]?.value).toBe(0n);
    expect(writes[10]?.value).toBe(0x0500_0000_0000_0000n);
    expect(writes[11]?.value).toBe(0x406n);
  });

  it('writes nothing for nothing', () => {
    expect(mtrrWrites({}, 36)).toEqual([]);
  });

  const variable = (rest: object): MtrrConfig => ({
    variable: [{ index: 0, type: 'WB', base: 0n, size: M, ...rest }],
  });
  const fixed = (start: bigint, size: bigint): MtrrConfig => ({ fixed: [{ type: 'WB', start, size }] });
  const SIZE = 'variable range 0: the size must be a power of two of at least 4K';
  const SPAN = 'the span is not made of whole ones below 1M';
  const BAD: readonly [string, MtrrConfig, string][] = [
    ['an index of 8', variable({ index: 8 }), 'variable range 8: there are ranges 0 to 7'],
    ['a negative index', variable({ index: -1 }), 'variable range -1: there are ranges 0 to 7'],
    ['a broken index', variable({ index: 0.5 }), 'variable range 0.5: there are ranges 0 to 7'],
    [
      'a base within a page',
      variable({ base: 0x800n }),
      'variable range 0: the base must be a multiple of 4K',
    ],
    ['a size of 0', variable({ size: 0n }), SIZE],
    ['a negative size', variable({ size: -4096n }), SIZE],
    ['a size of 2K', variable({ size: 2048n }), SIZE],
    ['a size of 12K', variable({ size: 12n * K }), SIZE],
    ['no size', { variable: [{ index: 0, type: 'WB', base: 0n }] }, SIZE],
    ['a fixed span above 1M', fixed(M, 4n * K), `fixed ranges from 0x100000: ${SPAN}`],
    ['a fixed span that crosses 1M', fixed(0xff000n, 8n * K), `fixed ranges from 0xff000: ${SPAN}`],
    ['a fixed span of nothing', fixed(0n, 0n), `fixed ranges from 0x0: ${SPAN}`],
    ['a fixed span that starts within a range', fixed(0x1000n, 0xf000n), `fixed ranges from 0x1000: ${SPAN}`],
    ['a fixed span that ends within a range', fixed(0x80000n, 0x3000n), `fixed ranges from 0x80000: ${SPAN}`],
    ['a fixed start within a page', fixed(0xc0800n, 0x1000n), `fixed ranges from 0xc0800: ${SPAN}`],
    ['a fixed size within a page', fixed(0xc0000n, 0x1800n), `fixed ranges from 0xc0000: ${SPAN}`],
  ];
  it.each(BAD)('refuses %s', (_, config, message) => {
    expect(() => mtrrWrites(config, 36)).toThrow(new MtrrConfigError(message));
  });
});

describe('replayWrites', () => {
  it.each([
    [
      0x200,
      0x10_0000_0006n,
      "writing 0x1000000006 to MSR 0x200 (IA32_MTRR_PHYSBASE0) would fault: bit 36 lies at or above the guest's MAXPHYADDR, 36",
      37,
    ],
    [
      0x210,
      0n,
      'writing 0x0 to MSR 0x210 would fault: VCNT in MTRRcap is 8: KVM has 8 pairs of PHYSBASE and PHYSMASK, 0x200 to 0x20f',
      undefined,
    ],
    [0x277, 0n, 'MSR 0x277 (IA32_PAT) is no MTRR', undefined],
    [0xfe, 0x508n, 'writing 0x508 to MSR 0xfe (IA32_MTRRCAP) would fault: it is read-only', undefined],
    [
      0x10,
      0n,
      'writing 0x0 to MSR 0x10 has no bearing on memory types: it is no MTRR and not the PAT',
      undefined,
    ],
  ])('refuses a write to MSR %i that would fault', (msr, value, text, maxphyaddr) => {
    expect(() => replayWrites([{ msr, value }], 36)).toThrow(new MtrrConfigError(text, maxphyaddr));
  });

  it('ends in the same state as the typed description', () => {
    const config: MtrrConfig = {
      def: { type: 'WB', enabled: true, fixedEnabled: true },
      variable: [{ index: 3, type: 'UC', base: 3072n * M, size: 1024n * M }],
      fixed: [{ type: 'WC', start: 0xa0000n, size: 128n * K }],
    };
    const mtrr = replayWrites(mtrrWrites(config, 39), 39);
    expect([0xa0, 0xc0, 0x100, 0xc0000].map((gfn) => archMtrrType(mtrr, gfn))).toEqual([
      'WC',
      'UC',
      'WB',
      'UC',
    ]);
  });
});

it('has an error with a stable code', () => {
  const error = new MtrrConfigError('x');
  expect([error.name, error.code, error.message]).toEqual(['MtrrConfigError', 'MEMTYPE_MTRR', 'x']);
});
