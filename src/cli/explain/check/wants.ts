import { MEM_TYPES } from '../../../arch/memory-types.js';
import { GFN_LIMIT, gfnOf, PAGE_OFFSET } from '../../../arch/units.js';
import type { Want } from '../../../memtype/index.js';
import { UsageError } from '../../errors.js';
import { parseNumber } from '../args.js';

/**
 * A wanted type: `WB@1M+1G`, `UC@3G..4G` (the second address is not among them), or `UC` for all that no other tells.
 *
 * @throws UsageError if it is none
 */
export function parseWant(text: string): Want {
  const [, name = '', first, how, second] = /^([a-z]+)(?:@(\w+)(\+|\.\.)(\w+))?$/i.exec(text) ?? [];
  const type = MEM_TYPES.find((known) => known === name.toUpperCase());
  if (type === undefined)
    throw new UsageError(
      `--want ${text} is not like WB@1M+1G, UC@3G..4G or UC, with one of ${MEM_TYPES.join(', ')}`,
    );
  if (first === undefined || second === undefined) return { type, start: 0, end: GFN_LIMIT };
  const start = parseNumber(first, '--want: the start');
  const other = parseNumber(second, `--want: the ${how === '+' ? 'size' : 'end'}`);
  const end = how === '+' ? start + other : other;
  if (end <= start || ((start | end) & PAGE_OFFSET) !== 0n || end > 1n << 52n)
    throw new UsageError(`--want ${text}: it must be made of whole pages, at least one`);
  return { type, start: gfnOf(start), end: gfnOf(end) };
}

/** What is wanted: that of all memory first, so that any part counts more. */
export const sortWants = (wants: readonly Want[]): Want[] => [
  ...wants.filter(({ end }) => end === GFN_LIMIT),
  ...wants.filter(({ end }) => end !== GFN_LIMIT),
];
