// Compare the model with the dumbest implementation that can be written: bytes and addresses, one page at a time, no
// ranges, nothing kept. It shares no code with the model.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kvmMtrrType, kvmRangeConsistent } from './policies/guest-mtrr.js';
import { type MsrWrite, replayWrites } from './sdm/config.js';
import { archMtrrType, mtrrCursors } from './sdm/mtrr.js';
import { mapRanges } from './sdm/ranges.js';

const CODES = [0, 1, 4, 5, 6];
const NAMES: Record<number, string> = { 0: 'UC', 1: 'WC', 4: 'WT', 5: 'WP', 6: 'WB' };
const PAGE = 4096n;
const ALL_ONES = 0xffff_ffff_ffff_ffffn;

interface Dumb {
  bits: number;
  def: bigint;
  /** MSR number to value. */
  msrs: Map<number, bigint>;
}

/** A range that KVM sees: first byte, last byte, type. */
type Hull = [bigint, bigint, number];

function dumbFixed({ msrs }: Dumb, addr: number): number {
  const [msr, first, size] =
    addr < 0x80000
      ? [0x250, 0, 0x10000]
      : addr < 0xc0000
        ? [0x258 + Math.floor((addr - 0x80000) / 0x20000), 0x80000, 0x4000]
        : [0x268 + Math.floor((addr - 0xc0000) / 0x8000), 0xc0000, 0x1000];
  const byte = Math.floor((addr - first) / size) % 8;
  return Number(((msrs.get(msr) as bigint) >> BigInt(8 * byte)) & 0xffn);
}

function dumbPairs({ msrs }: Dumb): { base: bigint; mask: bigint; type: number }[] {
  const pairs = [];
  for (let n = 0; n < 8; n++) {
    const base = msrs.get(0x200 + 2 * n) as bigint;
    const mask = msrs.get(0x201 + 2 * n) as bigint;
    if ((mask & 0x800n) !== 0n) pairs.push({ base, mask, type: Number(base & 0xffn) });
  }
  return pairs;
}

function dumbSdm(dumb: Dumb, addr: bigint): string {
  const { def } = dumb;
  if ((def & 0x800n) === 0n) return 'UC';
  if ((def & 0x400n) !== 0n && addr < 0x100000n) return NAMES[dumbFixed(dumb, Number(addr))] as string;
  const found = dumbPairs(dumb)
    .filter(({ base, mask }) => (addr & mask & ~0xfffn) === (base & mask & ~0xfffn))
    .map(({ type }) => type);
  if (found.length === 0) return NAMES[Number(def & 0xffn)] as string;
  if (found.every((type) => type === found[0])) return NAMES[found[0] as number] as string;
  if (found.includes(0)) return 'UC';
  if (found.every((type) => type === 4 || type === 6)) return 'WT';
  return 'undefined';
}

/** The ranges that KVM sees, highest PHYSBASE first. */
function dumbHulls(dumb: Dumb): Hull[] {
  const above = ALL_ONES << BigInt(dumb.bits);
  return dumbPairs(dumb)
    .sort((a, b) => (a.base > b.base ? -1 : 1))
    .map(({ base, mask, type }) => {
      const first = base & ~0xfffn;
      return [first, first | (~(mask | above) & ALL_ONES) | 0xfffn, type];
    });
}

function dumbKvm(dumb: Dumb, hulls: Hull[], addr: bigint): string {
  const { def } = dumb;
  if ((def & 0x800n) === 0n) return 'UC';
  if ((def & 0x400n) !== 0n && addr < 0x100000n) return NAMES[dumbFixed(dumb, Number(addr))] as string;
  let type = -1;
  for (const [first, last, next] of hulls) {
    if (addr < first || addr > last) continue;
    if (type === -1) type = next;
    else if (next === type) continue;
    else if (next === 0) return 'UC';
    else if ((type === 4 || type === 6) && (next === 4 || next === 6)) type = 4;
    else return 'WB';
  }
  return NAMES[type === -1 ? Number(def & 0xffn) : type] as string;
}

/** May one leaf map [start, end)? Collect types page by page; ask the first and last range for coverage. */
function dumbConsistent(dumb: Dumb, hulls: Hull[], start: bigint, end: bigint): boolean {
  const { def } = dumb;
  if ((def & 0x800n) === 0n) return true;
  const types = new Set<number>();
  if ((def & 0x400n) !== 0n && start < 0x100000n) {
    for (let addr = start; addr < end && addr < 0x100000n; addr += PAGE)
      types.add(dumbFixed(dumb, Number(addr)));
    if (end <= 0x100000n) return types.size === 1;
  }
  const touching = hulls.filter(([first, last]) => last >= start && first < end);
  for (const [, , type] of touching) types.add(type);
  const highest = touching[0];
  const covered =
    highest !== undefined && highest[0] <= start && touching.some(([, last]) => last >= end - 1n);
  if (types.size > 1) return false;
  return covered || types.size === 0 || types.has(Number(def & 0xffn));
}

const code = fc.constantFrom(...CODES);
const fixedValue = fc
  .tuple(code, code, code, code, code, code, code, code)
  .map((bytes) => bytes.reduce((v, b) => (v << 8n) | BigInt(b), 0n));

/** An address of `bits` bits whose size and place vary over all orders of magnitude. */
const address = (bits: number) =>
  fc
    .tuple(fc.bigInt(0n, (1n << BigInt(bits)) - 1n), fc.nat(bits))
    .map(([value, shift]) => (value >> BigInt(shift)) & ~0xfffn);

