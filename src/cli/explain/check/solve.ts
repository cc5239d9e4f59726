import { msrName } from '../../../arch/msrs.js';
import { gpaOf } from '../../../arch/units.js';
import { hex, mtrrWrites, type Solution, sizeText, solveMtrrs, type Want } from '../../../memtype/index.js';
import { UsageError } from '../../errors.js';
import type { Answer } from '../answer.js';
import { table } from '../text.js';

/** Pairs for a wanted map. */
export interface Solved {
  readonly answer: Answer;
  /** They can be had. */
  readonly possible: boolean;
}

const MIB_FRAMES = 256;

/** The last want: whatever else, the first MiB is for the fixed ranges. */
const FREE_MIB: Want = { start: 0, end: MIB_FRAMES, type: undefined };

const count = (n: number): string => (n === 1 ? '1 pair' : `${n} pairs`);

function optionsOf({ config, pairs }: Solution): string {
  const ranges = pairs.map(
    ({ index, type, base, size = 0n }) => `--mtrr ${index}=${type}@${hex(base)}+${sizeText(size)}`,
  );
  return [`--mtrr def=${config.def?.type}`, ...ranges].join(' ');
}

function pairsText(solution: Solution, maxphyaddr: number): string[] {
  const writes = mtrrWrites(solution.config, maxphyaddr);
  const value = (index: number): string => hex(writes[index]?.value ?? 0n);
  const rows = solution.pairs.map(({ index, type, base, size = 0n }) => [
    `${index}`,
    type,
    `${hex(base)}-${hex(base + size - 1n)}`,
    sizeText(size),
    value(2 * index),
    value(2 * index + 1),
  ]);
  const head = ['pair', 'type', 'range', 'size', 'PHYSBASE', 'PHYSMASK'];
  const last = writes.at(-1);
  return [
    `default type ${solution.config.def?.type} (${msrName(last?.msr ?? 0)} = ${hex(last?.value ?? 0n)}), ${count(solution.pairs.length)}`,
    ...(rows.length === 0 ? [] : ['', ...table([head, ...rows])]),
    '',
    `as options: ${optionsOf(solution)}`,
  ];
}

/** Hints for those who can do with less. */
function hints(wants: readonly Want[], solution: Solution, maxphyaddr: number, sdmOnly: boolean): string[] {
  const found: string[] = [];
  const fixed = solveMtrrs([...wants, FREE_MIB], { maxphyaddr, sdmOnly });
  if (fixed.pairs.length < solution.pairs.length)
    found.push(`with fixed ranges for the first MiB ${count(fixed.pairs.length)} would do`);
  const sdm = solveMtrrs(wants, { maxphyaddr, sdmOnly: true });
  if (!sdmOnly && sdm.pairs.length < solution.pairs.length)
    found.push(
      `by the SDM alone ${count(sdm.pairs.length)} would do (--sdm): KVM up to 6.10 lets UC lose in them (D1)`,
    );
  return found;
}

/**
 * Find the pairs for what is wanted.
 *
 * @throws UsageError if nothing is wanted, or of addresses that the guest does not have
 */
export function solve(wants: readonly Want[], maxphyaddr: number, sdmOnly: boolean): Solved {
  if (wants.length === 0)
    throw new UsageError('--solve needs what is wanted: --want WB@0+2G, or memory by --slot or --from');
  const limit = 2 ** (maxphyaddr - 12);
  const above = wants.find(({ start }) => start >= limit);
  if (above !== undefined)
    throw new UsageError(
      `what is wanted at ${hex(gpaOf(above.start))} lies above the guest's ${maxphyaddr} address bits`,
    );
  const solution = solveMtrrs(wants, { maxphyaddr, sdmOnly });
  const { pairs, tooMany } = solution;
  const more = hints(wants, solution, maxphyaddr, sdmOnly);
  const head = tooMany
    ? [`cannot be done: it takes ${count(pairs.length)}, and a guest of KVM has 8`]
    : pairsText(solution, maxphyaddr);
  const writes = tooMany ? [] : mtrrWrites(solution.config, maxphyaddr);
  return {
    possible: !tooMany,
    answer: {
      text: () => `${[...head, ...more].join('\n')}\n`,
      json: () => ({
        possible: !tooMany,
        default: solution.config.def?.type,
        pairs: pairs.map(({ type, base, size = 0n }) => ({ type, base: hex(base), size: hex(size) })),
        msrs: writes.map(({ msr, value }) => ({ msr: hex(BigInt(msr)), value: hex(value) })),
        hints: more,
      }),
    },
  };
}
