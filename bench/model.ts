// Time the reference model: each figure beside its bound.

import {
  archMtrrType,
  type MtrrConfig,
  mapRanges,
  mtrrCursors,
  mtrrWrites,
  replayWrites,
  type VariableConfig,
} from '../src/memtype/index.js';
import { kvmMtrrType } from '../src/memtype/policies/guest-mtrr.js';

/** One measured figure, in nanoseconds for each call. */
export interface Figure {
  readonly name: string;
  readonly nanoseconds: number;
  readonly bound: number;
}

const M = 1n << 20n;
const END = 2 ** (42 - 12);

/** Eight variable ranges that overlap, two with a hole in the mask, and a different type in each fixed range. */
const variable: VariableConfig[] = [
  { index: 0, type: 'WB', base: 0n, size: 4096n * M },
  { index: 1, type: 'UC', base: 3072n * M, size: 1024n * M },
  { index: 2, type: 'WT', base: 2048n * M, size: 512n * M },
  { index: 3, type: 'WB', base: 1n << 40n, size: 1n << 38n },
  { index: 4, type: 'WC', base: (1n << 41n) + 64n * M, size: 64n * M },
  { index: 5, type: 'WP', base: 1n << 41n, size: 1n << 36n },
  { index: 6, type: 'WT', base: 1n << 39n, mask: ((1n << 46n) - 1n) & ~((1n << 34n) - 1n) & ~(3n << 37n) },
  { index: 7, type: 'UC', base: 1n << 32n, mask: ((1n << 46n) - 1n) & ~((1n << 30n) - 1n) & ~(5n << 33n) },
];
const TYPES = ['UC', 'WC', 'WT', 'WP', 'WB'] as const;
const fixed = [
  ...Array.from({ length: 8 }, (_, i) => ({ start: BigInt(i) << 16n, size: 1n << 16n })),
  ...Array.from({ length: 16 }, (_, i) => ({ start: 0x80000n + (BigInt(i) << 14n), size: 1n << 14n })),
  ...Array.from({ length: 64 }, (_, i) => ({ start: 0xc0000n + (BigInt(i) << 12n), size: 1n << 12n })),
].map((span, i) => ({ ...span, type: TYPES[i % TYPES.length] as (typeof TYPES)[number] }));
const config: MtrrConfig = { def: { type: 'UC', enabled: true, fixedEnabled: true }, variable, fixed };

/** The best of several batches: the machine may be busy with something else during the others. */
function time(calls: number, run: (i: number) => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let batch = 0; batch < 15; batch++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < calls; i++) run(i);
    best = Math.min(best, Number(process.hrtime.bigint() - start) / calls);
  }
  return best;
}

/** Measure the model; takes about a second. */
export function benchModel(): Figure[] {
  const mtrr = replayWrites(mtrrWrites(config, 46), 46);
  const frames = Array.from({ length: 1024 }, (_, i) => Math.floor((i / 1024) * END));
  const at = (i: number): number => frames[i % frames.length] as number;
  const typeMap = () => mapRanges(END, (gfn) => archMtrrType(mtrr, gfn), mtrrCursors(mtrr));
  return [
    {
      name: `type map of 4 TiB, all MTRRs set (${typeMap().length} ranges)`,
      nanoseconds: time(50, typeMap),
      bound: 1e6,
    },
    {
      name: 'type of one page by the SDM',
      nanoseconds: time(50_000, (i) => archMtrrType(mtrr, at(i))),
      bound: 1e3,
    },
    {
      name: 'type of one page by KVM up to 6.10',
      nanoseconds: time(50_000, (i) => kvmMtrrType(mtrr, true, at(i))),
      bound: 1e3,
    },
  ];
}

const show = (nanoseconds: number): string =>
  nanoseconds >= 1000 ? `${(nanoseconds / 1000).toFixed(1)} µs` : `${nanoseconds.toFixed(0)} ns`;

/** Print the figures and tell whether all are within their bounds. */
export function reportModel(figures: readonly Figure[]): boolean {
  for (const { name, nanoseconds, bound } of figures) {
    const verdict = nanoseconds <= bound ? 'ok' : 'MISSED';
    console.log(
      `${name.padEnd(52)} ${show(nanoseconds).padStart(9)}  bound ${show(bound).padStart(9)}  ${verdict}`,
    );
  }
  return figures.every(({ nanoseconds, bound }) => nanoseconds <= bound);
}