const mask = (bits: number) =>
  fc
    .tuple(fc.integer({ min: 12, max: bits }), fc.option(address(bits), { freq: 3, nil: 0n }), fc.boolean())
    .map(([size, holes, valid]) => {
      const contiguous = ((1n << BigInt(bits)) - 1n) & ~((1n << BigInt(size)) - 1n);
      return (contiguous & ~holes) | (valid ? 0x800n : 0n);
    });

/** Bases cluster on few places, aligned to the mask or not, so that ranges overlap. */
const pair = (bits: number) =>
  fc
    .tuple(address(bits), mask(bits), code, fc.boolean())
    .map(([addr, m, type, aligned]): [bigint, bigint] => {
      const base = aligned ? addr & m & ~0xfffn : addr;
      return [base | BigInt(type), m];
    });

const state = (minBits = 36, maxBits = 52): fc.Arbitrary<Dumb> =>
  fc.integer({ min: minBits, max: maxBits }).chain((bits) =>
    fc
      .record({
        bits: fc.constant(bits),
        pairs: fc.array(pair(bits), { minLength: 8, maxLength: 8 }),
        fixed: fc.array(fixedValue, { minLength: 2, maxLength: 2 }),
        def: fc
          .tuple(code, fc.constantFrom(0xc00, 0xc00, 0x800, 0x800, 0x400))
          .map(([type, flags]) => BigInt(type | flags)),
      })
      .map(({ pairs, fixed, def }) => {
        const msrs = new Map<number, bigint>([[0x2ff, def]]);
        for (const [n, [base, m]] of pairs.entries()) msrs.set(0x200 + 2 * n, base).set(0x201 + 2 * n, m);
        const numbers = [0x250, 0x258, 0x259, ...Array.from({ length: 8 }, (_, i) => 0x268 + i)];
        // Few distinct values, spread unevenly, so that some states have uniform fixed ranges and most do not.
        for (const [i, msr] of numbers.entries()) msrs.set(msr, fixed[i % 3 === 0 ? 0 : 1] as bigint);
        return { bits, def, msrs };
      }),
  );

const build = ({ msrs, bits }: Dumb) =>
  replayWrites(
    [...msrs].map(([msr, value]): MsrWrite => ({ msr, value })),
    bits,
  );

/** Frames worth asking about: the edges of each range by either reading, and what lies next to them. */
function edges(dumb: Dumb, hulls: Hull[]): number[] {
  const limit = 2 ** (dumb.bits - 12);
  const frames = [0, 0x7f, 0x80, 0xbf, 0xc0, 0xff, 0x100, limit - 1];
  for (const [first, last] of hulls) {
    const [from, to] = [Number(first >> 12n), Number(last >> 12n)];
    frames.push(from - 1, from, to, to + 1);
  }
  return frames.filter((gfn) => gfn >= 0 && gfn < limit);
}

// Mutation testing asks for fewer.
const RUNS = Math.min(100_000, Number(process.env.MODEL_RUNS ?? 100_000));

describe('the model agrees with the dumbest implementation', { timeout: 600_000 }, () => {
  it('on type and level of any page, SDM and KVM, over 100,000 random states', () => {
    fc.assert(
      fc.property(state(), fc.nat(0xfff), (dumb, salt) => {
        const mtrr = build(dumb);
        const hulls = dumbHulls(dumb);
        const frames = edges(dumb, hulls);
        for (const gfn of [...frames, salt, (salt * 2654435761) % 2 ** (dumb.bits - 12)]) {
          const addr = BigInt(gfn) * PAGE;
          const got = [archMtrrType(mtrr, gfn), kvmMtrrType(mtrr, true, gfn)];
          const want = [dumbSdm(dumb, addr), dumbKvm(dumb, hulls, addr)];
          if (got[0] !== want[0] || got[1] !== want[1]) expect({ gfn, got }).toEqual({ gfn, got: want });
        }
        const near = frames[salt % frames.length] as number;
        const start = near - (near % 512);
        const end = start + 512;
        const got = kvmRangeConsistent(mtrr, { start, end });
        const want = dumbConsistent(dumb, hulls, BigInt(start) * PAGE, BigInt(end) * PAGE);
        if (got !== want) expect({ start, got }).toEqual({ start, got: want });
      }),
      { numRuns: RUNS },
    );
  });

  it('on the map of the first 4 MiB, page by page', () => {
    fc.assert(
      fc.property(state(36, 36), (dumb) => {
        // Bring the ranges down to where the map is.
        for (let n = 0; n < 8; n++)
          dumb.msrs.set(0x200 + 2 * n, (dumb.msrs.get(0x200 + 2 * n) as bigint) & 0x3f_ffffn);
        const mtrr = build(dumb);
        const map = mapRanges(1024, (gfn) => archMtrrType(mtrr, gfn), mtrrCursors(mtrr));
        const pages = map.flatMap(({ start, end, value }) =>
          Array.from({ length: end - start }, () => value),
        );
        const want = Array.from({ length: 1024 }, (_, gfn) => dumbSdm(dumb, BigInt(gfn) * PAGE));
        expect(pages).toEqual(want);
        expect(map.every((range, i) => i === 0 || range.value !== map[i - 1]?.value)).toBe(true);
      }),
      { numRuns: Math.ceil(RUNS / 100) },
    );
  });
});
